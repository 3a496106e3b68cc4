"""A build shared out: the same index as a build on one machine, whatever is done twice or dies between.

The cluster here is a pool in this process that takes tasks in any order, some of them twice, as Ray may.
tests/cluster/test_ray.py has real nodes.
"""

import json
import os
import random
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from indexer.articles import Rejected, Skipped
from indexer.build import build
from indexer.chunking import Chunking
from indexer.cluster import building
from indexer.cluster.building import ClusterOptions, EncodingTask, Pool, build_on_cluster, make_shards
from indexer.cluster.encoding import ShardRecord
from indexer.cluster.gathering import gather
from indexer.cluster.reading import packed, parts_of, unpacked
from indexer.cluster.recipe import Recipe
from indexer.cluster.shards import read_shard, shard_file
from indexer.readers.walk import Found
from indexer.report import BuildReport
from indexer.write import BuildOptions, Encoding, Run, fitted
from passage_index import commits, directory
from passage_index.errors import CorruptIndex, DuplicateArticle, InputError, RecordsRejected
from tests.conftest import ARTICLES
from tests.fakes import FakeEncoder
from tests.growing import evidence, written
from tests.test_build import BAD, CountingEncoder

SHARD_PASSAGES, PART_FILES = 8, 2


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """A folder with all that can go wrong in several files, in no order of dates or sizes."""
    folder = tmp_path / "articles"
    for number in range(7):
        written(folder / f"{number}.jsonl", ARTICLES[number::7])
    (folder / "bad.jsonl").write_bytes(b'{"_id": "late", "text": "Once."}\n' + b"".join(BAD))
    (folder / "note.txt").write_text("A note\n\nThe ferry leaves at nine. It is late.")
    (folder / "photo.png").write_bytes(b"\x89PNG")
    (folder / "out.txt").symlink_to(tmp_path / "elsewhere.txt")
    return folder


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> CountingEncoder:
    counting = CountingEncoder()
    monkeypatch.setattr(building, "load", lambda _recipe, threads: counting)
    return counting


def shuffled_pool(again: bool = False) -> Pool:
    """Tasks in a random order; `again`: each third one is done a second time, its first answer lost."""

    def mapped(rows: list[Any], task: Any, given: dict[str, Any]) -> Iterator[Any]:
        dice = random.Random(len(rows))
        actor = task(**given)
        for row in dice.sample(rows, len(rows)):
            answer = actor(row)
            yield actor(row) if again and dice.random() < 0.3 else answer

    return mapped


def shared_out(
    articles: Path, folder: Path, pool: Pool, options: BuildOptions | None = None, **more: int
) -> BuildReport:
    """`build_on_cluster` with a pool of this process for Ray."""
    encoder = FakeEncoder()
    run = Run(options or BuildOptions(cache=folder / "cache"))
    recipe = recipe_for(folder)
    cluster = ClusterOptions("", recipe.folder, "fake", shard_passages=SHARD_PASSAGES, part_files=PART_FILES)
    index = folder / "index"
    with directory.writer_lock(index), commits.new_generation(index) as scratch:
        records = make_shards([articles], recipe, replace(cluster, **more), pool, run)
        gather(records, recipe.folder, Encoding(encoder, recipe.chunking), index, scratch, run)
    return run.report


def recipe_for(folder: Path) -> Recipe:
    encoder = FakeEncoder()
    return Recipe(folder / "shards", "fake", encoder.identity, fitted(Chunking(), encoder))


def of_segments(index: Path) -> dict[str, str]:
    """The hash of every file but those of the word indexes, which have names made by the dice."""
    files = directory.current(index).manifest.files
    return {name: file.sha256 for name, file in files.items() if name.startswith("segments")}


def told(report: BuildReport) -> dict[str, Any]:
    """A report without what two runs cannot have in common."""
    timed = ("seconds", "encoder_seconds", "peak_ram_bytes")
    return {name: value for name, value in report.to_json().items() if name not in timed}


