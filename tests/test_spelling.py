"""Questions that spell otherwise than the corpus: what is looked for beside them, and what is said of it."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from indexer.build import build
from indexer.growing import add, delete, merge
from indexer.purging import purge
from passage_index import directory
from passage_index.segment import VOCABULARY
from passage_index.snapshot import open_snapshot
from search_api.hits import SearchReply, SearchRequest
from search_api.legibility import is_legible
from search_api.question import free_words
from search_api.searcher import Searcher
from search_api.suggest import suggestions
from tests.fakes import FakeEncoder
from tests.growing import NO_MERGE, Record, record, written
from tests.old_index import FOLDER

TEXTS = [
    "Shells fell on Izyum all night. The mayor of Izyum left the town.",
    "Kyiv was quiet. The council of Kyiv met in the evening.",
    "In Kyiv a bridge was closed for repairs. Trams in Kyiv stood still.",
    "The airport of Kyiv opened again.",
    "A guide of the old Kiev museum spoke of the flood.",
    "The evacuation of the hospital took a week. The evacuation was orderly.",
    "Bread was sold at the market, and the market was full.",
    "Ukrainian grain left the port of Odesa on a ship.",
    "Snow fell on Kyiv for an hour.",
    "A train came to Kyiv too late.",
]


def opened(records: list[Record], folder: Path, encoder: FakeEncoder | None = None) -> Searcher:
    build([written(folder / "articles.jsonl", records)], folder / "index", FakeEncoder(), NO_MERGE)
    return Searcher(open_snapshot(folder / "index"), encoder or FakeEncoder())


@pytest.fixture(scope="module")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    records = [record(number, text) for number, text in enumerate(TEXTS)]
    with closing(opened(records, tmp_path_factory.mktemp("spelling"))) as made:
        yield made


def asked(searcher: Searcher, question: str, mode: str = "keyword") -> SearchReply:
    return searcher.search(SearchRequest(question, mode=mode))  # type: ignore[arg-type]


def told(reply: SearchReply) -> list[str]:
    return [str(one) for one in reply.interpretations]


def found(reply: SearchReply) -> list[str]:
    return [hit.stored.article.id for hit in reply.hits]


@pytest.mark.parametrize(
    ("question", "said", "article"),
    [
        ("Who left Izium?", ["searched also for Izyum (asked: Izium)"], "a-0"),
        ("Хто в Ізюмі", ["searched also for Izyum (asked: Ізюмі)"], "a-0"),
        ("odessa grain", ["searched also for Odesa (asked: odessa)"], "a-7"),
        ("WHO LEFT IZIUM", ["searched also for Izyum (asked: IZIUM)"], "a-0"),
        ("Izium’s mayor", ["searched also for Izyum (asked: Izium)"], "a-0"),
    ],
)
def test_a_name_is_found_by_its_other_spelling(
    searcher: Searcher, question: str, said: list[str], article: str
) -> None:
    reply = asked(searcher, question)
    assert told(reply) == said and reply.did_you_mean is None
    assert found(reply)[0] == article and reply.warnings == ()
    hit = reply.hits[0]
    marked = {hit.stored.article.text[mark.start : mark.end] for mark in hit.highlights}
    assert marked & {"Izyum", "Odesa"}


def test_a_name_that_is_rare_beside_another_spelling_is_found_by_both(searcher: Searcher) -> None:
    reply = asked(searcher, "Kiev")
    assert told(reply) == ["searched also for Kyiv (asked: Kiev)"]
    assert set(found(reply)) == {"a-1", "a-2", "a-3", "a-4", "a-8", "a-9"} and found(reply)[0] == "a-4"


def test_a_name_that_is_not_rare_is_found_by_itself(tmp_path: Path) -> None:
    records = [record(number, f"Kyiv {number}.") for number in range(4)] + [record(9, "To Kiev.")]
    with closing(opened(records, tmp_path)) as searcher:
        assert told(asked(searcher, "Kiev")) == []


def test_a_slip_that_the_corpus_makes_too_is_mended(tmp_path: Path) -> None:
    records = [record(number, f"The government met, {number}.") for number in range(500)]
    records += [record(500, "The goverment met."), record(501, "So said Goverman.")]
    with closing(opened(records, tmp_path)) as searcher:
        assert asked(searcher, "goverment").did_you_mean == "government"
        assert asked(searcher, "Goverman").did_you_mean is None  # a name that it has
        assert found(asked(searcher, "goverment"))[0] == "a-500"


@pytest.mark.parametrize(
    "question",
    [
        "Kyiv bridge",
        '"Kiev" bridge',
        "+Kiev",
        "-Kiev bridge",
        "market bread",
        "Mayor",
        "the",
        "bread for Odesa and kiev",  # who writes one name with a capital writes all
        "Sumy",
        "B52",
        "東京",
    ],
)
def test_nothing_else_is_looked_for(searcher: Searcher, question: str) -> None:
    reply = asked(searcher, question)
    assert told(reply) == [] and reply.did_you_mean is None


@pytest.mark.parametrize(
    ("question", "meant", "article"),
    [
        ("evacution of the hospital", "evacuation of the hospital", "a-5"),
        ("Evacution", "Evacuation", "a-5"),
        ("İN İZ EVACUTION OF THE HOSPITAL", "İN İZ Evacuation OF THE HOSPITAL", "a-5"),
        ("hopsital week", "hospital week", "a-5"),
        ("what is the makret like", "what is the market like", "a-6"),
        ("grian and a shpi", "grain and a shpi", "a-7"),
    ],
)
def test_a_slip_is_mended_and_said(searcher: Searcher, question: str, meant: str, article: str) -> None:
    reply = asked(searcher, question)
    assert reply.did_you_mean == meant and found(reply)[0] == article
    assert all(one.reason == "slip" for one in reply.interpretations) and reply.interpretations
    assert asked(searcher, meant).did_you_mean is None


@pytest.mark.parametrize(
    "question",
    [
        "gorin",  # two slips in five letters
        "brad",  # too short
        "whast",  # near a stop word only
        '"evacution"',
        "+evacution",
        "hopsital makret evacution concil",  # another language, as it were
        "zzzzzz",
    ],
)
def test_what_is_no_slip_or_too_many_is_left_alone(searcher: Searcher, question: str) -> None:
    reply = asked(searcher, question)
    assert reply.did_you_mean is None and told(reply) == []


def test_a_word_that_the_encoder_knows_is_no_slip(
    searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked(searcher, "morket").did_you_mean == "market"
    monkeypatch.setattr(FakeEncoder, "pieces", lambda self, words: [1 for _ in words])
    assert asked(searcher, "markat").did_you_mean is None
    assert told(asked(searcher, "Izium mayor"))  # a name may be known and spelled otherwise


def test_what_was_meant_weighs_less_than_what_was_asked(tmp_path: Path) -> None:
    records = [record(0, "A morket is no word."), record(1, "A market is one.")]
    with closing(opened(records[1:], tmp_path)) as searcher:
        slip = asked(searcher, "morket").hits[0].scores.lexical
        right = asked(searcher, "market").hits[0].scores.lexical
    assert slip == pytest.approx(right / 2, abs=1e-4)


def test_spellings_of_a_passage_are_not_counted_twice(tmp_path: Path) -> None:
    records = [
        record(0, "Izyum and Izium both."),
        record(1, "Izium and bread too."),
        record(2, "Bread and salt."),
    ]
    with closing(opened(records, tmp_path)) as searcher:
        by_id = {hit.stored.article.id: hit.scores.lexical for hit in asked(searcher, "Ізюм").hits}
    assert by_id.keys() == {"a-0", "a-1"} and by_id["a-0"] == pytest.approx(by_id["a-1"], rel=0.1)


def test_semantic_mode_compares_meaning_alone(searcher: Searcher) -> None:
    reply = asked(searcher, "evacution of Izium", "semantic")
    assert told(reply) == [] and reply.did_you_mean == "evacuation of Izium"
    assert all(hit.scores.lexical == 0 for hit in reply.hits)


def test_the_other_spelling_counts_in_one_sentence_with_the_rest(searcher: Searcher) -> None:
    reply = asked(searcher, "mayor of Izium left", "hybrid")
    assert found(reply)[0] == "a-0" and told(reply) == ["searched also for Izyum (asked: Izium)"]
    explained = searcher.search(SearchRequest("mayor of Izium left", explain=True)).hits[0].explanation
    words = next(reason.words for reason in explained or () if reason.part == "words")
    assert {one.word: one.found_in for one in words}["Izium"] == "passage"


# -- growth -----------------------------------------------------------------------------------


def test_words_come_and_go_with_their_articles(tmp_path: Path) -> None:
    index, encoder = tmp_path / "index", FakeEncoder()
    opened([record(0, "Bread is sold."), record(1, "Salt from Izyum.")], tmp_path).close()

    def now() -> tuple[list[str], list[str]]:
        with closing(Searcher(open_snapshot(index), encoder)) as searcher:
            completed = suggestions(searcher.snapshot, "iz", 5)
            return told(asked(searcher, "Izium")), [one.text for one in completed]

    assert now() == (["searched also for Izyum (asked: Izium)"], ["Izyum"])
    add([written(tmp_path / "more.jsonl", [record(2, "A train to Izmail.")])], index, encoder, NO_MERGE)
    assert now() == (["searched also for Izyum (asked: Izium)"], ["Izmail", "Izyum"])
    delete(["a-1"], index, NO_MERGE)
    assert now() == ([], ["Izmail"])
    merge(index, NO_MERGE)
    assert now() == ([], ["Izmail"])
    (vocabulary,) = vocabularies(index)
    assert b"Izyum" not in vocabulary.read_bytes() and b"Izmail" in vocabulary.read_bytes()


def test_a_purge_takes_the_words_of_its_articles_along(tmp_path: Path) -> None:
    index, options = tmp_path / "index", replace(NO_MERGE, cache=tmp_path / "cache")
    opened([record(number, f"Bread {number} from Izyum.") for number in range(30)], tmp_path).close()
    add([written(tmp_path / "more.jsonl", [record(99, "Quillworth")])], index, FakeEncoder(), options)
    assert any(b"quillworth" in file.read_bytes() for file in vocabularies(index))
    purge(["a-99"], index, options)
    assert not any(b"quillworth" in file.read_bytes() for file in index.rglob(VOCABULARY))


def test_parts_put_together_spell_as_one_built_at_once(tmp_path: Path) -> None:
    records = [record(number, text) for number, text in enumerate(TEXTS)]
    opened(records[:3], tmp_path / "parts").close()
    for number in range(3, len(records)):
        file = written(tmp_path / f"{number}.jsonl", records[number : number + 1])
        add([file], tmp_path / "parts" / "index", FakeEncoder(), NO_MERGE)
    opened(records, tmp_path / "whole").close()

    def said(index: Path) -> list[tuple[list[str], str | None, list[str]]]:
        with closing(Searcher(open_snapshot(index), FakeEncoder())) as searcher:
            replies = [asked(searcher, one) for one in ("Kiev", "Izium", "hopsital", "Хто в Ізюмі")]
            return [(told(reply), reply.did_you_mean, found(reply)) for reply in replies]

    expected = said(tmp_path / "whole" / "index")
    assert said(tmp_path / "parts" / "index") == expected
    merge(tmp_path / "parts" / "index", NO_MERGE)
    assert said(tmp_path / "parts" / "index") == expected
    files = [vocabularies(tmp_path / one / "index")[0].read_bytes() for one in ("parts", "whole")]
    assert files[0] == files[1]


def vocabularies(index: Path) -> list[Path]:
    generation = directory.current(index)
    return [generation.folder / name for name in generation.manifest.files if name.endswith(VOCABULARY)]


def test_an_index_of_an_older_version_searches_without_and_gets_words_by_a_merge(tmp_path: Path) -> None:
    index = Path(shutil.copytree(FOLDER, tmp_path / "index"))
    assert not directory.current(index).manifest.knows_words
    with closing(Searcher(open_snapshot(index), FakeEncoder())) as searcher:
        reply = asked(searcher, "Who rebiult the mill?")
        assert found(reply) == ["mill"] and reply.did_you_mean is None
        assert suggestions(searcher.snapshot, "lin", 5) == []
    merge(index, NO_MERGE)
    assert directory.current(index).manifest.knows_words
    with closing(Searcher(open_snapshot(index), FakeEncoder())) as searcher:
        assert asked(searcher, "Who rebiult the mill?").did_you_mean == "Who rebuilt the mill?"
        assert [one.text for one in suggestions(searcher.snapshot, "lin", 5)] == ["Lindow"]


# -- what the model can read ------------------------------------------------------------------


class EnglishEncoder(FakeEncoder):
    """Knows words of ASCII letters; Cyrillic falls to pieces, other scripts are unknown to it."""

    def pieces(self, words: Sequence[str]) -> list[int]:
        return [2 if word.isascii() else len(word) * ("\u0400" <= word[0] <= "\u04ff") for word in words]


def test_a_question_the_model_cannot_read_is_answered_by_words(tmp_path: Path) -> None:
    records = [record(number, text) for number, text in enumerate(TEXTS)]
    with closing(opened(records, tmp_path, EnglishEncoder())) as searcher:
        reply = asked(searcher, "Що сталося в Ізюмі?", "hybrid")
        assert found(reply) == ["a-0"] and told(reply) == ["searched also for Izyum (asked: Ізюмі)"]
        assert reply.hits[0].scores.dense == 0
        (warning,) = reply.warnings
        assert warning == (
            "the model fake was not trained on the script of this question: "
            "the answer is by words alone, and by names in other spellings"
        )
        (warning,) = asked(searcher, "Що сталося в Ізюмі?", "semantic").warnings
        assert warning.endswith("what it finds by meaning is arbitrary")
        assert asked(searcher, "Що сталося в Ізюмі?", "keyword").warnings == ()
        assert asked(searcher, "What happened in Ізюмі?", "hybrid").warnings == ()
        assert asked(searcher, "აქ რა მოხდა", "hybrid").hits == ()


def test_a_question_that_a_model_reads_is_compared_by_meaning_in_any_script(searcher: Searcher) -> None:
    reply = asked(searcher, "Що сталося в Ізюмі?", "hybrid")
    assert reply.warnings == () and len(found(reply)) == len(TEXTS)
    assert any(hit.scores.dense for hit in reply.hits)


@pytest.mark.parametrize(
    ("question", "pieces", "legible"),
    [
        ("What is it?", {}, True),
        ("Zürich und Łódź", {}, True),
        ("Хто це", {"Хто": 1, "це": 1}, True),
        ("Хто це", {"Хто": 3, "це": 2}, False),
        ("Хто це", {"Хто": 0, "це": 0}, False),
        ("Євакуація", {"Євакуація": 7}, True),
        ("Євакуація", {"Євакуація": 8}, False),
        ("東京の人口", {"東京の人口": 5}, True),
        ("東京の人口", {"東京の人口": 0}, False),
        ("Kyiv and Хто", {"Хто": 3}, True),
        ("12 345", {}, True),
    ],
)
def test_legible_is_what_the_tokenizer_keeps_together(
    question: str, pieces: dict[str, int], legible: bool
) -> None:
    assert is_legible(question, lambda words: [pieces[word] for word in words]) == legible


@pytest.mark.parametrize(
    ("question", "free"),
    [
        ("Who left Izium?", ["left", "Izium"]),
        ("“Kiev” -Moscow +Odesa Lviv", ["Lviv"]),
        ("Kyiv’s O’Neil, Ivano-Frankivsk", ["Kyiv", "O’Neil", "Ivano", "Frankivsk"]),
        ("B52 in 2022 a_b 東京", ["東京"]),
        ("what is it", []),
        ("Хто в Ізюмі", ["Ізюмі"]),
    ],
)
def test_free_words_stand_without_quotes_signs_and_digits(question: str, free: list[str]) -> None:
    assert [question[start:end] for start, end in free_words(question)] == free
