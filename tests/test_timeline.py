"""Bars over time: which spans they stand for, that no hit is lost, and that their links find what they count."""

from datetime import date, timedelta

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from search_api.facets import Facet, FacetName, FacetValue
from search_api.page.timeline import HEIGHT, MOST_BARS, WIDTH, timeline
from tests.replies import page


def facets(*dates: str) -> dict[FacetName, Facet]:
    """As a search counts them: `2023-11` under its month and its year, `2023` under its year in both."""

    def counted(length: int) -> Facet:
        names = sorted({one[:length] for one in dates})
        return Facet(tuple(FacetValue(name, sum(one[:length] == name for one in dates)) for name in names), 0)

    return {"month": counted(7), "year": counted(4)}


def spans(*dates: str) -> list[tuple[str, str, int]]:
    found = timeline(facets(*dates))
    return [(bar.first, bar.last, bar.count) for bar in found.bars] if found else []


def test_few_months_have_a_bar_each() -> None:
    assert spans("2023-11", "2024-02", "2024-02") == [
        ("2023-11", "2023-11", 1), ("2023-12", "2023-12", 0), ("2024-01", "2024-01", 0), ("2024-02", "2024-02", 2),
    ]  # fmt: skip


def test_more_months_are_taken_by_quarters_and_more_quarters_by_years() -> None:
    assert spans("2022-11", "2024-02")[0] == ("2022-10", "2022-12", 1)
    assert spans("2022-11", "2024-02")[-1] == ("2024-01", "2024-03", 1)
    assert [bar[0] for bar in spans("2019-11", "2024-02")] == ["2019", "2020", "2021", "2022", "2023", "2024"]
    assert spans("1990-01", "2024-02")[0] == ("1990", "1994", 1)


def test_a_year_without_months_is_not_lost_among_months() -> None:
    assert spans("2023", "2024-02") == [("2023", "2023", 1), ("2024", "2024", 1)]
    among = timeline(facets("2023", "2023-02", "2023-04", ""))
    assert among is not None and among.unplaced == 2 and len(among.bars) == 3


@pytest.mark.parametrize("dates", [(), ("",), ("2023",), ("2023-11", "2023-11")])
def test_one_span_or_none_is_no_timeline(dates: tuple[str, ...]) -> None:
    assert timeline(facets(*dates)) is None


@given(st.lists(st.dates(date(1, 1, 1), date(9999, 12, 31)), min_size=1, max_size=40), st.integers(0, 3))
def test_bars_lie_side_by_side_and_count_every_dated_hit(days: list[date], undated: int) -> None:
    found = timeline(facets(*(day.isoformat() for day in days), *[""] * undated))
    if found is None:
        assert max(days) - min(days) < timedelta(days=366 * 1000)
        return
    assert 2 <= len(found.bars) <= MOST_BARS
    assert sum(bar.count for bar in found.bars) == len(days) and found.unplaced == undated
    assert all(bar.width >= 24 and 0 <= bar.height <= HEIGHT for bar in found.bars)
    assert found.bars[-1].x + found.bars[-1].width == pytest.approx(WIDTH, abs=0.1)
    assert [bar.first for bar in found.bars] == sorted({bar.first for bar in found.bars})
    for bar in found.bars:
        held = sum(bar.first <= day.isoformat()[: len(bar.first)] <= bar.last for day in days)
        assert held == bar.count


def test_a_bar_leads_to_as_many_hits_as_it_counts(client: TestClient) -> None:
    shown = page(client, "/?q=lighthouse+observatory+zeppelin+foxes&mode=keyword")
    bars = [one for one in shown.of("a") if "passage" in str(one.get("aria-label"))]
    assert len(bars) >= 2
    for bar in bars:
        count = str(bar["aria-label"]).split(": ")[1]
        assert f"of {count}" in " ".join(page(client, str(bar["href"])).html.split())
