"""What so many passages take: memory, disk, hours of building, machines and money, by measured constants.

Constants come from bench/results where they were measured here; those of Milvus are computed from its
schema and marked so, and prices are assumptions that are given on the command line. Knows nothing of any
particular corpus: news of about 100 words a passage, 384 dimensions, a vector a sentence.

    python -m bench.scale_law [--passages 1e9] [--core-hour 0.04] ...

bench/tables.py puts those of the default sizes and prices into docs/scale.md.
"""

import argparse
import json
import math
from dataclasses import dataclass, fields
from typing import Any

from bench.places import RESULTS
from bench.ray_build import speed_up

SIZES = (10e6, 100e6, 1e9, 10e9)
MONTH_H = 730.0

# Computed, not measured: bytes a passage takes in Milvus, by the fields of passage_index/milvus/schema.py.
SCANNED_BYTES = 1_100  # in memory: IVF_SQ8 384, its ids and lists, postings of two word fields
FETCHED_BYTES = 6_000  # on the disk of a query node: vectors as text 4,200, texts, words, columns
STORED_BYTES = 7_000  # in the object store, for each generation that is kept
KEPT_GENERATIONS = 2
COPIES = 2  # of every segment, on different query nodes
FILLED = 0.7  # of a query node's memory
NODE_RAM_GB, NODE_CORES = 64, 16
PASSAGES_A_SHARD, MOST_SHARDS = 50e6, 64


@dataclass(frozen=True, slots=True)
class Prices:
    """Assumed, in any currency: what a month or an hour of a resource costs."""

    core_hour: float = 0.04
    ram_gb_month: float = 3.0
    ssd_gb_month: float = 0.10
    object_gb_month: float = 0.025
    spot_share: float = 1.0  # of core_hour, for building, which may lose nodes


@dataclass(frozen=True, slots=True)
class Measured:
    """Constants from result files."""

    passages_a_core_second: float
    index_bytes: float  # on disk, a passage
    code_bytes: float  # in memory, a passage
    vector_bytes: float
    search_ms_a_million: float  # of one question on one core, vectors alone
    ray_efficiency: float  # of two nodes: half of their speed-up


@dataclass(frozen=True, slots=True)
class Needs:
    """What so many passages take, on one machine and on a cluster."""

    passages: float
    build_core_hours: float
    build_cost: float
    disk_gb: float
    memory_gb: float  # that cannot be done without, on one machine
    mapped_gb: float  # that should fit into memory beside it
    search_ms: float
    query_nodes: int
    shards: int
    cluster_ram_gb: float
    cluster_ssd_gb: float
    cluster_object_gb: float
    machine_month: float
    cluster_month: float


def measured() -> Measured:
    """From bench/results: the newest speed, starting, scale and ray."""
    speed = _result(max(file.name for file in RESULTS.glob("speed-*.json")))
    starting, scale, ray = (_result(name) for name in ("starting.json", "scale.json", "ray.json"))
    largest = max(scale["sizes"], key=lambda one: one["rows"])
    fastest = max(one["ours_per_s"] for one in speed["indexing"])
    return Measured(
        passages_a_core_second=fastest / speed["cores"],
        index_bytes=starting["index_bytes"] / starting["passages"],
        code_bytes=largest["search_bytes_a_passage"],
        vector_bytes=768.0,
        search_ms_a_million=largest["p50_cpu_ms"] / (largest["rows"] / 1e6),
        ray_efficiency=speed_up(ray) / 2,
    )


