"""The reader: what it marks, in which words; and what happens where there is none, or it is late or broken."""

import json
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer.build import BuildOptions, build
from passage_index.errors import EncoderUnavailable, InputError
from passage_index.snapshot import open_snapshot
from passage_index.types import Article, PartialDate, Passage, StoredPassage
from search_api.answers.asking import ask
from search_api.answers.candidates import Evidence
from search_api.answers.choice import model
from search_api.answers.confidence import threshold_for
from search_api.hits import SearchRequest
from search_api.reader.model import ReaderModel, Text, load_reader
from search_api.reader.reader import NONE, Reader, open_reader
from search_api.reader.reading import Reading, reading
from search_api.searcher import Searcher
from tests.fakes import FakeEncoder
from tests.growing import record, written
from tests.tiny_reader import MAX_TOKENS, make_own_reader, make_qa_reader

QUESTION = "Which animals are licensed?"
TEXT = "The island is small. Many goats are licensed there."


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> ReaderModel:
    folder = tmp_path_factory.mktemp("own")
    return load_reader(str(make_own_reader(folder / "reader")), folder / "cache")


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> ReaderModel:
    folder = tmp_path_factory.mktemp("named")
    return load_reader(str(make_qa_reader(folder / "reader")), folder / "cache")


@pytest.mark.parametrize("which", ["own", "named"])
def test_the_answer_is_marked_in_the_words_of_the_text(which: str, request: pytest.FixtureRequest) -> None:
    reader: ReaderModel = request.getfixturevalue(which)
    head = "goats\n"  # a title is read, but no part of it is an answer
    there, nowhere = reader.read(QUESTION, [Text(head + TEXT, len(head)), Text("Wheat burned.", 0)])
    best = there.best(0, len(head + TEXT))
    assert best is not None and (head + TEXT)[slice(*best[0])] == "goats" and best[1] > 0.9
    assert best[0][0] > len(head)
    assert there.share(len(head) + 21, len(head + TEXT)) > 0.9 > 0.1 > there.share(0, len(head) + 21)
    assert there.best(0, len(head)) is None
    assert there.answerable > nowhere.answerable


def test_a_reading_does_not_depend_on_what_is_read_beside_it(own: ReaderModel) -> None:
    texts = [Text(TEXT, 0), Text("Wheat burned in the silo.", 0), Text(TEXT * 3, 0)]
    together = own.read(QUESTION, texts)
    for text, one in zip(texts, together, strict=True):
        (alone,) = own.read(QUESTION, [text])
        assert (alone.relevance, alone.answerable) == (one.relevance, one.answerable)
        assert np.array_equal(alone.chances, one.chances)


def test_of_a_long_text_the_beginning_is_read_and_the_rest_counted(own: ReaderModel) -> None:
    scores, unread = own.score(QUESTION, [TEXT, "wheat " * MAX_TOKENS * 2])
    assert unread == 1 and scores[0] > scores[1]
    (cut,) = own.read("goats " * 500, [Text(TEXT, 0)])  # a question that leaves little room
    assert len(cut.starts) < MAX_TOKENS


@pytest.mark.parametrize("long", ["谁在医院里" * 80, "1.2." * 100, "." * 400])
def test_a_question_of_very_many_tokens_is_cut(own: ReaderModel, long: str) -> None:
    (one,) = own.read(long, [Text(TEXT, 0)])
    assert len(one.starts) > 5


def test_after_the_deadline_no_more_is_read(own: ReaderModel) -> None:
    assert own.read(QUESTION, [Text(TEXT, 0)] * 3, time.monotonic() - 1) == []
    with own._turn:  # someone else is being served
        assert own.read(QUESTION, [Text(TEXT, 0)], time.monotonic() + 0.01) == []
    assert len(own.read(QUESTION, [Text(TEXT, 0)] * 3, time.monotonic() + 60)) == 3


