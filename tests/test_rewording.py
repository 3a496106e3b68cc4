"""Questions made harder: what changes, and what stays."""

import random
from pathlib import Path

import pytest

from bench.rewording import foreign, reworded
from bench.wordnet import WordNet

TEXT = "The mayor opened the new bridge on Monday. It cost four million. Boats pass below it."


def others(word: str) -> tuple[str, ...]:
    return {"mayor": ("town leader",), "bridge": ("crossing",), "opened": ("unveiled",)}.get(word, ())


class Dice(random.Random):
    """Always the same throw."""

    def __init__(self, throw: float) -> None:
        super().__init__(0)
        self.throw = throw

    def random(self) -> float:
        return self.throw


def test_words_that_the_passage_has_give_way_to_others_and_names_stay() -> None:
    question = "When was the bridge of Kharkiv opened by the mayor?"
    assert reworded(question, TEXT, others, Dice(0.28)) == (
        "When was the crossing of Kharkiv unveiled by the town leader?"
    )


def test_words_are_left_out_only_while_enough_remain_to_ask_by() -> None:
    question = "Who opened the bridge, the mayor?"
    assert reworded(question, TEXT, others, Dice(0.1)) == "Who the bridge, the mayor?"


def test_a_question_whose_words_the_passage_lacks_stays_as_it_is_most_of_the_time() -> None:
    assert reworded("Who paid for it?", TEXT, others, Dice(0.2)) == "Who paid for it?"


def test_a_foreign_question_names_what_the_passage_does_not_have() -> None:
    asked = foreign(
        "Who is the mayor of Lviv?", f"Lviv {TEXT}", "How long is the river at Odesa?", random.Random(1)
    )
    assert asked == "Who is the mayor of Odesa?"


def test_without_a_name_a_word_of_the_passage_becomes_another() -> None:
    asked = foreign("who opened the bridge?", TEXT, "how deep is the tunnel?", random.Random(1))
    assert asked in (
        "who opened the tunnel?",
        "who opened the deep?",
        "who deep the bridge?",
        "who tunnel the bridge?",
    )


def test_nothing_foreign_is_made_where_nothing_can_be_changed() -> None:
    assert foreign("Where is it?", TEXT, "Who?", random.Random(1)) is None


@pytest.fixture
def dictionary(tmp_path: Path) -> WordNet:
    """Three meanings: boat < vessel, and two verbs; offsets are worked out from the lines."""
    nouns = [
        "{:08d} 06 n 02 vessel 0 water_craft 0 000 | a craft\n",
        "{:08d} 06 n 02 boat 0 dinghy 0 001 @ {above} n 0000 | a small vessel\n",
    ]
    first = nouns[0].format(0)
    second = nouns[1].format(len(first), above="00000000")
    verb = f"{0:08d} 38 v 02 carry 0 bring 0 000 01 + 08 00 | take along\n"
    files = {
        "data.noun": first + second, "data.verb": verb, "data.adj": "\n", "data.adv": "\n",
        "index.noun": f"  1 licence\nboat n 1 1 @ 1 1 {len(first):08d}\nvessel n 1 0 1 1 00000000\n",
        "index.verb": "carry v 1 0 1 1 00000000\n", "index.adj": "", "index.adv": "",
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return WordNet(tmp_path)


def test_other_words_are_those_of_the_meaning_and_of_its_kind_in_the_form_of_the_word(
    dictionary: WordNet,
) -> None:
    assert dictionary.others("boat") == ("dinghy", "vessel", "water craft")
    assert dictionary.others("boats") == ("dinghies", "vessels", "water crafts")
    assert dictionary.others("carried") == ("bringed",)  # regular endings only
    assert dictionary.others("unknown") == ()