def needs(passages: float, known: Measured, prices: Prices) -> Needs:
    """By the law; nothing here was tried at these sizes."""
    core_hours = passages / known.passages_a_core_second / 3600 / known.ray_efficiency
    disk_gb, mapped_gb = passages * known.index_bytes / 1e9, passages * known.vector_bytes / 1e9
    memory_gb = passages * (known.code_bytes + 220) / 1e9 + 0.35  # columns and positions; the server itself
    scanned_gb = passages * SCANNED_BYTES * COPIES / 1e9
    nodes = max(math.ceil(scanned_gb / (NODE_RAM_GB * FILLED)), COPIES)
    ram_gb = nodes * NODE_RAM_GB * 1.25  # proxies, coordinators, log, store
    ssd_gb = passages * FETCHED_BYTES * COPIES / 1e9 * 1.5
    object_gb = passages * STORED_BYTES * KEPT_GENERATIONS / 1e9
    cores = nodes * NODE_CORES * 1.25
    return Needs(
        passages=passages,
        build_core_hours=core_hours,
        build_cost=core_hours * prices.core_hour * prices.spot_share,
        disk_gb=disk_gb,
        memory_gb=memory_gb,
        mapped_gb=mapped_gb,
        search_ms=passages / 1e6 * known.search_ms_a_million,
        query_nodes=nodes,
        shards=min(max(math.ceil(passages / PASSAGES_A_SHARD), 2), MOST_SHARDS),
        cluster_ram_gb=ram_gb,
        cluster_ssd_gb=ssd_gb,
        cluster_object_gb=object_gb,
        # Twice the index on disk: the next generation is made beside the one that is served.
        machine_month=(memory_gb + mapped_gb) * prices.ram_gb_month
        + 2 * disk_gb * prices.ssd_gb_month
        + 8 * prices.core_hour * MONTH_H,
        cluster_month=cores * prices.core_hour * MONTH_H
        + ram_gb * prices.ram_gb_month
        + ssd_gb * prices.ssd_gb_month
        + object_gb * prices.object_gb_month,
    )


def tables(sizes: tuple[float, ...], known: Measured, prices: Prices) -> str:
    """Three tables in Markdown: building, one machine, a cluster; and what they rest on."""
    rows = [needs(size, known, prices) for size in sizes]
    building = _table(
        ("passages", "core hours", "hours on 64 cores", "hours on 1,000 cores", "money"),
        [
            (_count(one.passages), f"{one.build_core_hours:,.0f}", f"{one.build_core_hours / 64:,.1f}",
             f"{one.build_core_hours / 1000:,.1f}", f"{one.build_cost:,.0f}")
            for one in rows
        ],
    )  # fmt: skip
    machine = _table(
        ("passages", "disk", "memory", "vectors that should fit", "vector search, one core", "a month"),
        [
            (_count(one.passages), _gb(one.disk_gb), _gb(one.memory_gb), _gb(one.mapped_gb),
             f"{one.search_ms:,.0f} ms", f"{one.machine_month:,.0f}")
            for one in rows
        ],
    )  # fmt: skip
    cluster = _table(
        ("passages", "shards", f"query nodes of {NODE_RAM_GB} GB", "memory of all", "disks of query nodes",
         "object store", "a month"),
        [
            (_count(one.passages), f"{one.shards:,}", f"{one.query_nodes:,}", _gb(one.cluster_ram_gb),
             _gb(one.cluster_ssd_gb), _gb(one.cluster_object_gb), f"{one.cluster_month:,.0f}")
            for one in rows
        ],
    )  # fmt: skip
    assumed = ", ".join(
        f"`--{one.name.replace('_', '-')}` {getattr(prices, one.name):g}" for one in fields(prices)
    )
    rests = (
        f"By `python -m bench.scale_law`, from what was measured: {known.passages_a_core_second:.1f} "
        f"passages a second and core indexed, {known.index_bytes:,.0f} bytes of index and "
        f"{known.code_bytes:.0f} of codes a passage, {known.search_ms_a_million:.2f} ms a million passages "
        f"searched, two Ray nodes at {known.ray_efficiency:.0%} of twice one. Prices are assumed: {assumed}."
    )
    return "\n\n".join(["Building:", building, "One machine:", machine, "A cluster:", cluster, rests])


def law_section(_scale: dict[str, Any]) -> str:
    """The tables of docs/scale.md."""
    return tables(SIZES, measured(), Prices())


def _result(name: str) -> dict[str, Any]:
    return dict(json.loads((RESULTS / name).read_text()))


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(line) + " |" for line in (heads, *rows)]
    return "\n".join([lines[0], "|---" * len(heads) + "|", *lines[1:]])


def _count(passages: float) -> str:
    return f"{passages / 1e9:g} billion" if passages >= 1e9 else f"{passages / 1e6:g} million"


def _gb(size: float) -> str:
    return f"{size / 1000:,.1f} TB" if size >= 1000 else f"{size:,.0f} GB" if size >= 10 else f"{size:.1f} GB"


def main() -> None:
    """Print the tables for the sizes and prices asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--passages", type=float, action="append")
    for one in fields(Prices):
        parser.add_argument(f"--{one.name.replace('_', '-')}", type=float, default=one.default)
    given = vars(parser.parse_args())
    prices = Prices(**{one.name: given[one.name] for one in fields(Prices)})
    print(tables(tuple(given["passages"] or SIZES), measured(), prices))


if __name__ == "__main__":
    main()