def test_chances_are_of_spans_that_end_after_they_begin_and_are_no_passage() -> None:
    random = np.random.default_rng(1).normal(size=(60, 2)).astype(np.float32)
    one = reading(None, random, -1.0, list(range(0, 120, 2)), list(range(1, 121, 2)))
    assert one.chances.sum() == pytest.approx(1, abs=1e-5)
    assert np.allclose(np.tril(one.chances, -1), 0) and np.allclose(np.triu(one.chances, 30), 0)
    assert (
        one.relevance
        == one.answerable
        == pytest.approx(
            max(random[i, 0] + random[j, 1] for i in range(60) for j in range(i, min(60, i + 30))) + 1,
            abs=1e-5,
        )
    )
    empty = reading((0.5, -0.5), np.empty((0, 2), dtype=np.float32), 0.0, [], [])
    assert empty.best(0, 9) is None and empty.share(0, 9) == 0 and empty.answerable == -0.5


def test_a_model_that_is_no_reader_is_refused(tmp_path: Path) -> None:
    from tests.tiny_reranker import make_reranker

    with pytest.raises(EncoderUnavailable, match=r"BertForSequenceClassification; a reader is a \.\.\.ForQ"):
        load_reader(str(make_reranker(tmp_path / "other")), tmp_path)
    with pytest.raises(EncoderUnavailable, match="neither a folder, nor packaged"):
        load_reader("no-such/reader", tmp_path)


def test_a_damaged_reader_is_refused(tmp_path: Path) -> None:
    folder = make_own_reader(tmp_path / "reader")
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    with pytest.raises(EncoderUnavailable, match=r"model\.safetensors in .* is not what was shipped"):
        load_reader(str(folder), tmp_path)
    (folder / "reader.json").write_text("{")
    with pytest.raises(EncoderUnavailable, match="cannot be read"):
        load_reader(str(folder), tmp_path)


class Marking:
    """Marks one phrase, and is sure where it stands."""

    def __init__(self, phrase: str) -> None:
        self._phrase = phrase

    def read(self, question: str, texts: Sequence[Text], deadline_s: float | None = None) -> list[Reading]:
        return [self._of(one) for one in texts]

    def _of(self, one: Text) -> Reading:
        at = one.text.find(self._phrase, one.begin)
        places = [(i, i + 1) for i in range(one.begin, len(one.text))]
        values = np.full((len(places), 2), -9.0, dtype=np.float32)
        if at >= 0:
            values[at - one.begin, 0] = values[at - one.begin + len(self._phrase) - 1, 1] = 9.0
        sure = 6.0 if at >= 0 else -6.0
        return reading((sure, sure), values, 0.0, [a for a, _ in places], [b for _, b in places])


@pytest.fixture
def searcher(tmp_path: Path) -> Iterator[Searcher]:
    articles = [
        record(1, "The ferry Ansgard ran aground near the mole. It had left at dawn. Goats were unhurt."),
        record(2, "The ferry service was cheap. Nobody swam."),
        *(record(n, f"Weather report {n}: gale force {n} over quiet fields.") for n in range(10, 20)),
    ]
    build([written(tmp_path / "in.jsonl", articles)], tmp_path / "index", FakeEncoder(), BuildOptions())
    opened = Searcher(open_snapshot(tmp_path / "index"), FakeEncoder())
    yield opened
    opened.close()


def loaded(reader: Reader) -> Reader:
    reader.wait_until_loaded()
    return reader


def test_what_the_reader_marks_is_the_answer_and_its_shortest_form(searcher: Searcher) -> None:
    question = SearchRequest("When did the ferry Ansgard leave, before it ran aground near the mole?")
    searcher.reader = loaded(Reader(lambda: Marking("at dawn"), 60))
    begun_s = time.perf_counter()
    reply = ask(searcher, question, 0.0)
    assert reply.search.took_ms <= reply.took_ms <= (time.perf_counter() - begun_s) * 1000 + 0.01
    assert reply.answer is not None and reply.answer.quote == "It had left at dawn."
    assert reply.answer.verified and reply.span is not None
    assert reply.answer.article.text[reply.span.start : reply.span.end] == "at dawn"
    assert reply.search.warnings == ()


