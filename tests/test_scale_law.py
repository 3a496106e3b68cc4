"""The law of scale: sums worked out by hand, and that the page says what the program prints."""

import json

import pytest

from bench.places import RESULTS, ROOT
from bench.ray_build import CLOSE, section, speed_up
from bench.scale_law import Measured, Prices, law_section, needs

KNOWN = Measured(
    passages_a_core_second=50.0,
    index_bytes=5000.0,
    code_bytes=60.0,
    vector_bytes=768.0,
    search_ms_a_million=1.5,
    ray_efficiency=0.8,
)


def test_what_a_hundred_million_passages_take_is_what_the_sum_by_hand_says() -> None:
    wanted = needs(100e6, KNOWN, Prices(core_hour=0.1))
    assert wanted.build_core_hours == pytest.approx(100e6 / 50 / 3600 / 0.8)  # 694
    assert wanted.build_cost == pytest.approx(69.44, abs=0.01)
    assert (wanted.disk_gb, wanted.mapped_gb, wanted.search_ms) == pytest.approx((500, 76.8, 150))
    assert wanted.memory_gb == pytest.approx(28.35)
    assert (wanted.query_nodes, wanted.shards) == (5, 2)  # 220 GB at 44.8 GB each
    assert wanted.cluster_object_gb == pytest.approx(1400)


def test_a_small_cluster_still_keeps_two_copies_apart_and_a_large_one_has_no_more_shards_than_are_allowed() -> (
    None
):
    assert needs(1e6, KNOWN, Prices()).query_nodes == 2
    assert needs(10e9, KNOWN, Prices()).shards == 64


def test_the_speed_up_is_of_what_the_nodes_share() -> None:
    one = {"seconds": {"read and split": 10.0, "encode": 50.0, "gather": 99.0}}
    two = {"seconds": {"read and split": 6.0, "encode": 26.0, "gather": 99.0}}
    assert speed_up({"runs": {"1 node": one, "2 nodes": two}}) == pytest.approx(60 / 32)


def test_the_page_has_the_tables_that_the_programs_print() -> None:
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    ray = json.loads((RESULTS / "ray.json").read_text(encoding="utf-8"))
    for name, text in (("law", law_section({})), ("ray", section(ray))):
        shown = page.split(f"<!-- {name}:begin -->")[1].split(f"<!-- {name}:end -->")[0].strip()
        assert shown == text, "run `python -m bench.tables`"


def test_what_was_measured_on_ray_is_of_the_same_index() -> None:
    ray = json.loads((RESULTS / "ray.json").read_text(encoding="utf-8"))
    for name in ("1 node", "2 nodes"):
        alike = ray["runs"][name]["likeness"]
        assert alike["same_passages"] and alike["least_cosine"] >= CLOSE
