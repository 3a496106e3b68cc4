"""A backup is one whole generation, taken while others write; a restore shows nothing that is damaged."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from indexer import backup as backups
from indexer.backup import backup, restore
from indexer.build import BuildOptions, build
from indexer.growing import add, delete
from indexer.verify import verify
from passage_index import commits, directory
from passage_index.errors import CorruptIndex, InputError, NotFound
from tests.fakes import FakeEncoder
from tests.growing import KEEP_ALL, NO_MERGE, evidence, ids, record, written

ENCODER = FakeEncoder()


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Two generations: four articles, then one of them deleted."""
    records = [record(number, f"The storm broke bridge {number}.") for number in range(4)]
    build([written(tmp_path / "all.jsonl", records)], tmp_path / "index", ENCODER, KEEP_ALL)
    delete(["a-0"], tmp_path / "index", NO_MERGE)
    return tmp_path / "index"


@pytest.mark.parametrize("name", ["copy", "copy.tar"])
def test_restore_gives_back_what_was_backed_up(index: Path, tmp_path: Path, name: str) -> None:
    wanted = evidence(index)
    assert backup(index, tmp_path / name).manifest.generation == 2
    delete(["a-1", "a-2", "a-3"], index, KEEP_ALL)
    restored = restore(tmp_path / name, tmp_path / "back", cache=tmp_path / "cache")
    assert restored.manifest.generation == 2 and restored.manifest.build["command"] == "restore"
    assert evidence(tmp_path / "back") == wanted
    assert verify(tmp_path / "back", ENCODER, deep=True) == []
    more = written(tmp_path / "more.jsonl", [record(9, "A new bridge.")])
    assert add([more], tmp_path / "back", ENCODER).generation == 3
    assert ids(tmp_path / "back") == {"a-1", "a-2", "a-3", "a-9"}


def test_a_backup_folder_is_an_index_of_linked_files_but_for_its_manifest(
    index: Path, tmp_path: Path
) -> None:
    backup(index, tmp_path / "copy")
    files = [path for path in (tmp_path / "copy").rglob("*") if path.is_file()]
    assert {path.name for path in files if path.stat().st_nlink == 1} == {"CURRENT", "manifest.json"}
    assert verify(tmp_path / "copy", ENCODER) == [] and ids(tmp_path / "copy") == {"a-1", "a-2", "a-3"}


def test_a_backup_outlives_the_generation_it_was_taken_of(index: Path, tmp_path: Path) -> None:
    wanted = evidence(index)
    backup(index, tmp_path / "copy")
    for number in (1, 2, 3):
        delete([f"a-{number}"], index, BuildOptions(keep=1))
    assert directory.generations(index) == [5]
    assert evidence(tmp_path / "copy") == wanted and verify(tmp_path / "copy") == []


