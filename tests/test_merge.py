"""The merge policy, and what a merge must not change: ids, scores, vectors, signatures, passage numbers."""

from pathlib import Path

import numpy as np
import pytest

from indexer import growing, merging, sealing
from indexer.build import build
from indexer.growing import add, delete, merge
from indexer.verify import verify
from passage_index import commits, directory, lexical
from passage_index.errors import FormatMismatch, WriteFailed
from passage_index.lexical import counted_records
from passage_index.segment import SegmentRecord
from passage_index.snapshot import Snapshot, open_snapshot
from tests.fakes import FakeEncoder
from tests.growing import KEEP_ALL, NO_MERGE, evidence, found, ids, record, written

ENCODER = FakeEncoder()
RECORDS = [
    record(
        number, f"The storm of {1980 + number} broke bridge {number}. The council met. Nobody slept.", date
    )
    for number, date in enumerate(["2020", "2019-03-01", None, "2019-03", "2021-01-01", None, "2018"] * 4)
]


def segment(name: str, passages: int) -> SegmentRecord:
    return SegmentRecord(name, articles=passages, passages=passages, sentences=passages)


@pytest.mark.parametrize(
    ("sizes", "deleted", "expected"),
    [
        ([100] * 8, 0, ""),
        ([100] * 9, 0, "abcdefghi"),
        ([10**6, *[10] * 8], 0, "bcdefghi"),  # the large one is left alone
        ([10**6, 50_000, *[10] * 7], 0, "cdefghi"),
        ([9**n for n in range(9)], 0, "ab"),  # nothing fits, so the two smallest
        ([2**n for n in range(9)], 0, "abcdefghi"),
        ([500, 500], 100, ""),
        ([500, 500], 101, "all"),
        ([500], 51, "all"),
        ([], 0, ""),
    ],
)
def test_policy_merges_what_it_says(sizes: list[int], deleted: int, expected: str) -> None:
    segments = [segment(chr(97 + number), size) for number, size in enumerate(sizes)]
    asked = merging.due(segments, deleted, sum(sizes), 0)
    assert asked.everything == (expected == "all")
    assert asked.names == frozenset(one.name for one in segments if expected == "all" or one.name in expected)


def test_policy_bounds_what_bm25_counts_although_the_segments_hold_nothing_deleted() -> None:
    assert not merging.due([segment("a", 900)], 0, counted=1000, counted_deleted=100).everything
    assert merging.due([segment("a", 900)], 0, counted=1000, counted_deleted=101).everything


def grown(index: Path, parts: int = 4) -> Path:
    """RECORDS, added in parts, with four articles replaced and one deleted."""
    files = [written(index.parent / f"{part}.jsonl", RECORDS[part::parts]) for part in range(parts)]
    build(files[:1], index, ENCODER, KEEP_ALL)
    for file in files[1:]:
        add([file], index, ENCODER, NO_MERGE)
    changed = [{**one, "text": one["text"] + " It rained."} for one in RECORDS[:4]]
    add([written(index.parent / "changed.jsonl", changed)], index, ENCODER, NO_MERGE)
    delete(["a-9"], index, NO_MERGE)
    return index


def stored(snapshot: Snapshot) -> dict[str, tuple[int, bytes, bytes, bytes]]:
    """Of every living passage: its number, passage vector, sentence vectors and signature, as bytes."""
    out = {}
    for position, one in enumerate(snapshot.segments):
        for row in np.arange(one.record.passages)[snapshot._rows.living_of(position)]:
            codes, sentences, scales = one.vectors.stored(int(row))
            out[one.columns.id[row].tobytes().hex()] = (
                int(one.columns.passage_no[row]),
                codes.tobytes(),
                sentences.tobytes() + scales.tobytes(),
                one.columns.signature[row].tobytes(),
            )
    return out


def test_merge_keeps_every_living_passage_byte_for_byte_and_drops_the_rest(tmp_path: Path) -> None:
    index = grown(tmp_path / "index")
    before = open_snapshot(index)
    assert (len(before.segments), before.manifest.deleted, before.manifest.deleted_articles) == (5, 5, 5)
    assert counted_records(index / "gen-000006" / "lexical" / "passages") == (32, 5)
    report = merge(index, KEEP_ALL)
    after = open_snapshot(index)
    assert (report.merged, report.generation, report.passages) == (5, 7, 0)
    assert (len(after.segments), after.manifest.deleted, after.manifest.deleted_articles) == (1, 0, 0)
    assert (after.manifest.articles, after.manifest.passages) == (27, 27)
    assert counted_records(index / "gen-000007" / "lexical" / "passages") == (27, 0)
    assert stored(after) == stored(before) and len(stored(after)) == 27
    order = [article.id for article, _ in after.segments[0].texts.articles()]
    rows = sorted(after.segments[0].texts.places(), key=lambda place: place[1])
    assert order == [place[0] for place in rows]
    days = after.segments[0].columns.first_day
    assert (days[1:] >= days[:-1]).all() and days[-1] == np.iinfo(np.int32).max
    assert not (index / "gen-000007" / "deleted.npy").exists()
    before.close()
    after.close()
    assert verify(index, ENCODER, deep=True, every_generation=True) == []


