"""The index folder: harm to any file is seen before an answer is given; commits, locks, what is left over."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.build import BuildOptions, build
from passage_index import commits, directory
from passage_index.errors import CorruptIndex, FormatMismatch, IndexLocked, InputError, NotFound
from passage_index.integrity import damage
from passage_index.manifest import Manifest, parse_manifest
from passage_index.model_files import file_sha256
from passage_index.snapshot import open_snapshot
from tests.conftest import ARTICLES
from tests.fakes import FakeEncoder
from tests.growing import written


@pytest.fixture(scope="module")
def two_generations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small index that was built twice."""
    folder = tmp_path_factory.mktemp("directory")
    for number in (2, 3):
        build([written(folder / "articles.jsonl", ARTICLES[:number])], folder / "index", FakeEncoder())
    return folder / "index"


@pytest.fixture
def index(two_generations: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(two_generations, tmp_path / "index"))


def opens(index: Path) -> int:
    snapshot = open_snapshot(index)
    snapshot.close()
    return snapshot.generation


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


HARMS: dict[str, Callable[[bytes], bytes]] = {
    "one byte short": lambda content: content[:-1],
    "one byte long": lambda content: content + b"\0",
    "empty": lambda content: b"",
    "a bit flipped": flipped,
    "zeros": lambda content: bytes(len(content)),
    "another file's": lambda content: b"0" * len(content),
}


@pytest.mark.parametrize("harm", [*HARMS, "removed", "swapped"])
def test_harm_to_any_file_is_seen_and_the_file_is_named(index: Path, harm: str) -> None:
    current = directory.current(index)
    files = [current.folder / name for name in current.manifest.files]
    assert len(files) > 25 and {file.suffix for file in files} > {".sqlite", ".npy", ".bf16", ".idx", ".json"}
    for number, file in enumerate([*files, current.folder / "manifest.json"]):
        before = file.read_bytes()
        other = next(one for one in [*files[number + 1 :], *files] if one.read_bytes() != before)
        spoilt = other.read_bytes() if harm == "swapped" else HARMS.get(harm, lambda _: b"")(before)
        if spoilt == before:
            continue
        file.unlink()
        if harm != "removed":
            file.write_bytes(spoilt)
        with pytest.raises(CorruptIndex) as raised:
            opens(index)
        assert str(file) in str(raised.value) and "indexer rollback" in str(raised.value)
        file.write_bytes(before)
    assert opens(index) == 2


@pytest.mark.parametrize("harm", [*HARMS, "removed"])
def test_harm_to_current_is_seen(index: Path, harm: str) -> None:
    file = index / "CURRENT"
    before = file.read_bytes()
    file.unlink()
    if harm != "removed":
        file.write_bytes(HARMS[harm](before))
    with pytest.raises(CorruptIndex, match="indexer rollback"):
        opens(index)


def test_every_byte_of_current_counts(index: Path) -> None:
    file = index / "CURRENT"
    before = file.read_bytes()
    for place in range(len(before)):
        harmed = bytearray(before)
        harmed[place] ^= 1 << place % 8
        file.write_bytes(harmed)
        with pytest.raises(CorruptIndex):
            directory.current(index)


def test_a_file_that_is_not_listed_is_reported(index: Path) -> None:
    stray = directory.current(index).folder / "segments" / "notes.txt"
    stray.write_text("mine")
    with pytest.raises(CorruptIndex, match=r"notes\.txt: not listed in the manifest"):
        opens(index)


def test_no_index_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    for nothing in (tmp_path / "nowhere", tmp_path, written(tmp_path / "file", [])):
        with pytest.raises(NotFound, match="indexer build"):
            opens(nothing)


def test_stamps_spare_a_second_reading_and_hide_no_changed_file(index: Path, tmp_path: Path) -> None:
    stamps = tmp_path / "cache" / "stamps.json"
    assert damage(directory.current(index), stamps) == [] and stamps.exists()
    file = directory.current(index).folder / "segments" / "000002" / "vectors.bf16"
    status = file.stat()
    file.write_bytes(flipped(file.read_bytes()))
    assert damage(directory.current(index), stamps) == [f"{file}: its sha256 is not the manifest's"]
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))  # what only a full reading can tell
    assert damage(directory.current(index), stamps) == [] != damage(directory.current(index))
    stamps.write_text("[not a map")
    assert damage(directory.current(index), stamps) == [f"{file}: its sha256 is not the manifest's"]


