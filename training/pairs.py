"""Questions with a passage that answers and some that look as if they did, drawn from our own indexes.

collections -> Group
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.answerability import records
from bench.collections import Collection, questions_file
from bench.quality import index_of
from passage_index.columns import Where
from passage_index.model_files import default_cache
from passage_index.snapshot import Snapshot, open_snapshot
from passage_index.transformer import load_encoder
from passage_index.types import Span, StoredPassage
from search_api.question import parse_words
from training.split import was_kept_out

NEAREST, MATCHING = 16, 8  # passages by vector and by words that a wrong one is drawn from
SEED = 7  # of a draw of questions
CONSTANT_TITLES = ("squadshifts_amazon", "squadshifts_reddit")  # theirs says nothing


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to be read, with what stands in front of it."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """One question. spans: where its answers stand in `right`, empty where only relevance is known."""

    collection: str
    question: str
    right: Passage
    spans: tuple[Span, ...]
    wrong: tuple[Passage, ...]  # hardest first
    kept_out: bool


def groups(collection: Collection, kept_out: int | None = None) -> Iterator[Group]:
    """All questions of a collection whose answer stands in one passage.

    kept_out: only those that are, at most so many of them, drawn by one seed.
    """
    index = index_of(collection, default_cache())
    snapshot = open_snapshot(index)
    try:
        rows = np.arange(sum(segment.record.passages for segment in snapshot.segments))
        passages = snapshot.fetch(rows)
        asked = list(_questions(collection))
        if kept_out is not None:
            asked = _drawn(collection, asked, kept_out)
        nearest = _nearest(snapshot, rows, [row.get("question") or row["text"] for row in asked])
        yield from _grouped(collection, snapshot, passages, asked, nearest)
    finally:
        snapshot.close()


def _questions(collection: Collection) -> Iterator[dict[str, Any]]:
    file = questions_file(collection.corpus.parent)
    assert file is not None, f"{collection.name} has no questions"
    relevant = {query.id: list(query.relevant) for query in collection.queries}
    for row in records(file):
        if str(row["_id"]) in relevant:
            yield row | {"relevant": relevant[str(row["_id"])]}


def _drawn(collection: Collection, asked: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """At most so many of the questions that training never saw."""
    unseen = {row["_id"] for row in records(collection.corpus) if was_kept_out(collection.name, row)}
    kept = [one for one in asked if unseen.issuperset(one["relevant"])]
    return random.Random(SEED).sample(kept, min(most, len(kept)))


def _nearest(snapshot: Snapshot, rows: Any, questions: Sequence[str]) -> Any:
    """The rows nearest to each question by vector, (questions, NEAREST)."""
    vectors = snapshot.vectors(rows)
    encoder = load_encoder(streams=2)
    out = np.empty((len(questions), NEAREST), dtype=np.int64)
    for start in range(0, len(questions), 512):
        part = slice(start, start + 512)
        cosines = encoder.encode_questions(questions[part]) @ vectors.T
        best = np.argpartition(-cosines, NEAREST, axis=1)[:, :NEAREST]
        order = np.argsort(-np.take_along_axis(cosines, best, axis=1), axis=1)
        out[part] = np.take_along_axis(best, order, axis=1)
    return out


def _grouped(
    collection: Collection,
    snapshot: Snapshot,
    passages: list[StoredPassage],
    asked: list[dict[str, Any]],
    nearest: Any,
) -> Iterator[Group]:
    articles = {row["_id"]: row for row in records(collection.corpus)}
    by_article: dict[str, list[int]] = {}
    for row, stored in enumerate(passages):
        by_article.setdefault(stored.article.id, []).append(row)
    for question, near in zip(asked, nearest, strict=True):
        text = question.get("question") or question["text"]
        own = [row for article in question["relevant"] for row in by_article.get(article, [])]
        found = _right(question, passages, own, near)
        if found is None:
            continue
        row, spans = found
        words = parse_words(text, snapshot.lexical.terms)
        matching = snapshot.pool(None, words, Where(), MATCHING).rows if words else near[:0]
        among = dict.fromkeys([*near.tolist(), *matching.tolist()])
        answers = [passages[row].text[start:end].casefold() for start, end in spans]
        wrong = [each for each in among if each != row and _is_wrong(passages[each], each, own, answers)]
        kept = was_kept_out(collection.name, articles[passages[row].article.id])
        right, *others = (
            Passage("" if collection.name in CONSTANT_TITLES else one.article.title, one.text)
            for one in (passages[row], *(passages[each] for each in wrong))
        )
        yield Group(collection.name, text, right, spans, tuple(others), kept)


def _right(
    question: dict[str, Any], passages: list[StoredPassage], own: list[int], near: Any
) -> tuple[int, tuple[Span, ...]] | None:
    """The passage of the right article that holds most of the answers, and where."""
    if not own:
        return None
    if not question.get("answers"):  # only relevance is known: the nearest of the right article
        close = [int(row) for row in near if row in own]
        return (close or own)[0], ()
    best: tuple[int, tuple[Span, ...]] | None = None
    starts = question.get("answer_starts") or []
    for row in own:
        stored = passages[row]
        spans = [
            span for answer in question["answers"] if (span := _find(stored, answer, starts)) is not None
        ]
        if spans and (best is None or len(spans) > len(best[1])):
            best = row, tuple(dict.fromkeys(spans))
    return best


def _find(stored: StoredPassage, answer: str, starts: Sequence[int]) -> Span | None:
    """Where an answer stands in a passage: the occurrence nearest to one of the places given."""
    text, wanted = stored.text, answer.strip().strip(".,;:")
    places, place = [], text.find(wanted)
    while place >= 0 and wanted:
        places.append(place)
        place = text.find(wanted, place + 1)
    if not places:
        return None
    begin = stored.passage.start
    nearest = min(places, key=lambda one: min((abs(one + begin - s) for s in starts), default=one))
    return nearest, nearest + len(wanted)


def _is_wrong(stored: StoredPassage, row: int, own: Sequence[int], answers: Sequence[str]) -> bool:
    """None of the answers stands in it; where answers are not known, it is of another article."""
    if not answers:
        return row not in own
    text = stored.text.casefold()
    return not any(answer in text for answer in answers)