def test_merge_of_a_merged_index_commits_nothing_unless_forced(tmp_path: Path) -> None:
    index = grown(tmp_path / "index")
    merge(index, KEEP_ALL)
    assert merge(index, KEEP_ALL).generation is None
    assert merge(index, KEEP_ALL, force=True).generation == 8
    assert verify(index) == []


def test_the_policy_is_applied_by_add_and_leaves_large_segments_and_words_alone(tmp_path: Path) -> None:
    index = tmp_path / "index"
    build([written(tmp_path / "large.jsonl", RECORDS)], index, ENCODER, KEEP_ALL)
    for number in range(8):
        file = written(tmp_path / "one.jsonl", [record(100 + number, f"Report on lighthouse {number}.")])
        merged = add([file], index, ENCODER, KEEP_ALL).merged
        assert merged == (8 if number == 7 else 0)
    manifest = directory.current(index).manifest
    assert [(one.name, one.passages) for one in manifest.segments] == [("000001", 28), ("000010", 8)]
    assert manifest.next_segment == 11
    assert ids(index) == {f"a-{number}" for number in (*range(28), *range(100, 108))}
    assert verify(index, every_generation=True) == []


def test_the_policy_is_applied_by_delete_when_a_tenth_is_gone(tmp_path: Path) -> None:
    index = tmp_path / "index"
    build([written(tmp_path / "all.jsonl", RECORDS)], index, ENCODER, KEEP_ALL)
    assert delete(["a-1", "a-2"], index, KEEP_ALL).merged == 0
    assert directory.current(index).manifest.deleted == 2
    assert delete(["a-3"], index, KEEP_ALL).merged == 1
    assert directory.current(index).manifest.deleted == 0
    assert verify(index) == []


def test_a_partial_merge_drops_its_own_tombstones_and_keeps_the_others(tmp_path: Path) -> None:
    index = tmp_path / "index"
    build([written(tmp_path / "all.jsonl", RECORDS)], index, ENCODER, KEEP_ALL)
    for number in range(7):
        file = written(tmp_path / "one.jsonl", [record(100 + number, f"Report on lighthouse {number}.")])
        add([file], index, ENCODER, KEEP_ALL)
    delete(["a-1", "a-100"], index, NO_MERGE)
    file = written(tmp_path / "one.jsonl", [record(107, "Another storm.")])
    assert add([file], index, ENCODER, KEEP_ALL).merged == 8
    manifest = directory.current(index).manifest
    assert [one.passages for one in manifest.segments] == [28, 7]
    assert (manifest.deleted, manifest.deleted_articles, manifest.articles) == (1, 1, 34)
    assert verify(index) == []
    wanted = evidence(index), found(index)
    again = tmp_path / "again"
    everything = [*RECORDS, *(record(100 + n, f"Report on lighthouse {n}.") for n in range(7)),
                  record(107, "Another storm.")]  # fmt: skip
    left = [one for one in everything if one["_id"] not in ("a-1", "a-100")]
    build([written(tmp_path / "left.jsonl", left)], again, ENCODER, KEEP_ALL)
    merge(index, KEEP_ALL)
    assert (evidence(index), found(index)) == (evidence(again), found(again))
    assert [set(one) for one in wanted[0]] == [set(one) for one in evidence(index)]


def test_merge_mends_an_index_whose_words_were_cut_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = grown(tmp_path / "index")
    newer = {**lexical.ANALYZER, "name": "words-of-tomorrow"}
    for module in (lexical, sealing, growing):
        monkeypatch.setattr(module, "ANALYZER", newer)
    with pytest.raises(FormatMismatch, match="indexer merge"):
        open_snapshot(index)
    merge(index, KEEP_ALL)
    assert directory.current(index).manifest.analyzer["name"] == "words-of-tomorrow"
    open_snapshot(index).close()


def test_a_merge_that_fails_leaves_the_index_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = grown(tmp_path / "index")
    before, wanted = directory.pointer(index), evidence(index)

    def full(_path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(commits, "sync", full)
    with pytest.raises(WriteFailed, match=r"No space left on device.*as it was"):
        merge(index, KEEP_ALL)
    assert directory.pointer(index) == before and evidence(index) == wanted
    assert not list(index.glob(".writing-*"))