def rewrite(index: Path, change: Callable[[dict[str, object]], object]) -> None:
    """Change the manifest and make CURRENT agree with it."""
    file = directory.current(index).folder / "manifest.json"
    data = json.loads(file.read_bytes())
    change(data)
    file.write_text(json.dumps(data))
    (index / "CURRENT").write_text(f"{file.parent.name} {file_sha256(file)}\n")


def test_another_format_or_analyzer_is_refused_with_what_mends_it(index: Path) -> None:
    rewrite(index, lambda data: data.update(analyzer={"name": "words-0"}))
    with pytest.raises(FormatMismatch, match=r"words-0.*indexer merge"):
        opens(index)
    rewrite(index, lambda data: data.update(format_version=99))
    with pytest.raises(FormatMismatch, match=r"index format 99, this version reads 1 and 2.*indexer build"):
        opens(index)


def test_a_manifest_comes_back_as_it_was(two_generations: Path) -> None:
    manifest = directory.current(two_generations).manifest
    assert parse_manifest(manifest.to_bytes(), "here") == manifest
    assert manifest.to_bytes() == replace(manifest).to_bytes()
    assert (manifest.articles, manifest.parent) == (3, 1)


@given(st.data())
@settings(deadline=None)
def test_a_harmed_manifest_is_an_error_of_ours_or_a_manifest(
    two_generations: Path, data: st.DataObject
) -> None:
    raw = bytearray(directory.current(two_generations).manifest.to_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    for content in (bytes(raw), json.dumps(data.draw(st.integers() | st.lists(st.none()))).encode()):
        try:
            assert isinstance(parse_manifest(content, "here"), Manifest)
        except (CorruptIndex, FormatMismatch) as error:
            assert "here" in str(error)


def test_a_writer_that_fails_leaves_the_index_as_it_was(index: Path) -> None:
    before = sorted(path.name for path in index.iterdir())
    with pytest.raises(ZeroDivisionError), commits.new_generation(index) as folder:
        (folder / "half").write_text("written")
        raise ZeroDivisionError
    assert sorted(path.name for path in index.iterdir()) == before and opens(index) == 2


def test_what_a_dead_writer_left_is_cleared_away(index: Path, tmp_path: Path) -> None:
    for name in (".writing-abc", ".removing-gen-000001"):
        (index / name / "segments").mkdir(parents=True)
    (index / "CURRENT.new").write_text("gen-0000")
    assert opens(index) == 2
    build([written(tmp_path / "a.jsonl", ARTICLES[:1])], index, FakeEncoder(), BuildOptions(keep=1))
    assert sorted(path.name for path in index.iterdir()) == ["CURRENT", "gen-000003", "writer.lock"]


def test_rollback_goes_back_to_the_newest_whole_generation(index: Path) -> None:
    assert commits.rollback(index).manifest.generation == opens(index) == 1
    with pytest.raises(NotFound, match="older than 1"):
        commits.rollback(index)
    assert commits.rollback(index, 2).manifest.generation == opens(index) == 2
    (index / "gen-000001" / "lexical" / "passages" / "meta.json").write_text("{}")
    with pytest.raises(CorruptIndex, match="generation 1 is damaged"):
        commits.rollback(index, 1)
    with pytest.raises(NotFound, match=r"no generation 7 in .*kept are: 1, 2"):
        commits.rollback(index, 7)
    assert opens(index) == 2


@pytest.fixture
def holder(index: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the writer's lock."""
    script = (
        "import sys, pathlib; from passage_index.directory import writer_lock\n"
        f"with writer_lock(pathlib.Path({str(index)!r})): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_writer_is_refused_at_once_and_told_who_writes(
    index: Path, holder: "subprocess.Popen[str]"
) -> None:
    begun = time.monotonic()
    with pytest.raises(IndexLocked, match=f"process {holder.pid};"), directory.writer_lock(index):
        pass
    assert time.monotonic() - begun < 10 and opens(index) == 2
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with directory.writer_lock(index):
        assert (index / "writer.lock").read_text() == f"{os.getpid()}\n"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = written(tmp_path / "file", [])
    with pytest.raises(InputError, match=r"file.* cannot be written"), directory.writer_lock(file):
        pass
