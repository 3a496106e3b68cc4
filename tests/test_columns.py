"""Columns: filters by day and source against plain Python, rows by passage number."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passage_index.columns import ColumnReader, ColumnWriter, Where, day_range
from passage_index.masks import RowMasks
from passage_index.passages import PassageReader
from passage_index.types import Article, PartialDate
from tests.oracles import passes

DATES = (None, "1969", "1969-12-31", "1970-01-01", "2020", "2020-02", "2020-02-29", "2020-03-01", "2024-12")
SOURCES = (None, "Port Gazette", "Вісник", "wire.example")
DAYS = st.none() | st.sampled_from(
    [
        date(1968, 12, 31),
        date(1969, 6, 1),
        date(1970, 1, 1),
        date(2020, 2, 29),
        date(2020, 3, 1),
        date(2025, 1, 1),
    ]
)


def article(number: int) -> Article:
    """Every date with every source."""
    published = DATES[number % len(DATES)]
    return Article(
        id=f"a{number}",
        text="x",
        published=PartialDate.parse(published) if published else None,
        source=SOURCES[number // len(DATES) % len(SOURCES)],
        language="en" if number % 2 else None,
    )


ARTICLES = [article(number) for number in range(len(DATES) * len(SOURCES))]


def written(folder: Path, articles: Sequence[Article], numbers: Sequence[list[int]]) -> ColumnReader:
    """Columns of articles whose passages have these numbers."""
    writer = ColumnWriter(folder / "columns")
    for one, own in zip(articles, numbers, strict=True):
        nos = np.array(own, dtype=np.uint64)
        ids = [f"{number:016}".encode() for number in own]
        writer.add(one, nos, ids, [np.full(64, number, dtype=np.uint16) for number in own])
    writer.close(np.arange(sum(map(len, numbers)) + 1))
    return ColumnReader(folder / "columns")


def mask_of(columns: ColumnReader, where: Where) -> np.ndarray:
    """Days and sources are read from the columns alone: there is no passage store here."""
    assert where.whole is not None
    return RowMasks(columns, PassageReader(Path("nowhere.sqlite"))).of(where.whole)


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> ColumnReader:
    """Two rows an article."""
    return written(
        tmp_path_factory.mktemp("all"), ARTICLES, [[2 * n, 2 * n + 1] for n in range(len(ARTICLES))]
    )


@given(
    where=st.builds(
        Where, DAYS, DAYS, st.lists(st.sampled_from([*SOURCES[1:], "unknown"]), max_size=3).map(tuple)
    )
)
@settings(deadline=None)
def test_a_mask_passes_what_overlaps_the_days_and_has_the_source(columns: ColumnReader, where: Where) -> None:
    oracle = [passes(one, where) for one in ARTICLES for _ in range(2)]
    assert (where.whole is None) == (where == Where())
    assert (mask_of(columns, where).tolist() if where.whole else [True] * len(oracle)) == oracle


def test_a_range_that_ends_before_it_begins_lets_only_longer_dates_pass(tmp_path: Path) -> None:
    """The searcher refuses it; the mask itself stays an overlap."""
    columns = written(tmp_path, ARTICLES[:5], [[n] for n in range(5)])
    mask = mask_of(columns, Where(date(2020, 6, 2), date(2020, 6, 1)))
    assert mask.tolist() == [False, False, False, False, True]


def test_an_unknown_source_lets_nothing_pass(columns: ColumnReader) -> None:
    assert not mask_of(columns, Where(sources=("nowhere",))).any()


def test_every_column_holds_what_was_added(tmp_path: Path) -> None:
    columns = written(tmp_path, [ARTICLES[10], ARTICLES[9]], [[7, 8], [9]])
    assert columns.passage_no.tolist() == [7, 8, 9] and columns.article_key.tolist() == [7, 7, 9]
    assert columns.article_rows.tolist() == [2, 1]
    assert [raw.tobytes() for raw in columns.id] == [f"{n:016}".encode() for n in (7, 8, 9)]
    assert columns.signature.tolist() == [[7] * 64, [8] * 64, [9] * 64]
    assert [columns.names["source"][code] for code in columns.source] == ["Port Gazette"] * 3
    assert columns.language.tolist() == [-1, -1, 0] and columns.names["language"] == ["en"]
    assert columns.sentence_start.tolist() == [0, 1, 2, 3]
    first_day = date(1970, 1, 1) + timedelta(int(columns.first_day[0]))
    last_day = date(1970, 1, 1) + timedelta(int(columns.last_day[0]))
    assert (first_day, last_day) == (date(1969, 1, 1), date(1969, 12, 31))


def test_days_count_from_1970_and_the_undated_overlap_nothing() -> None:
    assert day_range(PartialDate.parse("1969-12-31")) == (-1, -1)
    assert day_range(PartialDate.parse("2020-02")) == (18293, 18321)  # date -u -d 2020-02-01 +%s / 86400
    first, last = day_range(None)
    assert first > last and (first, last) == (2**31 - 1, -(2**31))


@given(st.permutations(range(0, 60, 2)), st.lists(st.integers(0, 70), max_size=20))
@settings(deadline=None, max_examples=30)
def test_rows_are_found_by_number_in_whatever_order_they_lie(order: list[int], asked: list[int]) -> None:
    with TemporaryDirectory() as folder:
        columns = written(Path(folder), ARTICLES[: len(order)], [[number] for number in order])
    oracle = [order.index(number) if number in order else -1 for number in asked]
    assert columns.rows_of(np.array(asked, dtype=np.uint64)).tolist() == oracle


def test_columns_without_a_row_can_be_asked(tmp_path: Path) -> None:
    columns = written(tmp_path, [], [])
    assert columns.rows_of(np.array([0, 5], dtype=np.uint64)).tolist() == [-1, -1]
    mask = mask_of(columns, Where(sources=("Port Gazette",), first_day=date(2020, 1, 1)))
    assert len(mask) == 0 and columns.signature.shape == (0, 64) and columns.article_rows.tolist() == []