def test_hits_of_a_first_page_stand_as_the_reader_judged_them_and_the_next_page_follows_on(
    searcher: Searcher,
) -> None:
    question = SearchRequest("ferry service gale", limit=4)
    plain = [one.stored.article.id for one in searcher.search(replace(question, limit=12)).hits]
    last = searcher.search(question).hits[-1].stored
    searcher.reader = loaded(Reader(lambda: Marking(last.text), 60))
    hits = ask(searcher, question, 0.0).search.hits
    assert [one.stored.article.id for one in hits] != plain[:4] and {
        one.stored.article.id for one in hits
    } == set(plain[:4])
    assert [one.scores.rerank for one in hits if one.stored.article.id == last.article.id] == [6.0]
    assert [one.score for one in hits] == sorted((one.score for one in hits), reverse=True)
    after = ask(searcher, replace(question, offset=4), 0.0).search.hits
    assert [one.stored.article.id for one in after] == plain[4:8]


def test_a_reader_that_fails_or_is_late_leaves_the_answer_of_before(
    searcher: Searcher, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def read(
            self, question: str, texts: Sequence[Text], deadline_s: float | None = None
        ) -> list[Reading]:
            if question == QUESTION:
                raise RuntimeError("out of order")
            return []

    class Late(Broken):
        def read(
            self, question: str, texts: Sequence[Text], deadline_s: float | None = None
        ) -> list[Reading]:
            return []

    def unloadable() -> Broken:
        raise EncoderUnavailable("there is no such reader")

    question = SearchRequest(QUESTION)
    before = ask(searcher, question, 0.0)
    with caplog.at_level(logging.ERROR):
        for load, told in (
            (Broken, "the reader failed"),
            (Late, "did not answer within 60 s"),
            (unloadable, "the reader cannot be loaded"),
        ):
            searcher.reader = loaded(Reader(load, 60))
            reply = ask(searcher, question, 0.0)
            assert (reply.answer, reply.confidence) == (before.answer, before.confidence)
            (warning,) = reply.search.warnings
            assert told in warning and warning.endswith("the answer was chosen without it")
    assert searcher.reader is not None and searcher.reader.fault == "the reader cannot be loaded"
    assert "there is no such reader" in caplog.text


@pytest.mark.parametrize("read", [False, True])
def test_a_threshold_is_found_for_a_share_of_errors(read: bool) -> None:
    curve = model(read)["errors"]
    shares = [share for _, share in curve]
    assert shares == sorted(shares, reverse=True) and shares[0] > shares[-1]
    share = curve[len(curve) // 2][1]
    assert threshold_for(share, read) == next(one for one, other in curve if other <= share)
    assert threshold_for(1.0, read) == curve[0][0]
    with pytest.raises(InputError, match=r"set SEARCH_ASK_ERROR to that or more"):
        threshold_for(shares[-1] - 1e-6, read)


def test_no_reader_by_name() -> None:
    assert open_reader(NONE, 1) is None


def test_offsets_are_of_the_article_whatever_stands_in_front() -> None:
    article = Article("a", "Fog. Goats left at dawn.", "Harbour", PartialDate.parse("2024-02"))
    stored = StoredPassage(Passage("a", 5, 24, ((5, 24),)), article.text[5:24], article)
    readings, warning = loaded(Reader(lambda: Marking("at dawn"), 60)).read("When?", [stored])
    (span, chance) = readings[0].best(5, 24) or ((0, 0), 0.0)
    assert article.text[slice(*span)] == "at dawn" and chance > 0.9 and not warning


def test_the_shipped_numbers_weigh_all_evidence_with_a_reader_and_without() -> None:
    for read in (False, True):
        assert set(model(read)["choice"]) == set(Evidence._fields)
    assert not any(model(False)["choice"][name] for name in ("answers", "share", "read"))
    assert json.dumps(model(True)) != json.dumps(model(False))