@pytest.mark.parametrize("again", [False, True], ids=["once", "some twice"])
def test_an_index_built_by_many_is_the_one_built_by_one(
    articles: Path, tmp_path: Path, encoder: CountingEncoder, again: bool
) -> None:
    alone = build([articles], tmp_path / "alone", FakeEncoder(), BuildOptions(cache=tmp_path / "c"))
    shared = shared_out(articles, tmp_path / "many", shuffled_pool(again))
    index = tmp_path / "many" / "index"
    assert alone.rejected == 5 and alone.skipped == 1
    assert told(shared) == told(alone)
    assert of_segments(index) == of_segments(tmp_path / "alone")
    assert evidence(index) == evidence(tmp_path / "alone")
    manifest = json.loads((tmp_path / "many" / "shards" / "manifest.json").read_text())
    assert sum(one["passages"] for one in manifest["shards"]) == alone.passages == len(encoder.encoded)
    assert len(manifest["shards"]) > 5
    assert not [*(tmp_path / "many" / "shards" / "texts").rglob("*.parquet")]


def test_a_build_that_was_cut_off_goes_on_where_it_was(
    articles: Path, tmp_path: Path, encoder: CountingEncoder
) -> None:
    encoder.limit = 30
    with pytest.raises(RuntimeError, match="power failed"):
        shared_out(articles, tmp_path, shuffled_pool())
    kept = len(encoder.encoded)
    assert 0 < kept <= 30 and not directory.holds_index(tmp_path / "index")
    encoder.limit = 10**9
    report = shared_out(articles, tmp_path, shuffled_pool())
    assert report.resumed == kept
    assert len(encoder.encoded) == report.passages
    assert shared_out(articles, tmp_path, shuffled_pool()).resumed == report.passages
    assert len(encoder.encoded) == report.passages


def test_a_changed_article_costs_its_own_shard_only(tmp_path: Path, encoder: CountingEncoder) -> None:
    records = [
        {"_id": f"n{number}", "text": f"Boat {number} left the harbour.", "lang": "en"}
        for number in range(400)
    ]
    articles = written(tmp_path / "articles.jsonl", records)
    shared_out(articles, tmp_path, shuffled_pool(), shard_passages=40)
    records.insert(100, {"_id": "new", "text": "A boat came back to the harbour.", "lang": "en"})
    written(articles, records)
    encoder.encoded.clear()
    report = shared_out(articles, tmp_path, shuffled_pool(), shard_passages=40)
    assert report.passages == 401
    assert 0 < len(encoder.encoded) <= 120


def test_an_id_in_two_files_is_refused_as_by_a_build_on_one_machine(
    tmp_path: Path, encoder: CountingEncoder
) -> None:
    folder = tmp_path / "articles"
    for number in range(9):
        records = [{"_id": f"{number}-{place}", "text": "One sentence."} for place in range(3)]
        records += [{"_id": "twice", "text": "Another one."}] if number in (3, 7) else []
        written(folder / f"{number}.jsonl", records)
    with pytest.raises(DuplicateArticle) as alone:
        build([folder], tmp_path / "alone", FakeEncoder())
    with pytest.raises(DuplicateArticle) as shared:
        shared_out(folder, tmp_path, shuffled_pool())
    assert str(shared.value) == str(alone.value)
    assert "'twice' stands in two files" in str(alone.value)
    assert encoder.encoded == []


def test_a_strict_build_stops_at_the_first_rejected_record_before_encoding(
    articles: Path, tmp_path: Path, encoder: CountingEncoder
) -> None:
    strict = BuildOptions(strict=True)
    with pytest.raises(RecordsRejected) as alone:
        build([articles], tmp_path / "alone", FakeEncoder(), strict)
    with pytest.raises(RecordsRejected) as shared:
        shared_out(articles, tmp_path, shuffled_pool(), strict)
    assert str(shared.value) == str(alone.value)
    assert encoder.encoded == []


