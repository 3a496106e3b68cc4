"""Which rows a filter lets pass, against plain Python over the articles; what is read for it, and how often."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passage_index import facts
from passage_index.columns import ColumnReader, ColumnWriter, Where
from passage_index.filters import leaves_out_undated, parse_filter
from passage_index.masks import RowMasks
from passage_index.passages import PassageReader, PassageWriter
from passage_index.types import Article, PartialDate, Passage
from tests.oracles import allows

SOURCES = (None, "Port Gazette", "Вісник", "wire.example")
LANGUAGES = ("en", None, "uk")
DATES = (None, "2019", "2020-02", "2020-02-29", "2020-03-01", "2021-12-31", "1969-12-31")
TITLES = ("", "Bridge", "Міст")
URLS = (None, "https://wire.example/1", "https://wire.example/2")
SCALARS = ("local", "", "1", "Ä", 1, 1.0, 0, -3, 2.5, 10**30, True, False)
METADATA: tuple[dict[str, Any], ...] = (
    {},
    *({"kind": value} for value in SCALARS),
    {"kind": None},
    {"kind": {"kind": "local"}},
    {"kind": ["local", 1, None, ["Ä"]]},
    {"kind": []},
    {"kind": float("nan")},
    {"dc.title": "local", 'a"b\\': "quoted", "Kind": "local"},
    {"other": '"kind": "local"'},
)
KEYS = ("kind", "dc.title", 'a"b\\', "nobody")


def article(number: int) -> Article:
    """Every metadata once; the rest runs through, at lengths that have no common divisor."""
    published = DATES[number % len(DATES)]
    return Article(
        id=f"a/{number % 97}",
        text="One. Two. Three.",
        title=TITLES[number % 2 + number % 5 % 2],
        published=PartialDate.parse(published) if published else None,
        source=SOURCES[number % 4],
        url=URLS[number % 3],
        language=LANGUAGES[number % 11 % 3],
        metadata=METADATA[number % len(METADATA)],
    )


ARTICLES = [article(number) for number in range(97)]
PASSAGES = [1 + number % 3 for number in range(97)]
ROWS = [one for one, count in zip(ARTICLES, PASSAGES, strict=True) for _ in range(count)]


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> RowMasks:
    """Columns and passage store of ARTICLES, with one to three rows each."""
    folder = tmp_path_factory.mktemp("segment")
    columns, texts, number = ColumnWriter(folder / "columns"), PassageWriter(folder / "passages.sqlite"), 0
    for one, count in zip(ARTICLES, PASSAGES, strict=True):
        texts.add(one, [Passage(one.id, row, row + 4, ((row, row + 4),)) for row in range(count)])
        numbers = np.arange(number, number + count, dtype=np.uint64)
        ids = [f"{value:016}".encode() for value in numbers]
        columns.add(one, numbers, ids, [np.zeros(64, dtype=np.uint16)] * count)
        number += count
    texts.close()
    columns.close(np.arange(number + 1))
    return RowMasks(ColumnReader(folder / "columns"), PassageReader(folder / "passages.sqlite"))


def passing(masks: RowMasks, asked: dict[str, Any]) -> list[bool]:
    whole = Where(filter=parse_filter(asked)).whole
    return masks.of(whole).tolist() if whole else [True] * len(ROWS)


TEXTS = {
    "source": [*SOURCES[1:], "unknown"],
    "language": ["en", "uk", "de"],
    "title": ["Bridge", "Міст", ""],
    "url": [*URLS[1:], "https://wire.example/"],
}
RANGES = ("$gte", "$lte", "$gt", "$lt")


def operators(values: st.SearchStrategy[Any], ordered: st.SearchStrategy[Any] | None) -> Any:
    """What can be asked of a field: a bare value, or an object of one to three operators."""
    single = {"$eq": values, "$ne": values, "$exists": st.booleans()}
    single |= dict.fromkeys(("$in", "$nin"), st.lists(values, min_size=1, max_size=4))
    single |= dict.fromkeys(RANGES, ordered) if ordered is not None else {}
    one = st.sampled_from(sorted(single)).flatmap(lambda name: st.tuples(st.just(name), single[name]))
    several = st.lists(one, min_size=1, max_size=3).map(dict)
    return values | several | several.map(lambda inner: {"$not": inner})


def fields() -> Any:
    dates = st.sampled_from(
        ["2019", "2020", "2020-02", "2020-02-29", "2020-03", "2021-12-31", "1969", "1970"]
    )
    scalars = st.sampled_from(SCALARS)
    ordered = st.sampled_from([one for one in SCALARS if not isinstance(one, bool)])
    asked = {
        name: operators(st.sampled_from(values), st.sampled_from(values)) for name, values in TEXTS.items()
    }
    asked["published_at"] = operators(dates, dates)
    asked["article_id"] = operators(st.sampled_from(["a/1", "a/17", "a/96", "nobody"]), None)
    asked |= {f"metadata.{key}": operators(scalars, ordered) for key in KEYS}
    names = st.sampled_from(sorted(asked))
    one = names.flatmap(lambda name: st.tuples(st.just(name), asked[name]))
    return st.lists(one, min_size=1, max_size=3).map(dict)


FILTERS = st.recursive(
    fields(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"$and": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"$or": parts}),
        inner.map(lambda part: {"$not": part}),
    ),
    max_leaves=5,
)


@given(asked=FILTERS)
@settings(deadline=None, max_examples=400)
def test_a_mask_is_what_plain_python_says_of_every_article(masks: RowMasks, asked: dict[str, Any]) -> None:
    oracle = [allows(one, asked) for one in ROWS]
    assert passing(masks, asked) == oracle
    assert passing(masks, {"$not": asked}) == [not one for one in oracle]
    undated = [one for one, passed in zip(ROWS, oracle, strict=True) if passed and one.published is None]
    parsed = parse_filter(asked)
    assert parsed is not None and not (leaves_out_undated(parsed) and undated)


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ({"metadata.kind": 1}, {5, 6, 15}),  # 1, 1.0 and a list that holds it; not true, not "1"
        ({"metadata.kind": True}, {11}),
        ({"metadata.kind": "1"}, {3}),
        ({"metadata.kind": {"$in": ["1", 1, True]}}, {3, 5, 6, 11, 15}),
        ({"metadata.kind": {"$gt": 2}}, {9, 10}),
        ({"metadata.kind": {"$gte": ""}}, {1, 2, 3, 4, 15}),
        ({"metadata.dc.title": "local"}, {18}),
        ({"metadata.kind": {"$exists": True}}, {*range(1, 13), 14, 15, 16, 17}),
    ],
)
def test_metadata_is_compared_by_its_own_kind(masks: RowMasks, asked: dict[str, Any], ids: set[int]) -> None:
    found = {one.id for one, passed in zip(ROWS, passing(masks, asked), strict=True) if passed}
    assert found == {f"a/{n}" for n in range(97) if n % len(METADATA) in ids}


@pytest.mark.parametrize(
    ("asked", "dates"),
    [
        ({"$eq": "2020-02-29"}, {"2020-02", "2020-02-29"}),
        ({"$eq": "2020"}, {"2020-02", "2020-02-29", "2020-03-01"}),
        ({"$ne": "2020"}, {None, "2019", "2021-12-31", "1969-12-31"}),
        ({"$gte": "2020-02-15"}, {"2020-02", "2020-02-29", "2020-03-01", "2021-12-31"}),
        ({"$lte": "2020-02-15"}, {"2019", "2020-02", "1969-12-31"}),
        ({"$gt": "2020-02"}, {"2020-03-01", "2021-12-31"}),
        ({"$lt": "2020-02"}, {"2019", "1969-12-31"}),
        ({"$not": {"$gte": "2020-02-15"}}, {None, "2019", "1969-12-31"}),
        ({"$not": {"$gte": "2020-02-15"}, "$exists": True}, {"2019", "1969-12-31"}),
        ({"$exists": False}, {None}),
    ],
)
def test_dates_are_intervals_and_negations_take_the_rest(
    masks: RowMasks, asked: dict[str, Any], dates: set[str | None]
) -> None:
    mask = passing(masks, {"published_at": asked})
    found = {str(one.published or "") or None for one, passed in zip(ROWS, mask, strict=True) if passed}
    assert found == dates


def test_a_field_is_read_once_and_a_twin_need_not_read_it(
    masks: RowMasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    column = PassageReader.column
    monkeypatch.setattr(
        PassageReader, "column", lambda self, name: (read.append(name), column(self, name))[1]
    )
    fresh = RowMasks(masks._columns, masks._texts)
    asked = [{"metadata.kind": 1}, {"metadata.kind": "local"}, {"url": URLS[1]}, {"metadata.kind": 1}]
    first = [passing(fresh, one) for one in asked]
    assert read == ["metadata", "url"]
    twin = RowMasks(masks._columns, masks._texts, fresh)
    assert [passing(twin, one) for one in asked] == first and read == ["metadata", "url"]
    assert fresh.facts.knows("metadata.kind") and not fresh.facts.knows("metadata.nobody")
    assert passing(fresh, {"metadata.nowhere": {"$exists": False}}) == [True] * len(ROWS)
    assert read == ["metadata", "url"]  # no pass for a key that no article has
    passing(fresh, {"metadata.other": "x"})
    assert read == ["metadata", "url", "metadata"]
    monkeypatch.setattr(facts, "KEPT_FIELDS", 1)
    alone = RowMasks(masks._columns, masks._texts)
    for key in ("kind", "kind", "other", "other", "kind"):
        passing(alone, {f"metadata.{key}": "x"})
    assert len(read) == 6  # the field that was asked for last is kept
