"""Counts of a generation: what is deleted is in none of them."""

from pathlib import Path

from indexer.build import build
from indexer.growing import add, delete
from passage_index.snapshot import open_snapshot
from search_api.statistics import statistics
from tests.fakes import FakeEncoder
from tests.growing import NO_MERGE, record, written

OLD = record(1, "The oldest lighthouse fell. Nobody saw it.", "1901-02-03", source="Old Post")
NEW = record(2, "A goat crossed the bridge. It ate. It left.", "2023-11", source="New Post")
MONTH = record(3, "The council met in the mill.", "2020-05", source="New Post")
UNDATED = record(4, "A storm came. The ferry stayed.")


def test_deleted_articles_are_counted_nowhere(tmp_path: Path) -> None:
    index = tmp_path / "index"
    build([written(tmp_path / "a.jsonl", [OLD, MONTH])], index, FakeEncoder(), NO_MERGE)
    add([written(tmp_path / "b.jsonl", [NEW, UNDATED])], index, FakeEncoder(), NO_MERGE)
    for gone, sentences, dates in (
        ([], 8, ("1901-02-03", "2023-11-30")),
        (["a-1"], 6, ("2020-05-01", "2023-11-30")),
        (["a-2"], 3, ("2020-05-01", "2020-05-31")),
        (["a-3"], 2, (None, None)),
    ):
        if gone:
            delete(gone, index, NO_MERGE)
        snapshot = open_snapshot(index)
        told = statistics(snapshot)
        assert (told.sentences, told.dates.first, told.dates.last) == (sentences, *dates)
        assert told.dates.undated_passages == 1
        assert told.passages == sum(one.passages for one in told.years) == snapshot.manifest.passages
        snapshot.close()
