"""A backup that somebody else made: what is not in its manifest is not written, and nothing fills the disk."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.backup import backup, restore
from passage_index import directory
from passage_index.errors import CorruptIndex
from passage_index.snapshot import open_snapshot


def generation_of(index: Path) -> Path:
    return index / directory.generation_name(directory.pointed(index) or 0)


def archive(index: Path, to: Path, change: Callable[[tarfile.TarFile], None]) -> Path:
    """A backup of an index with other members added behind it."""
    backup(index, to)
    with tarfile.open(to, "a") as opened:
        change(opened)
    return to


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.size = kind, link, size
    return found


def test_an_archive_writes_nothing_but_what_its_manifest_lists(own_index: Path, tmp_path: Path) -> None:
    inside = directory.generation_name(directory.pointed(own_index) or 0)

    def change(opened: tarfile.TarFile) -> None:
        for name in ("../escaped", "/tmp/escaped-by-an-archive", f"{inside}/../../escaped", f"{inside}/more"):
            opened.addfile(member(name, size=3), io.BytesIO(b"own"))
        opened.addfile(member(f"{inside}/deleted.npy", tarfile.SYMTYPE, "/etc/passwd"))
        opened.addfile(member(f"{inside}/watched.json", tarfile.LNKTYPE, "../escaped"))
        opened.addfile(member(f"{inside}/fifo", tarfile.FIFOTYPE))

    restored = tmp_path / "out" / "restored"
    restore(archive(own_index, tmp_path / "b.tar", change), restored)
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"restored"}
    assert not Path("/tmp/escaped-by-an-archive").exists()
    assert not any(path.is_symlink() or path.is_fifo() for path in restored.rglob("*"))
    open_snapshot(restored).close()


def test_an_archive_with_another_size_is_refused_before_it_fills_the_disk(
    own_index: Path, tmp_path: Path
) -> None:
    inside = directory.generation_name(directory.pointed(own_index) or 0)
    (listed,) = generation_of(own_index).glob("segments/*/passages.sqlite")
    name = f"{inside}/{listed.relative_to(generation_of(own_index)).as_posix()}"

    def change(opened: tarfile.TarFile) -> None:
        opened.addfile(member(name, size=10 << 20), io.BytesIO(bytes(10 << 20)))

    restored = tmp_path / "restored"
    restore(archive(own_index, tmp_path / "b.tar", change), restored)  # the first of that name counts
    open_snapshot(restored).close()


def test_a_backup_folder_with_a_device_is_refused(own_index: Path, tmp_path: Path) -> None:
    backup(own_index, tmp_path / "b")
    (file,) = (tmp_path / "b").glob("*/segments/*/vectors.bf16")
    file.unlink()
    file.symlink_to("/dev/zero")
    with pytest.raises(CorruptIndex, match="the manifest says"):
        restore(tmp_path / "b", tmp_path / "restored")
    assert not (tmp_path / "restored" / directory.CURRENT).exists()
