"""How the hits of a search are spread over sources, languages and time, all pages together.

Counts what is shown, near-duplicates and grouped passages not again, so that each facet adds up to the
reply's `total`. Reads columns, no text. (pool, positions shown) -> counts by name
"""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from passage_index.backend import Backend, Pool
from passage_index.columns import EPOCH
from passage_index.types import PartialDate

MOST_VALUES = 50  # of one facet; the hits of the others are told as one number

FacetName = Literal["source", "month", "year", "language"]


@dataclass(frozen=True, slots=True)
class FacetValue:
    """So many hits are of that name; '' stands for those that have none."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Facet:
    """The names with most hits: sources and languages by falling count, months and years by time."""

    values: tuple[FacetValue, ...]
    others: int  # hits of all further names


def facets(
    snapshot: Backend, pool: Pool, shown: list[int], asked: tuple[FacetName, ...]
) -> dict[FacetName, Facet]:
    """One facet a name asked for. shown: positions in the pool, one a hit."""
    return {name: _facet(name, _labels(snapshot, pool, shown, name)) for name in asked}


def _labels(snapshot: Backend, pool: Pool, shown: list[int], name: FacetName) -> list[str]:
    if name in ("source", "language"):
        return snapshot.names(pool.rows[shown], name)
    days = zip(pool.first_day[shown].tolist(), pool.last_day[shown].tolist(), strict=True)
    length = len("2023-11") if name == "month" else len("2023")
    return ["" if first > last else _date(first, last)[:length] for first, last in days]


def _date(first: int, last: int) -> str:
    """As exact as known: a year stays one among months."""
    return str(PartialDate(EPOCH + timedelta(first), EPOCH + timedelta(last)))


def _facet(name: FacetName, labels: list[str]) -> Facet:
    counted = sorted(Counter(labels).items(), key=lambda pair: (-pair[1], pair[0]))
    told = counted[:MOST_VALUES]
    if name in ("month", "year"):
        told.sort()
    values = tuple(FacetValue(label, count) for label, count in told)
    return Facet(values, others=sum(count for _, count in counted[MOST_VALUES:]))
