"""An open generation: candidates and their evidence against brute force over texts and the fake encoder."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from indexer.build import BuildOptions, build
from indexer.chunking import Chunking
from indexer.growing import add
from indexer.write import embedded_passage
from passage_index import snapshot as snapshot_module
from passage_index.backend import Pool
from passage_index.columns import Where
from passage_index.dense import encode_stored, from_bf16
from passage_index.lexical import Words, compounds
from passage_index.passages import id_bytes
from passage_index.snapshot import Snapshot, open_snapshot
from passage_index.types import StoredPassage, Vectors
from search_api.question import parse_words
from tests.conftest import ARTICLES
from tests.fakes import FakeEncoder
from tests.growing import NO_MERGE, written
from tests.oracles import bm25, holds, passes

QUESTIONS = (
    "How many crowns does the baker expect to lose?",
    "bridge closed",
    "What does the barometer say on day 11, 117hpa?",
    "goats on Osk",
    "zebra",
    "U.S. ferries and the U.S.",
)
WHERES = (
    Where(),
    Where(date(2020, 1, 5), date(2020, 1, 9)),
    Where(first_day=date(2023, 11, 30)),
    Where(last_day=date(2019, 6, 1)),
    Where(sources=("Island Times", "The Meridian Wire")),
    Where(date(2021, 1, 1), None, ("Port Gazette", "nobody")),
)


@pytest.fixture(scope="module", params=["at once", "in four parts"])
def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, index: Path
) -> Iterator[Snapshot]:
    """The index of ARTICLES as one segment, and the same articles as four segments."""
    if request.param == "in four parts":
        folder = tmp_path_factory.mktemp("parts")
        parts = [written(folder / f"{n}.jsonl", ARTICLES[n::4]) for n in range(4)]
        index = folder / "index"
        build([parts[0]], index, FakeEncoder(), NO_MERGE)
        for part in parts[1:]:
            add([part], index, FakeEncoder(), NO_MERGE)
    snapshot = open_snapshot(index)
    yield snapshot
    snapshot.close()


@dataclass
class Everything:
    """All passages of a snapshot, and the terms of each; the oracle of its pools."""

    stored: list[StoredPassage]
    body: list[list[str]]
    whole: list[list[str]]

    def evidence(self, snapshot: Snapshot, vector: Vectors, words: Words) -> dict[str, tuple[float, ...]]:
        """id -> cosine, best sentence, BM25, BM25 of the article."""
        terms = snapshot.lexical.terms
        stems = [*words.terms, *(stem for word in words.compounds for stem in terms(word))]

        def scored(body: Sequence[Sequence[str]], whole: Sequence[Sequence[str]]) -> list[float]:
            both = zip(bm25(body, stems), bm25(whole, words.compounds), strict=True)
            return [a + b for a, b in both]

        articles = {one.article.id: one.article for one in self.stored}
        texts = [f"{article.title} {article.text}" for article in articles.values()]
        by_article = scored([terms(t) for t in texts], [joined(t) for t in texts])
        place = {article_id: i for i, article_id in enumerate(articles)}
        lexical = scored(self.body, self.whole)
        return {
            one.passage.id: (*cosines(snapshot, one, vector), lexical[i], by_article[at])
            for i, one in enumerate(self.stored)
            for at in [place[one.article.id]]
        }


def cosines(snapshot: Snapshot, one: StoredPassage, vector: Vectors) -> tuple[float, float]:
    """Question against passage and best sentence, through the forms that are stored."""
    (made,) = FakeEncoder().encode_passages(
        [embedded_passage(one.article, one.passage, Chunking(**snapshot.manifest.chunking))]
    )
    code, sentences, scales = encode_stored(made)
    exact = vector.astype(np.float64)
    by_sentence = (sentences.astype(np.float64) * scales[:, None]) @ exact
    return float(from_bf16(code).astype(np.float64) @ exact), float(by_sentence.max())


def joined(text: str) -> list[str]:
    return [word.lower() for word in compounds(text)]


@pytest.fixture(scope="module")
def everything(opened: Snapshot) -> Everything:
    stored = [one for article in ARTICLES for one in opened.article_passages(article["_id"]) or ()]
    texts = [f"{one.article.title} {one.text}" for one in stored]
    return Everything(stored, [opened.lexical.terms(t) for t in texts], [joined(t) for t in texts])


def asked(opened: Snapshot, question: str, where: Where, depth: int) -> tuple[Pool, Vectors, Words]:
    vector = FakeEncoder().encode_questions([question])[0]
    words = parse_words(question, opened.lexical.terms)
    return opened.pool(vector, words, where, depth), vector, words


def best(allowed: set[str], scores: dict[str, float], depth: int) -> set[str]:
    """The `depth` best of those allowed, ties by id."""
    ranked = sorted(allowed, key=lambda one: (-round(scores[one], 5), id_bytes(one)))
    return set(ranked[:depth])


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(("among", "sift"), [(0, 12_000), (20_000, 12_000), (20_000, 0)])
def test_a_pool_is_the_best_of_each_leg_with_all_evidence(
    opened: Snapshot,
    everything: Everything,
    question: str,
    among: int,
    sift: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshot_module, "AMONG_LIMIT", among)
    monkeypatch.setattr(snapshot_module, "SIFT_LIMIT", sift)
    for where in WHERES:
        for depth in (3, 100):
            pool, vector, words = asked(opened, question, where, depth)
            truth = everything.evidence(opened, vector, words)
            allowed = {one.passage.id for one in everything.stored if passes(one.article, where)}
            matching = {one for one in allowed if truth[one][2] > 0}
            by_dense = best(allowed, {one: truth[one][0] for one in allowed}, depth)
            by_words = best(matching, {one: truth[one][2] for one in matching}, depth)
            assert set(pool.ids) == by_dense | by_words
            legs = (pool.dense, pool.sentence, pool.lexical, pool.article_lexical)
            for position, one in enumerate(pool.ids):
                assert [leg[position] for leg in legs] == pytest.approx(truth[one], abs=3e-5)
            assert pool.terms == len(words.terms)


@pytest.mark.parametrize(
    "question",
    [
        'closed "seven piers"', 'closed -"seven piers"', "+bridge ferry", "ferry -bridge", "+bridge -ferry",
        "+nowhere bridge", '"stone bridge" "two piers" crossing', "-barometer report",
    ],
)  # fmt: skip
def test_phrases_and_signs_decide_what_is_in_the_pool(
    opened: Snapshot, everything: Everything, question: str
) -> None:
    pool, _, words = asked(opened, question, Where(), 1000)
    wanted = {
        one.passage.id
        for one, body in zip(everything.stored, everything.body, strict=True)
        if all(holds(body, phrase) for phrase in words.required)
        and not any(holds(body, phrase) for phrase in words.excluded)
    }
    assert set(pool.ids) == wanted and 0 <= len(wanted) < len(everything.stored)
    filtered, _, _ = asked(opened, question, WHERES[4], 1000)
    assert set(filtered.ids) == {
        one.passage.id
        for one in everything.stored
        if one.passage.id in wanted and passes(one.article, WHERES[4])
    }


def test_one_leg_alone(opened: Snapshot, everything: Everything) -> None:
    _, vector, words = asked(opened, "goats on Osk", Where(), 5)
    by_words = opened.pool(None, words, Where(), 100)
    truth = everything.evidence(opened, vector, words)
    assert set(by_words.ids) == {one for one, scores in truth.items() if scores[2] > 0}
    assert not by_words.dense.any() and not by_words.sentence.any()
    by_vector = opened.pool(vector, Words(()), Where(), 4)
    assert len(by_vector) == 4 and not by_vector.lexical.any() and not by_vector.article_lexical.any()
    assert len(opened.pool(None, Words(()), Where(), 100)) == 0


def test_what_a_pool_tells_of_its_passages_is_true(opened: Snapshot) -> None:
    pool, vector, _ = asked(opened, "bridge", Where(), 100)
    fetched = opened.fetch(pool.rows)
    assert [one.passage.id for one in fetched] == pool.ids
    keys: dict[int, set[str]] = {}
    for position, one in enumerate(fetched):
        assert one.text == one.article.text[one.passage.start : one.passage.end]
        keys.setdefault(int(pool.article[position]), set()).add(one.article.id)
        published = one.article.published
        days = pool.first_day[position], pool.last_day[position]
        if published is None:
            assert days[0] > days[1]
        else:
            assert days == (
                (published.first - date(1970, 1, 1)).days,
                (published.last - date(1970, 1, 1)).days,
            )
        (number,) = opened.nearest_sentences(vector, pool.rows[[position]])
        cosines = opened.sentence_cosines(vector, int(pool.rows[position]))
        assert cosines[number] == cosines.max() == pool.sentence[position]
        assert len(cosines) == len(one.passage.sentences)
    assert all(len(ids) == 1 for ids in keys.values()) and len(keys) == len(ARTICLES)


def test_passages_are_found_by_id_and_unknown_ids_are_none(opened: Snapshot, everything: Everything) -> None:
    for one in everything.stored:
        assert (opened.passage(one.passage.id), opened.article(one.article.id)) == (one, one.article)
    assert opened.passage("A" * 22) is None and opened.passage("no id") is None
    assert opened.article("nobody") is None and opened.article_passages("nobody") is None
    assert opened.rows_of_article("nobody") is None


def test_rows_of_an_article_are_its_passages_in_order(opened: Snapshot, everything: Everything) -> None:
    for article_id in {one.article.id for one in everything.stored}:
        rows = opened.rows_of_article(article_id)
        assert rows is not None and opened.fetch(rows) == opened.article_passages(article_id)
        assert opened.vectors(rows).shape == (len(rows), opened.manifest.encoder.dim)


def test_counts_are_those_of_the_passages(opened: Snapshot, everything: Everything) -> None:
    articles = [one.article for one in everything.stored]
    assert opened.counts() == {
        "source": Counter(article.source or "" for article in articles),
        "language": Counter(article.language or "" for article in articles),
        "year": Counter(str(a.published.first.year) if a.published else "" for a in articles),
    }
    assert opened.manifest.passages == len(everything.stored)


def test_a_snapshot_goes_on_answering_when_its_generation_is_replaced(tmp_path: Path) -> None:
    old, new, index = ARTICLES[:6], ARTICLES[6:9], tmp_path / "index"
    options = BuildOptions(keep=1)
    build([written(tmp_path / "old.jsonl", old)], index, FakeEncoder(), options)
    first = open_snapshot(index)
    before = asked(first, "bridge", Where(), 10)[0]
    build([written(tmp_path / "new.jsonl", new)], index, FakeEncoder(), options)
    second = open_snapshot(index)
    assert (first.generation, second.generation) == (1, 2)
    after = asked(first, "bridge", Where(), 10)[0]
    assert after.ids == before.ids and after.lexical.tolist() == before.lexical.tolist()
    assert [one.article.id for one in first.fetch(after.rows)] and first.article(old[0]["_id"]) is not None
    assert second.article(old[0]["_id"]) is None and second.article(new[0]["_id"]) is not None
    first.close()
    second.close()
    build([written(tmp_path / "new.jsonl", new)], index, FakeEncoder(), options)
    assert sorted(path.name for path in index.iterdir()) == ["CURRENT", "gen-000003", "writer.lock"]