def test_a_generation_is_not_removed_while_it_is_backed_up(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, wanted = backups.link_or_copy, evidence(index)

    def interrupted(source: Path, target: Path) -> None:
        monkeypatch.setattr(backups, "link_or_copy", real)
        delete(["a-1"], index, BuildOptions(keep=1))
        delete(["a-2"], index, BuildOptions(keep=1))
        real(source, target)

    monkeypatch.setattr(backups, "link_or_copy", interrupted)
    assert backup(index, tmp_path / "copy").manifest.generation == 2
    assert evidence(tmp_path / "copy") == wanted and ids(index) == {"a-3"}


def test_a_backup_never_overwrites(index: Path, tmp_path: Path) -> None:
    for name in ("copy", "copy.tar"):
        backup(index, tmp_path / name)
        with pytest.raises(InputError, match="there already"):
            backup(index, tmp_path / name)


def test_a_damaged_index_is_not_backed_up(index: Path, tmp_path: Path) -> None:
    damaged = index / "gen-000002" / "deleted.npy"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\x07")
    with pytest.raises(CorruptIndex, match=r"deleted.npy"):
        backup(index, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_restore_over_an_index_needs_force_and_can_be_rolled_back(index: Path, tmp_path: Path) -> None:
    backup(index, tmp_path / "copy.tar")
    add([written(tmp_path / "more.jsonl", [record(9, "New.")])], index, ENCODER, NO_MERGE)
    with pytest.raises(InputError, match="--force"):
        restore(tmp_path / "copy.tar", index)
    next_no = directory.current(index).manifest.next_passage_no
    assert restore(tmp_path / "copy.tar", index, force=True).manifest.generation == 4
    assert ids(index) == {"a-1", "a-2", "a-3"} and verify(index) == []
    assert directory.current(index).manifest.next_passage_no == next_no
    with directory.writer_lock(index):
        assert commits.rollback(index).manifest.generation == 3
    assert ids(index) == {"a-1", "a-2", "a-3", "a-9"}


def rewrite(archive: Path, change: dict[str, bytes | None], prefix: str = "gen-000002/") -> None:
    """The archive with some members' bytes changed, or left out (None)."""
    with tarfile.open(archive) as old:
        members = [(member, old.extractfile(member).read()) for member in old]  # type: ignore[union-attr]
    with tarfile.open(archive, "w") as new:
        for member, raw in members:
            wanted = change.get(member.name.removeprefix(prefix), raw)
            if wanted is not None:
                member.size = len(wanted)
                new.addfile(member, io.BytesIO(wanted))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"segments/000001/vectors.bf16": b"\0" * 512}, "sha256 is not"),
        ({"segments/000001/vectors.bf16": b""}, "0 bytes, the manifest says 512"),
        ({"segments/000001/vectors.bf16": None}, "missing"),
        ({"manifest.json": b"{}"}, "no whole archive"),
        ({"CURRENT": b"gen-000002 " + b"0" * 64 + b"\n"}, "no whole archive"),
        ({"CURRENT": None}, "no whole archive"),
    ],
)
def test_a_damaged_backup_is_refused_and_leaves_nothing(
    index: Path, tmp_path: Path, change: dict[str, bytes | None], message: str
) -> None:
    backup(index, tmp_path / "copy.tar")
    rewrite(tmp_path / "copy.tar", change)
    with pytest.raises(CorruptIndex, match=message):
        restore(tmp_path / "copy.tar", tmp_path / "back")
    assert directory.generations(tmp_path / "back") == []
    with pytest.raises(CorruptIndex):
        restore(tmp_path / "copy.tar", index, force=True)
    assert directory.current(index).manifest.generation == 2 and not list(index.glob(".writing-*"))


def test_an_archive_cut_short_is_refused(index: Path, tmp_path: Path) -> None:
    backup(index, tmp_path / "copy.tar")
    raw = (tmp_path / "copy.tar").read_bytes()
    for share in (0.02, 0.3, 0.8):
        (tmp_path / "cut.tar").write_bytes(raw[: int(len(raw) * share)])
        with pytest.raises(CorruptIndex):
            restore(tmp_path / "cut.tar", tmp_path / "back")


def test_an_archive_cannot_write_outside_the_index(index: Path, tmp_path: Path) -> None:
    backup(index, tmp_path / "copy.tar")
    manifest = (index / "gen-000002" / "manifest.json").read_bytes()
    evil = manifest.replace(b'"deleted.npy"', b'"../../evil"')
    pointer = b"gen-000002 " + hashlib.sha256(evil).hexdigest().encode() + b"\n"
    rewrite(tmp_path / "copy.tar", {"manifest.json": evil, "CURRENT": pointer})
    with pytest.raises(CorruptIndex, match="outside its generation"):
        restore(tmp_path / "copy.tar", tmp_path / "back")
    assert not (tmp_path / "evil").exists()


def test_what_is_no_backup_is_said_to_be_none(index: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such backup"):
        restore(tmp_path / "absent.tar", tmp_path / "back")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound):
        restore(tmp_path / "empty", tmp_path / "back")
    with pytest.raises(NotFound):
        backup(tmp_path / "empty", tmp_path / "copy")
    assert not (tmp_path / "back").exists() and not (tmp_path / "copy").exists()
