"""When the hits were published, as a few bars wide enough to be clicked.

Counts nothing itself and draws nothing: places for an SVG. facets by month and year -> Timeline
"""

from calendar import month_abbr
from collections.abc import Mapping
from dataclasses import dataclass

from search_api.facets import Facet, FacetName

WIDTH, HEIGHT = 288, 72  # of the drawing; a bar's column is as high as it, and at least 24 wide
MOST_BARS = 12
LEAST_HEIGHT = 3.0
_YEARS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)  # a bar may stand for


@dataclass(frozen=True, slots=True)
class Bar:
    """Hits of a span of time. first, last: as a search takes them. x, width, height: in the drawing."""

    first: str
    last: str
    label: str
    count: int
    x: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """At least two bars, without a gap between them. unplaced: hits that are not so exactly dated, or not."""

    bars: tuple[Bar, ...]
    unplaced: int


def timeline(facets: Mapping[FacetName, Facet]) -> Timeline | None:
    """Bars over the hits of all pages; None where they are of one span, or undated."""
    total = sum(one.count for one in facets["year"].values) + facets["year"].others
    years = {int(one.name): one.count for one in facets["year"].values if one.name}
    if not years:
        return None
    months = {_month(one.name): one.count for one in facets["month"].values if len(one.name) == 7}
    for step in (1, 3):
        bins = _bins(months, step)
        covered = range(12 * min(years), 12 * max(years) + 12)
        if 2 <= len(bins) <= MOST_BARS and min(bins) in covered and _same_years(years, months):
            return _drawn([(*_of_months(start, step), count) for start, count in bins.items()], total)
    for step in _YEARS:
        bins = _bins(years, step)
        if len(bins) <= MOST_BARS:
            break
    if len(bins) < 2:
        return None
    return _drawn([(*_of_years(start, step), count) for start, count in bins.items()], total)


def _same_years(years: Mapping[int, int], months: Mapping[int, int]) -> bool:
    """Whether no year would be lost by looking at months: one all of whose hits are dated no closer."""
    return {month // 12 for month in months} == set(years)


def _bins(counts: Mapping[int, int], step: int) -> dict[int, int]:
    """Counts in bins of `step` from the first to the last, empty ones too, if they are not far too many."""
    if not counts:
        return {}
    first, last = min(counts) // step * step, max(counts) // step * step
    if (last - first) // step >= 10 * MOST_BARS:
        return dict.fromkeys(range(10 * MOST_BARS), 0)
    bins = dict.fromkeys(range(first, last + step, step), 0)
    for place, count in counts.items():
        bins[place // step * step] += count
    return bins


def _drawn(bins: list[tuple[str, str, str, int]], total: int) -> Timeline:
    width, most = WIDTH / len(bins), max(count for *_, count in bins)
    bars = tuple(
        Bar(
            first=first,
            last=last,
            label=label,
            count=count,
            x=round(width * place, 2),
            width=round(width, 2),
            height=round(max(LEAST_HEIGHT, HEIGHT * count / most), 2) if count else 0.0,
        )
        for place, (first, last, label, count) in enumerate(bins)
    )
    return Timeline(bars, unplaced=total - sum(bar.count for bar in bars))


def _month(name: str) -> int:
    """`2023-11` -> months since the year 0."""
    return 12 * int(name[:4]) + int(name[5:]) - 1


def _of_months(start: int, step: int) -> tuple[str, str, str]:
    (year, month), end = divmod(start, 12), start + step - 1
    first, last = f"{year:04}-{month + 1:02}", f"{end // 12:04}-{end % 12 + 1:02}"
    until = "" if step == 1 else f"–{month_abbr[end % 12 + 1]}"
    return first, last, f"{month_abbr[month + 1]}{until} {year}"


def _of_years(start: int, step: int) -> tuple[str, str, str]:
    first, last = f"{start:04}", f"{min(start + step - 1, 9999):04}"
    return max(first, "0001"), last, first if step == 1 else f"{first}–{last}"
