"""The passage store: what was written is what is read, whatever characters it is made of."""

import hashlib
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passage_index.passages import (
    PassageReader,
    PassageWriter,
    article_hash,
    id_bytes,
    id_text,
    id_texts,
    pack_spans,
    unpack_spans,
)
from passage_index.types import Article, PartialDate, Passage, StoredPassage, passage_id, sha256_text

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
DATES = st.none() | st.dates().map(lambda day: PartialDate(day, day)) | st.just(PartialDate.parse("2023-11"))
SPANS = st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)), min_size=1, max_size=4)


@st.composite
def articles(draw: st.DrawFn) -> list[tuple[Article, list[Passage]]]:
    made = []
    for article_id in draw(st.lists(TEXT.filter(bool), unique=True, min_size=1, max_size=4)):
        text = draw(TEXT.filter(bool))
        article = Article(
            article_id, text, draw(TEXT), draw(DATES), draw(st.none() | TEXT), draw(st.none() | TEXT),
            draw(st.none() | TEXT), draw(st.dictionaries(TEXT, JSON, max_size=3)),
        )  # fmt: skip
        starts = draw(st.lists(st.integers(0, len(text) - 1), unique=True, min_size=1, max_size=3))
        made.append(
            (article, [Passage(article_id, s, len(text), tuple(draw(SPANS))) for s in sorted(starts)])
        )
    return made


def stored(file: Path, content: Sequence[tuple[Article, list[Passage]]]) -> PassageReader:
    writer = PassageWriter(file)
    for article, passages in content:
        writer.add(article, passages)
    writer.close()
    return PassageReader(file)


@given(articles())
@settings(deadline=None, max_examples=60)
def test_write_then_open_is_identity(content: list[tuple[Article, list[Passage]]]) -> None:
    with TemporaryDirectory() as folder:
        reader = stored(Path(folder) / "passages.sqlite", content)
        try:
            assert list(reader.articles()) == content
            rows = [(article, passage) for article, passages in content for passage in passages]
            backwards = list(reversed(range(len(rows))))
            assert reader.fetch(backwards) == [
                StoredPassage(
                    rows[row][1], rows[row][0].text[rows[row][1].start : rows[row][1].end], rows[row][0]
                )
                for row in backwards
            ]
            first = 0
            for article, passages in content:
                assert reader.article(article.id) == article
                assert reader.row_range(article.id) == range(first, first + len(passages))
                assert [reader.row_of(passage.id) for passage in passages] == list(
                    reader.row_range(article.id)
                )
                assert reader.stored_hash(article.id) == article_hash(article)
                first += len(passages)
            assert reader.count() == (len(content), len(rows))
            assert [place[0] for place in reader.places()] == [article.id for article, _ in content]
        finally:
            reader.close()


ARTICLE = Article("a", "One. Two.", "T", PartialDate.parse("2023"), "s", "u", "en", {"k": [1, None]})


def test_a_passage_id_is_blake2b_of_article_and_place() -> None:
    # printf 'a/b.txt\00012\00034' | b2sum -l 128 | xxd -r -p | base64 | tr '+/' '-_'
    assert passage_id("a/b.txt", 12, 34) == "tE12y5t5jjI5j865lcenlA"
    assert id_text(id_bytes("tE12y5t5jjI5j865lcenlA")) == "tE12y5t5jjI5j865lcenlA"
    assert len({passage_id(*place) for place in (("a", 1, 23), ("a", 12, 3), ("a\0" + "1", 2, 3))}) == 3


def test_many_ids_at_once_are_those_of_each_alone() -> None:
    raw = np.random.default_rng(0).bytes(16 * 50)
    ids = np.frombuffer(raw, dtype="V16")
    assert id_texts(ids) == [id_text(raw[at : at + 16]) for at in range(0, len(raw), 16)]
    assert id_texts(ids[:0]) == []


@pytest.mark.parametrize(
    "wrong", ["", "x", "tE12y5t5jjI5j865lcenl", "tE12y5t5jjI5j865lcenlB", "é" * 22, "a b"]
)
def test_what_is_no_passage_id_is_not_found(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(ValueError):
        id_bytes(wrong)
    reader = stored(tmp_path / "p", [(ARTICLE, [Passage("a", 0, 4, ((0, 4),))])])
    assert reader.row_of(wrong) is None
    reader.close()


def test_unknown_ids_are_none(tmp_path: Path) -> None:
    reader = stored(tmp_path / "p", [(ARTICLE, [Passage("a", 0, 4, ((0, 4),))])])
    assert reader.article("A") is None and reader.row_range("A") is None and reader.stored_hash("A") is None
    assert reader.row_of(passage_id("a", 0, 5)) is None
    assert reader.fetch([]) == []
    reader.close()


def test_the_hash_of_an_article_tells_every_change() -> None:
    changed = [
        ARTICLE,
        replace(ARTICLE, text="One. Two"),
        replace(ARTICLE, title=""),
        replace(ARTICLE, published=PartialDate.parse("2023-01-01")),
        replace(ARTICLE, published=None),
        replace(ARTICLE, source=None),
        replace(ARTICLE, url="s"),
        replace(ARTICLE, language=None),
        replace(ARTICLE, metadata={"k": [1, False]}),
    ]
    assert len({article_hash(article) for article in changed}) == len(changed)
    ordered, turned = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    assert article_hash(replace(ARTICLE, metadata=ordered)) == article_hash(replace(ARTICLE, metadata=turned))


def test_a_citation_is_hashed_as_sha256sum_does() -> None:
    assert sha256_text("Київ") == hashlib.sha256("Київ".encode()).hexdigest()
    # printf 'More than 11,000' | sha256sum
    assert (
        sha256_text("More than 11,000") == "c038d6ae193507ad890421795ed80cb12dae7a7a3128f27a2957146daa7afc98"
    )


@given(SPANS)
def test_spans_pack_and_unpack(spans: list[tuple[int, int]]) -> None:
    assert unpack_spans(pack_spans(spans)) == tuple(spans)
    assert len(pack_spans(spans)) == 8 * len(spans)


def test_one_article_id_cannot_stand_twice(tmp_path: Path) -> None:
    writer = PassageWriter(tmp_path / "p")
    writer.add(ARTICLE, [Passage("a", 0, 4, ((0, 4),))])
    with pytest.raises(sqlite3.IntegrityError):
        writer.add(ARTICLE, [Passage("a", 5, 9, ((5, 9),))])
    writer.close()


def test_many_threads_read_one_store(tmp_path: Path) -> None:
    content = [(replace(ARTICLE, id=str(n)), [Passage(str(n), 0, 4, ((0, 4),))]) for n in range(50)]
    reader = stored(tmp_path / "p", content)
    wrong: list[object] = []

    def read() -> None:
        for row in range(50):
            if reader.fetch([row])[0].article.id != str(row):
                wrong.append(row)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader.close()
    assert wrong == []
