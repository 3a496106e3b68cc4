"""What is purged is in no file of the index and in no journal; what is reembedded has only new vectors."""

from dataclasses import replace
from pathlib import Path

import pytest

from indexer.build import BuildOptions, build
from indexer.growing import add, delete
from indexer.purging import purge
from indexer.reembed import reembed
from indexer.verify import verify
from indexer.watch import step
from passage_index import directory
from passage_index.encoder import EncoderIdentity
from passage_index.errors import IndexLocked, InputError
from passage_index.journal import VectorsJournal, journal_file
from passage_index.snapshot import open_snapshot
from tests.fakes import FakeEncoder
from tests.growing import evidence, ids, record, written

ENCODER = FakeEncoder()
SECRET = record(1, "The zyzzyva was seen near Quuxhaven. Nobody believed it.")


@pytest.fixture
def options(tmp_path: Path) -> BuildOptions:
    return BuildOptions(cache=tmp_path / "cache", keep=10, merge=False)


@pytest.fixture
def index(tmp_path: Path, options: BuildOptions) -> Path:
    """The secret stands in three generations, in two versions, and is deleted in the fourth."""
    records = [SECRET, *(record(number, f"The storm broke bridge {number}.") for number in range(2, 12))]
    build([written(tmp_path / "all.jsonl", records)], tmp_path / "index", ENCODER, options)
    changed = {**SECRET, "text": SECRET["text"] + " The zyzzyva came back."}
    add([written(tmp_path / "changed.jsonl", [changed])], tmp_path / "index", ENCODER, options)
    return tmp_path / "index"


def holding(folder: Path, word: bytes) -> list[str]:
    """Files below a folder that hold a word as it is written or as it is indexed."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if word.lower() in path.read_bytes().lower()]


def journal_size(options: BuildOptions) -> int:
    assert options.cache is not None
    with VectorsJournal(journal_file(options.cache, ENCODER.identity), ENCODER.identity) as journal:
        return len(journal)


def test_purge_leaves_no_word_and_no_vector_of_an_article(index: Path, options: BuildOptions) -> None:
    assert set(holding(index, b"zyzzyva")) >= {"passages.sqlite"}
    assert journal_size(options) == 12
    purged = purge(["a-1", "nothing"], index, options)
    assert (purged.report.deleted, purged.journal_records, purged.unknown) == (1, 2, ["nothing"])
    assert holding(index.parent / "index", b"zyzzyva") == holding(index.parent / "cache", b"zyzzyva") == []
    assert journal_size(options) == 10
    assert directory.generations(index) == [4] and purged.removed_generations == [1, 2, 3]
    assert (
        ids(index) == {f"a-{number}" for number in range(2, 12)} and verify(index, ENCODER, deep=True) == []
    )
    for said in ("gone from", "removed: 1, 2, 3", "2 vectors", "never held text", "not from   backups"):
        assert said in str(purged)


def test_purge_reaches_what_only_an_older_generation_holds(index: Path, options: BuildOptions) -> None:
    delete(["a-1"], index, options)
    purged = purge(["a-1"], index, options)
    assert (purged.report.deleted, purged.journal_records, purged.unknown) == (0, 2, [])
    assert holding(index, b"zyzzyva") == [] and directory.generations(index) == [4]


def test_purge_of_unknown_ids_does_nothing(index: Path, options: BuildOptions) -> None:
    before = directory.pointer(index)
    assert purge(["nothing"], index, options).unknown == ["nothing"]
    assert directory.pointer(index) == before and journal_size(options) == 12


def test_purge_forgets_the_id_in_the_list_of_watched_files(tmp_path: Path, options: BuildOptions) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "zyzzyva.txt").write_text("It was seen.")
    (folder / "bridge.txt").write_text("It fell.")
    build([folder], tmp_path / "index", ENCODER, options)
    step(folder, tmp_path / "index", lambda: ENCODER, options, {}, settle_s=0.0)
    purge(["articles/zyzzyva.txt"], tmp_path / "index", options)
    (watched,) = (tmp_path / "index").rglob("watched.json")
    assert b"articles/zyzzyva.txt" not in watched.read_bytes()
    assert step(folder, tmp_path / "index", lambda: ENCODER, options, {}, settle_s=0.0) is None


def test_purge_needs_the_journal_to_itself(index: Path, options: BuildOptions) -> None:
    assert options.cache is not None
    with VectorsJournal(journal_file(options.cache, ENCODER.identity), ENCODER.identity), \
            pytest.raises(IndexLocked, match="vectors journal"):  # fmt: skip
        purge(["a-1"], index, options)
    assert ids(index) == {f"a-{number}" for number in range(1, 12)}
    assert purge(["a-1"], index, options).journal_records == 2


class Other(FakeEncoder):
    """Another model: the same bag of words, turned round."""

    identity = EncoderIdentity(name="other", weights_sha256="1" * 64, dim=64, max_tokens=256)

    def encode_passages(self, passages):  # type: ignore[no-untyped-def]
        return [replace(one, vector=one.vector[::-1]) for one in super().encode_passages(passages)]


class Short(Other):
    """One that reads fewer tokens."""

    identity = EncoderIdentity(name="short", weights_sha256="2" * 64, dim=64, max_tokens=12)


def test_reembed_keeps_texts_and_passages_and_makes_new_vectors(
    index: Path, tmp_path: Path, options: BuildOptions
) -> None:
    delete(["a-2"], index, options)
    report = reembed(index, Other(), tmp_path / "other", options)
    old, new = open_snapshot(index), open_snapshot(tmp_path / "other")
    assert report.articles == new.manifest.articles == old.manifest.articles == 10
    for article_id in ids(index):
        assert new.article(article_id) == old.article(article_id)
        assert new.article_passages(article_id) == old.article_passages(article_id)
    assert new.manifest.encoder.name == "other" and new.manifest.deleted == 0
    old.close()
    new.close()
    assert verify(tmp_path / "other", Other(), deep=True) == []
    assert [set(one) for one in evidence(tmp_path / "other")] == [set(one) for one in evidence(index)]


def test_reembed_splits_again_where_the_new_encoder_reads_less(
    index: Path, tmp_path: Path, options: BuildOptions
) -> None:
    reembed(index, Short(), tmp_path / "short", options)
    snapshot = open_snapshot(tmp_path / "short")
    assert snapshot.manifest.chunking["max_tokens"] == 12
    assert [stored.text for stored in snapshot.article_passages("a-1") or []] == [
        "The zyzzyva was seen near Quuxhaven.", "Nobody believed it. The zyzzyva came back."
    ]  # fmt: skip
    snapshot.close()
    assert verify(tmp_path / "short", Short(), deep=True) == []


def test_reembed_never_overwrites_an_index(index: Path, options: BuildOptions) -> None:
    with pytest.raises(InputError, match="holds an index already"):
        reembed(index, Other(), index, options)
