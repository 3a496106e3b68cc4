"""A plan is near what the build then takes, whatever the files are, and says how far off it was."""

import csv
import gzip
import json
import math
import os
import random
import time
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from indexer import planning, sample, trial
from indexer.build import BuildOptions, build
from indexer.living import LivingArticles
from indexer.planning import plan
from indexer.plans import Plan, errors, plan_file, plan_text, recall_plan, remember_plan
from passage_index import directory
from passage_index.encoder import EmbeddedPassage
from passage_index.errors import InputError
from tests.fakes import FakeEncoder
from tests.growing import Record, record, written

ENCODER = FakeEncoder()
WORDS = [f"{one}{two}{three}" for one in "bdfgklmnprst" for two in "aeiou" for three in "bdgkmnrst"]


def articles(count: int, seed: int = 0) -> list[Record]:
    """Articles of 20 to 900 words, the later ones longer: a sample of the first ones would be far off."""
    dice = random.Random(seed)
    out = []
    for number in range(count):
        length = dice.randrange(20, 60 + 840 * number // count)
        words = dice.choices(WORDS, weights=range(len(WORDS), 0, -1), k=length)
        sentences = [" ".join(words[at : at + 12]).capitalize() + "." for at in range(0, length, 12)]
        out.append(record(number, " ".join(sentences), "2021"))
    return out


@pytest.mark.parametrize("packing", ["", ".gz"])
def test_plan_of_lines_is_within_a_quarter_of_the_build(
    tmp_path: Path, packing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "ARTICLES", 80)
    file = written(tmp_path / "all.jsonl", articles(300))
    if packing:
        packed = tmp_path / "all.jsonl.gz"
        packed.write_bytes(gzip.compress(file.read_bytes()))
        file = packed
    made = plan([file], ENCODER, tmp_path / "cache")
    build([file], tmp_path / "index", ENCODER, BuildOptions(cache=tmp_path / "cache"))
    manifest = directory.current(tmp_path / "index").manifest
    off = errors(made, manifest.build, sum(one.size for one in manifest.files.values()))
    assert off["articles"] == 0.0
    assert abs(off["passages"]) < 0.25 and abs(off["disk"]) < 0.25
    assert made.in_journal == 0.0 and made.sampled_articles == 80
    again = plan([file], ENCODER, tmp_path / "cache")
    assert again.in_journal == 1.0 and again.encode_s == 0.0 and again.passages == made.passages


def strata(paths: list[Path]) -> list[tuple[int, float]]:
    return [(len(one.articles), round(one.stands_for, 6)) for one in sample.sample(paths)]


def test_sample_knows_how_many_articles_every_kind_of_file_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "ARTICLES", 20)
    records = articles(200)
    written(tmp_path / "lines" / "a.jsonl", records[:150])
    written(tmp_path / "lines" / "b.jsonl", records[150:])
    texts = tmp_path / "texts"
    texts.mkdir()
    for number, one in enumerate(records[:50]):
        (texts / f"{number}.txt").write_text(one["text"])
    table = pyarrow.Table.from_pylist([{"id": one["_id"], "text": one["text"]} for one in records])
    pyarrow.parquet.write_table(table, tmp_path / "all.parquet")
    with (tmp_path / "all.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text"])
        rows.writerows([one["_id"], one["text"]] for one in records)
    assert strata([tmp_path / "lines"]) == [(20, 200.0)]
    assert strata([texts]) == [(20, 50.0)]
    assert strata([tmp_path / "all.parquet"]) == [(20, 200.0)]
    assert strata([tmp_path / "all.csv"]) == [(20, 200.0)]
    assert sorted(strata([tmp_path / "lines", texts])) == [(20, 50.0), (20, 200.0)]


def test_sample_of_a_large_file_counts_the_rest_by_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "HEAD_BYTES", 20_000)
    with (tmp_path / "all.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text"])
        rows.writerows(
            [number, f"The storm broke bridge {number:04} and it rained."] for number in range(3000)
        )
    ((_, total),) = strata([tmp_path / "all.csv"])
    assert total == pytest.approx(3000, rel=0.02)


def test_sample_leaves_out_what_cannot_be_indexed(tmp_path: Path) -> None:
    lines = [json.dumps(one) if number % 2 else "{broken" for number, one in enumerate(articles(100))]
    (tmp_path / "half.jsonl").write_text("\n".join(lines))
    assert strata([tmp_path / "half.jsonl"]) == [(50, 50.0)]


def test_plan_of_nothing_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(InputError):
            plan([path], ENCODER, tmp_path / "cache")


def test_plan_of_an_addition_leaves_out_what_stands_in_the_index(tmp_path: Path) -> None:
    records = articles(40)
    build([written(tmp_path / "old.jsonl", records[:30])], tmp_path / "index", ENCODER)
    file = written(tmp_path / "all.jsonl", [{**records[0], "title": "Another"}, *records[1:]])
    with LivingArticles(directory.current(tmp_path / "index")) as living:
        made = plan([file], ENCODER, tmp_path / "cache", find=living.find)
        everything = plan(
            [written(tmp_path / "old.jsonl", records[:30])], ENCODER, tmp_path / "c", find=living.find
        )
    assert (made.articles, made.unchanged) == (11, 29)
    assert (everything.articles, everything.unchanged, everything.passages) == (0, 30, 0)