def test_nothing_that_can_be_indexed_is_an_error(tmp_path: Path, encoder: CountingEncoder) -> None:
    (tmp_path / "only.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match="no article could be indexed"):
        shared_out(tmp_path / "only.jsonl", tmp_path, shuffled_pool())


def test_a_damaged_shard_is_named_and_made_again_when_it_was_removed(
    articles: Path, tmp_path: Path, encoder: CountingEncoder
) -> None:
    whole = shared_out(articles, tmp_path, shuffled_pool())
    shard = next((tmp_path / "shards" / "shards").rglob("*.parquet"))
    content = shard.read_bytes()
    shard.write_bytes(content[: len(content) // 2])
    with pytest.raises(CorruptIndex, match=f"{shard.name} cannot be read.*; remove it and run"):
        shared_out(articles, tmp_path, shuffled_pool())
    shard.unlink()
    report = shared_out(articles, tmp_path, shuffled_pool())
    assert (report.passages, directory.current(tmp_path / "index").manifest.generation) == (whole.passages, 2)


def test_no_flipped_bit_of_a_shard_is_read_as_something_else(
    articles: Path, tmp_path: Path, encoder: CountingEncoder
) -> None:
    shared_out(articles, tmp_path, shuffled_pool())
    shard = next((tmp_path / "shards" / "shards").rglob("*.parquet"))
    content, known, seen = shard.read_bytes(), read_shard(shard), 0
    dice = random.Random(3)
    for place in dice.sample(range(len(content)), 300):
        damaged = bytearray(content)
        damaged[place] ^= 1 << dice.randrange(8)
        try:
            same = repr(read_shard(shard, bytes(damaged))) == repr(known)
        except CorruptIndex:
            seen += 1
        else:
            assert same, place
    assert seen > 100


def test_a_shard_that_is_not_what_its_task_reported_is_not_gathered(
    articles: Path, tmp_path: Path, encoder: CountingEncoder
) -> None:
    def meddled(rows: list[Any], task: Any, given: dict[str, Any]) -> Iterator[Any]:
        for answer in shuffled_pool()(rows, task, given):
            if task is EncodingTask:
                record = replace(ShardRecord(**json.loads(answer["record"])), sha256="0" * 64)
                answer = {**answer, "record": json.dumps({n: getattr(record, n) for n in record.__slots__})}
            yield answer

    with pytest.raises(CorruptIndex, match="is not what was written"):
        shared_out(articles, tmp_path, meddled)
    assert not directory.holds_index(tmp_path / "index")


def test_shards_of_another_recipe_are_others(
    articles: Path, tmp_path: Path, encoder: CountingEncoder
) -> None:
    recipe = recipe_for(tmp_path)
    cut = replace(recipe, chunking=replace(recipe.chunking, target_words=60))
    other = replace(recipe, identity=replace(recipe.identity, weights_sha256="1" * 64))
    renamed = replace(recipe, identity=replace(recipe.identity, name="by another name"))
    assert len({one.key for one in (recipe, cut, other)}) == 3
    assert renamed.key == recipe.key


def test_a_cluster_needs_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    articles = written(tmp_path / "a.jsonl", ARTICLES[:1])
    cluster = ClusterOptions("127.0.0.1:1", tmp_path / "shards", "fake")
    with pytest.raises(InputError, match=r"pip install 'article-search\[ray\]'"):
        build_on_cluster([articles], tmp_path / "index", FakeEncoder(), cluster)
    assert not (tmp_path / "index").exists()


def test_a_shard_lies_under_the_first_two_digits_of_its_name(tmp_path: Path) -> None:
    assert shard_file(tmp_path, "ab12") == tmp_path / "shards" / "ab" / "ab12.parquet"


def test_parts_are_whole_files_of_bounded_size_in_the_order_of_the_walk(tmp_path: Path) -> None:
    sizes = [300_000, 10, 90_000, 50_000, 20, 140_000, 5]
    items = []
    for number, size in enumerate(sizes):
        file = tmp_path / f"{number}.txt"
        file.write_bytes(b"x" * size)
        items.append(Found(file, ".txt", file.name))
    parts = list(parts_of(items))
    assert [[sizes[int(one.path.stem)] for one in part] for part in parts] == [  # type: ignore[union-attr]
        [300_000], [10, 90_000, 50_000], [20, 140_000], [5],
    ]  # fmt: skip
    assert [len(part) for part in parts_of(items, most_files=2)] == [1, 2, 2, 1, 1]


def test_a_part_comes_back_as_it_was_sent(tmp_path: Path) -> None:
    odd = Found(Path(os.fsdecode(b"/data/caf\xe9.txt")), ".txt", "odd")
    part = [odd, Rejected("a/b.txt", None, "a link to nothing"), Skipped("x.png", "no format")]
    assert packed(part).isascii()
    assert unpacked(packed(part)) == part
