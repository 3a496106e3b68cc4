"""Filters as they are written: what is read from JSON, and what is refused."""

import json
import math
from typing import Any

import pytest

from passage_index.errors import InputError
from passage_index.filters import (
    MAX_CONDITIONS,
    MAX_DEPTH,
    MAX_KEYS,
    MAX_TEXT,
    MAX_VALUES,
    All,
    Condition,
    Either,
    Not,
    leaves_out_undated,
    parse_filter,
)
from passage_index.types import PartialDate

PORT = Condition("source", "$in", "text", ("Port Gazette",))
NOVEMBER = PartialDate.parse("2023-11")


@pytest.mark.parametrize(
    ("asked", "parsed"),
    [
        ({}, None),
        ({"source": "Port Gazette"}, PORT),
        ({"source": {"$eq": "Port Gazette"}}, PORT),
        ({"source": {"$in": ["Port Gazette"]}}, PORT),
        ({"source": {"$ne": "Port Gazette"}}, Not(PORT)),
        ({"source": {"$nin": ["Port Gazette"]}}, Not(PORT)),
        ({"source": {"$not": {"$eq": "Port Gazette"}}}, Not(PORT)),
        ({"$not": {"source": "Port Gazette"}}, Not(PORT)),
        ({"$and": [{"source": "Port Gazette"}]}, PORT),
        ({"url": {"$exists": False}}, Not(Condition("url", "$exists"))),
        (
            {"source": "Port Gazette", "published_at": {"$gte": "2023-11", "$lt": "2023-11"}},
            All((PORT, All((Condition("published_at", "$gte", "date", (NOVEMBER,)),
                            Condition("published_at", "$lt", "date", (NOVEMBER,)))))),
        ),
        (
            {"$or": [{"source": "Port Gazette"}, {"metadata.n": {"$in": [1, "a", True, 2, "a"]}}]},
            Either((PORT, Either((Condition("metadata.n", "$in", "number", (1, 2)),
                                  Condition("metadata.n", "$in", "text", ("a",)),
                                  Condition("metadata.n", "$in", "flag", (True,)))))),
        ),
    ],
)  # fmt: skip
def test_what_can_be_said_in_two_ways_is_read_as_one(asked: dict[str, Any], parsed: object) -> None:
    assert parse_filter(asked) == parsed
    hash(parse_filter(asked))


def nested(depth: int) -> dict[str, Any]:
    asked: dict[str, Any] = {"source": "x"}
    for _ in range(depth - 1):
        asked = {"$not": asked}
    return asked