def made_up(**values: object) -> Plan:
    figures = dict.fromkeys(Plan.__dataclass_fields__, 0) | {"made_at": "2026-01-01T00:00:00+00:00"}
    return Plan(**{**figures, **values})  # type: ignore[arg-type]


def test_errors_are_shares_of_what_came() -> None:
    made = made_up(articles=90, passages=1100, index_bytes=50, build_s=15.0, build_ram_bytes=3)
    came = {"articles": 100, "passages": 1000, "seconds": {"encode": 8.0, "write": 2.0}, "peak_ram_bytes": 3}
    assert errors(made, came, 100) == {
        "articles": -0.1, "passages": 0.1, "disk": -0.5, "time": 0.5, "memory": 0.0
    }  # fmt: skip
    assert errors(made, {**came, "articles": 0}, 100).keys() == {"passages", "disk", "time", "memory"}


def test_a_plan_is_recalled_for_the_same_paths_in_any_order_and_for_no_others(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    file = plan_file(tmp_path / "cache", [first, second], ENCODER)
    assert recall_plan(file) is None
    remember_plan(file, made_up(passages=7))
    assert recall_plan(plan_file(tmp_path / "cache", [second, first], ENCODER)) == made_up(passages=7)
    assert recall_plan(plan_file(tmp_path / "cache", [first], ENCODER)) is None
    file.write_text("{")
    assert recall_plan(file) is None


def test_a_plan_made_on_a_busy_machine_says_what_a_quiet_one_would_take() -> None:
    busy = made_up(build_s=600.0, encode_s=500.0, quiet_s=300.0)
    assert busy.busy and "; 5 min if this machine were not busy" in plan_text(busy)
    quiet = made_up(build_s=600.0, encode_s=500.0, quiet_s=550.0)
    assert not quiet.busy and "busy" not in plan_text(quiet)


def test_a_trial_counts_the_seconds_of_the_cores_and_those_on_the_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Half of each of two cores is taken by others: the same takes half the time without them."""
    walls, cores = iter([0.0, 10.0]), iter([0.0, 10.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(walls))
    monkeypatch.setattr(time, "process_time", lambda: next(cores))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    taken = iter([300, 400])
    monkeypatch.setattr(trial, "ram_bytes", lambda: next(taken))
    done = trial.try_encoding([EmbeddedPassage("A storm.", ((0, 8),))] * 20, ENCODER)
    assert (done.passages_per_s, done.quiet_per_s, done.ram_bytes) == (2.0, 4.0, 100)
    assert [done.ram_of(count) for count in (0, 10, 20, 20 * math.e, 1e9)] == [0, 50, 100, 140, 230]


def test_memory_of_a_build_counts_what_is_not_encoded_again_as_less(tmp_path: Path) -> None:
    file = written(tmp_path / "all.jsonl", articles(60))
    encoding = [EmbeddedPassage(f"Storm {number}.", ((0, 8),)) for number in range(3)]
    assert trial.in_journal(encoding, ENCODER, tmp_path / "cache") == (0.0, 0)
    build([file], tmp_path / "index", ENCODER, BuildOptions(cache=tmp_path / "cache"))
    passages = directory.current(tmp_path / "index").manifest.passages
    assert trial.in_journal(encoding, ENCODER, tmp_path / "cache") == (0.0, passages)


def test_plan_text_says_every_figure() -> None:
    made = made_up(articles=1200, passages=34567, index_bytes=10**8, build_s=600.0, encode_s=500.0, quiet_s=600.0,
                   build_ram_bytes=10**9, serve_ram_bytes=5 * 10**8, query_ms=21.4, passages_per_s=140.0,
                   in_journal=0.25, sampled_articles=300, sampled_passages=4000)  # fmt: skip
    text = plan_text(made)
    for figure in ("1,200", "34,567, 25% of them from the vectors journal", "100 MB;", "1,000 MB to build",
                   "500 MB to serve", "10 min, of which 8 min", "140 passages/s", "21 ms",
                   "4,000"):  # fmt: skip
        assert figure in text


def test_passages_encoded_for_a_plan_are_as_long_as_all_are_and_stand_for_each_kind(tmp_path: Path) -> None:
    file = written(tmp_path / "all.jsonl", articles(200))
    (tmp_path / "texts").mkdir()
    for number in range(40):
        (tmp_path / "texts" / f"{number}.txt").write_text("The storm broke the bridge.")
    encoding = planning.Encoding(ENCODER, planning.Chunking())
    drawn = [planning._split(one, encoding) for one in sample.sample([file, tmp_path / "texts"])]
    chosen = planning._chosen(drawn)
    lengths = [parts.tokens[at] for _, parts, at in chosen]
    every = [tokens for one in drawn for parts in one.parts for tokens in parts.tokens]
    assert abs(len(chosen) - planning.ENCODED) <= 2 * planning._BLOCK
    assert sum(lengths) / len(lengths) == pytest.approx(sum(every) / len(every), rel=0.1)
    blocks = round(planning.ENCODED / planning._BLOCK * 40 / len(every))
    short = {article.id for article, _, _ in chosen if article.id.endswith(".txt")}
    assert len(short) == blocks * planning._BLOCK
