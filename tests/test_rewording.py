"""Training questions made harder: what changes, what stays, and that answers stay where they were."""

import random
from pathlib import Path

import pytest

from training.batches import AS_WRITTEN, Mix, examples
from training.pairs import Group, Passage
from training.rewording import emptied, foreign, reworded
from training.wordnet import WordNet

TEXT = "The mayor opened the new bridge on Monday. It cost four million. Boats pass below it."
SENTENCES = ((0, 42), (43, 64), (65, 85))


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


def test_a_passage_loses_the_sentence_of_the_answer_and_no_other() -> None:
    span = (TEXT.index("four"), TEXT.index("four") + 12)
    assert emptied(TEXT, SENTENCES, (span,)) == (
        "The mayor opened the new bridge on Monday. Boats pass below it."
    )


def test_a_passage_is_not_emptied_where_the_answer_stands_twice_or_nothing_would_be_left() -> None:
    twice = "It cost four million. Four million is much."
    assert emptied(twice, ((0, 21), (22, 43)), ((8, 20),)) is None
    assert emptied("It cost four million.", ((0, 21),), ((8, 20),)) is None


def _group(number: int) -> Group:
    wrong = tuple(Passage("", f"Some other text, number {i}.") for i in range(8))
    right = Passage("Bridge", TEXT, SENTENCES)
    question = "What did the bridge cost?" if number % 2 else "How deep is the lake under the bridge?"
    return Group("qamr", question, right, ((51, 63),), wrong, False)


def test_a_mix_asks_foreign_questions_of_both_passages_and_empties_wrong_ones() -> None:
    drawn = examples([_group(i) for i in range(40)], random.Random(3), Mix(0.5, 0.5, 0.5, others))
    changed = [one for one in drawn if one.is_foreign]
    assert changed and len(changed) < 30
    assert all(one.span is None for one in changed)
    assert any("Boats" in one.texts[1] and "million" not in one.texts[1] for one in drawn)
    assert any("crossing" in one.question for one in drawn)


def test_questions_as_written_keep_their_answers() -> None:
    for one in examples([_group(i) for i in range(10)], random.Random(3), AS_WRITTEN):
        assert one.span is not None
        assert one.texts[0][slice(*one.span)] == TEXT[51:63]


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