KNOWN = "known are article_id, source, language, title, url, published_at, metadata.KEY"
SAME = "$eq, $ne, $in, $nin, $exists, $not"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ([], 'a filter is an object such as {"source": "Port Gazette"}; found an empty list'),
        (None, 'a filter is an object such as {"source": "Port Gazette"}; found null'),
        ("x", 'a filter is an object such as {"source": "Port Gazette"}; found text'),
        ({"colour": "white"}, f"field colour is not known here; {KNOWN}"),
        ({"metadata": "white"}, f"field metadata is not known here; {KNOWN}"),
        ({"metadata.": "white"}, f"field metadata. is not known here; {KNOWN}"),
        ({"<script>": 1}, f"field (a name) is not known here; {KNOWN}"),
        ({"$nor": []}, "operator $nor is not known around fields; known are $and, $or, $not"),
        ({"$eq": "x"}, "operator $eq is not known around fields; known are $and, $or, $not"),
        (
            {"source": {"$like": "x"}},
            f"operator $like is not known for source; known are {SAME}, $gte, $lte, $gt, $lt",
        ),
        ({"article_id": {"$gt": "x"}}, f"operator $gt is not known for article_id; known are {SAME}"),
        ({"source": {"$and": []}}, f"operator $and is not known for source; known are {SAME}, $gte, $lte, $gt, $lt"),
        ({"source": {}}, f"source: no operator inside {{}}; known here are {SAME}, $gte, $lte, $gt, $lt"),
        ({"$and": [{}]}, "an empty object inside a filter says nothing; leave it out"),
        ({"$not": {}}, "an empty object inside a filter says nothing; leave it out"),
        ({"$or": []}, "$or takes a list of at least one filter; found an empty list"),
        ({"$and": {"source": "x"}}, "$and takes a list of at least one filter; found an object"),
        ({"$not": [1]}, 'a filter is an object such as {"source": "Port Gazette"}; found a list'),
        ({"source": ["x"]}, "source: compared with text only; found a list"),
        ({"source": 5}, "source: compared with text only; found a number"),
        ({"source": None}, 'source: null is no value; {"$exists": false} finds what has none'),
        ({"source": {"$in": "x"}}, "source: $in takes a list of at least one value; found text"),
        ({"source": {"$nin": []}}, "source: $nin takes a list of at least one value; found an empty list"),
        ({"source": {"$in": ["x", 1]}}, "source: compared with text only; found a number"),
        ({"source": {"$exists": 1}}, "source: $exists takes true or false; found a number"),
        ({"source": {"$not": "x"}}, "source: $not takes an object of operators; found text"),
        ({"metadata.n": math.nan}, "metadata.n: compared with text, finite numbers, true or false; found a number that is not finite"),
        ({"metadata.n": {"$lt": -math.inf}}, "metadata.n: compared with text, finite numbers, true or false; found a number that is not finite"),
        ({"metadata.n": {"$in": [{}]}}, "metadata.n: compared with text, finite numbers, true or false; found an object"),
        ({"metadata.n": {"$gt": True}}, "metadata.n: $gt compares text, numbers or dates; found true or false"),
        ({"metadata.n": "a\0b"}, "metadata.n: a value holds a NUL or half of a surrogate pair, which is no character"),
        ({"metadata.\udfff": 1}, "a field's name holds a NUL or half of a surrogate pair, which is no character"),
        ({"published_at": "2023-02-30"}, "published_at: 2023-02-30 is no day, month or year of the form 2023-11-09, 2023-11 or 2023"),
        ({"published_at": "soon"}, "published_at: soon is no day, month or year of the form 2023-11-09, 2023-11 or 2023"),
        ({"published_at": "２０２３"}, "published_at: compared with a date such as 2023-11-09, 2023-11 or 2023; found text"),
        ({"published_at": 2023}, "published_at: compared with a date such as 2023-11-09, 2023-11 or 2023; found a number"),
        (nested(MAX_DEPTH + 1), "the filter is nested too deeply; at most 8 levels are allowed"),
        (nested(5000), "the filter is nested too deeply; at most 8 levels are allowed"),
        ({"source": "x" * (MAX_TEXT + 1)}, "source: a value has 2001 characters; at most 2000 are allowed"),
        ({"metadata." + "x" * MAX_TEXT: 1}, "a field's name has 2009 characters; at most 2000 are allowed"),
        ({"$or": [{"source": "x"}] * (MAX_CONDITIONS + 1)}, "the filter has 101 conditions and 101 values; at most 100 and 1000 are allowed"),
        ({f"metadata.{n}": 1 for n in range(MAX_KEYS + 1)}, "the filter asks for 21 keys of metadata; at most 20 are allowed"),
        ({"metadata.n": {"$in": list(range(MAX_VALUES + 1))}}, "the filter has 1 conditions and 1001 values; at most 100 and 1000 are allowed"),
    ],
)  # fmt: skip
def test_what_is_no_filter_is_refused_with_what_is_known(asked: object, told: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_filter(asked)
    assert str(refused.value) == told


def test_a_filter_at_every_limit_is_taken() -> None:
    assert parse_filter(nested(MAX_DEPTH)) is not None
    inner: dict[str, Any] = {"$eq": "x"}
    for _ in range(MAX_DEPTH - 1):
        inner = {"$not": inner}
    assert parse_filter({"source": inner}) is not None
    with pytest.raises(InputError, match="nested too deeply"):
        parse_filter({"source": {"$not": inner}})
    assert parse_filter({"$or": [{"source": "x"}] * MAX_CONDITIONS}) is not None
    assert (
        parse_filter(
            {
                "metadata.n": {"$in": list(range(MAX_VALUES))},
            }
        )
        is not None
    )
    assert parse_filter(json.loads('{"metadata.n": {"$lt": 100000000000000000000000000000000}}')) is not None


@pytest.mark.parametrize(
    ("asked", "left_out"),
    [
        ({"published_at": "2023"}, True),
        ({"published_at": {"$gte": "2023"}, "source": "x"}, True),
        ({"published_at": {"$not": {"$not": {"$lt": "2023"}}}}, True),
        ({"$or": [{"published_at": {"$gte": "2023"}}, {"published_at": {"$lt": "2000"}, "source": "x"}]}, True),
        ({"published_at": {"$ne": "2023"}}, False),
        ({"published_at": {"$exists": True}}, False),
        ({"$or": [{"published_at": {"$gte": "2023"}}, {"published_at": {"$exists": False}}]}, False),
        ({"$or": [{"published_at": {"$gte": "2023"}}, {"source": "x"}]}, False),
        ({"source": "x"}, False),
    ],
)  # fmt: skip
def test_who_asks_for_dates_is_told_that_undated_articles_are_left_out(
    asked: dict[str, Any], left_out: bool
) -> None:
    parsed = parse_filter(asked)
    assert parsed is not None and leaves_out_undated(parsed) is left_out
