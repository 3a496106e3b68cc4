"""An index that somebody else wrote: refused before it is parsed, or parsed without harm.

Two kinds of forgery. Where the manifest does not vouch for a file no parser sees it. Where whoever forged
it also made all hashes agree, it ends in an error of ours: no code is run, no file outside is opened.
"""

import hashlib
import io
import json
import os
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from passage_index import directory
from passage_index.errors import CorruptIndex, FormatMismatch, SearchEngineError
from passage_index.integrity import whole_file
from passage_index.manifest import parse_manifest
from passage_index.snapshot import open_snapshot

Forge = Callable[[Path], None]  # changes a generation's folder
Says = Callable[[dict[str, Any]], None]  # changes what its manifest says


@pytest.fixture
def forged(own_index: Path) -> Path:
    return own_index


def generation(index: Path) -> Path:
    return index / directory.generation_name(directory.pointed(index) or 0)


def signed(index: Path, say: Says = lambda _said: None) -> None:
    """Make sizes and hashes agree with what is there, and CURRENT with the manifest, as a forger would."""
    folder = generation(index)
    said = json.loads((folder / directory.MANIFEST).read_text())
    said["files"] = {
        file.relative_to(folder).as_posix(): {
            "size": file.stat().st_size,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        }
        for file in directory.files_below(folder)
        if file.name != directory.MANIFEST
    }
    say(said)
    vouched(index, json.dumps(said).encode())


def vouched(index: Path, manifest: bytes) -> None:
    """Put a manifest in place, and its hash into CURRENT."""
    folder = generation(index)
    (folder / directory.MANIFEST).write_bytes(manifest)
    (index / directory.CURRENT).write_text(f"{folder.name} {hashlib.sha256(manifest).hexdigest()}\n")


def refused(index: Path) -> str:
    """What is said of an index that cannot be opened."""
    with pytest.raises((CorruptIndex, FormatMismatch)) as caught:
        open_snapshot(index).close()
    return str(caught.value)


def test_a_forgery_that_agrees_with_itself_opens(forged: Path) -> None:
    signed(forged)  # else all that follows would prove nothing
    open_snapshot(forged).close()


# -- not vouched for ---------------------------------------------------------------------------


def test_no_parser_sees_a_file_that_the_manifest_does_not_vouch_for(
    forged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parsed(*_: Any, **__: Any) -> Any:
        raise AssertionError("a parser was asked")

    for module, name in (
        ("sqlite3", "connect"), ("numpy", "load"), ("numpy", "memmap"), ("tantivy.Index", "open"),
        ("faiss", "read_index"),
    ):  # fmt: skip
        monkeypatch.setattr(f"{module}.{name}", parsed)
    folder = generation(forged)
    for file in directory.files_below(folder):
        if file.name == directory.MANIFEST:
            continue
        sound = file.read_bytes()
        for spoilt in (b"\0" + sound[1:] if sound else b"\0", sound + b"\0", b""):
            if spoilt != sound:
                file.write_bytes(spoilt)
                assert file.name in refused(forged)
        file.write_bytes(sound)


def test_a_file_beside_those_of_the_manifest_is_refused(forged: Path) -> None:
    (generation(forged) / "segments" / "extra.so").write_bytes(b"\x7fELF")
    assert "not listed in the manifest" in refused(forged)


@pytest.mark.parametrize("kind", ["link", "device", "fifo", "folder"])
def test_what_is_no_regular_file_is_not_opened(forged: Path, tmp_path: Path, kind: str) -> None:
    folder = generation(forged)
    (file,) = folder.glob("segments/*/passages.sqlite")
    away = tmp_path / "away.sqlite"
    shutil.move(file, away)
    if kind == "link":
        file.symlink_to(away)  # the very bytes that the manifest states, but elsewhere
    elif kind == "device":
        file.symlink_to("/dev/zero")
    elif kind == "fifo":
        os.mkfifo(file)
    else:
        shutil.move(away, file)
        shutil.move(file.parent, tmp_path / "segment")
        file.parent.symlink_to(tmp_path / "segment")
    assert "no regular file but a link, a FIFO or a device" in refused(forged)
    with pytest.raises(CorruptIndex):
        whole_file(directory.current(forged), file.relative_to(folder).as_posix())


@pytest.mark.parametrize("name", [directory.CURRENT, directory.MANIFEST])
@pytest.mark.parametrize("kind", ["fifo", "device", "large"])
def test_pointer_and_manifest_are_short_regular_files(forged: Path, name: str, kind: str) -> None:
    file = forged / name if name == directory.CURRENT else generation(forged) / name
    file.unlink()
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "device":
        file.symlink_to("/dev/zero")
    else:
        with file.open("wb") as out:
            out.truncate(1 << 34)  # sparse: nobody may read that
    assert "cannot be read" in refused(forged)


# -- vouched for by the forger -----------------------------------------------------------------


def one_file(said: dict[str, Any], name: str) -> None:
    said["files"] = {name: {"size": 3, "sha256": "0" * 64}}


def of_segment(key: str, value: object) -> Says:
    return lambda said: said["segments"][0].update({key: value})


SAYINGS: dict[str, Says] = {
    "a path upwards": lambda said: one_file(said, "../../secret"),
    "a whole path": lambda said: one_file(said, "/etc/passwd"),
    "a path through a dot": lambda said: one_file(said, "segments/./x"),
    "a NUL in a path": lambda said: one_file(said, "a\0b"),
    "a path of another system": lambda said: one_file(said, "..\\x"),
    "no path": lambda said: one_file(said, ""),
    "a segment elsewhere": of_segment("name", "../../../elsewhere"),
    "a segment that is a whole path": of_segment("name", "/tmp/elsewhere"),
    "a segment that is not there": of_segment("name", "999999"),
    "a segment without a name": of_segment("name", 7),
    "more passages than there are": of_segment("passages", 10**15),
    "fewer passages than none": of_segment("passages", -1),
    "passages that are a text": of_segment("passages", "many"),
    "passages that are no whole number": of_segment("passages", 1e300),
    "a step that is not there": of_segment("dense", {"name": "evil", "refused": []}),
    "a step that lies": of_segment("dense", {"name": "pq", "refused": []}),
    "vectors of no dimension": lambda said: said["encoder"].update(dim=-5),
    "vectors of a billion dimensions": lambda said: said["encoder"].update(dim=10**9),
    "segments that are no list": lambda said: said.update(segments={"a": 1}),
    "files that are a list": lambda said: said.update(files=["a"]),
    "a size that lies": lambda said: next(iter(said["files"].values())).update(size=10**18),
    "a size below zero": lambda said: next(iter(said["files"].values())).update(size=-1),
    "an encoder that is a list": lambda said: said.update(encoder=[]),
    "an analyzer that is a text": lambda said: said.update(analyzer="x"),
    "a format of the future": lambda said: said.update(format_version=99),
    "something unknown": lambda said: said.update(run="rm -rf"),
}


@pytest.mark.parametrize("what", SAYINGS)
def test_a_manifest_that_lies_is_refused(forged: Path, what: str) -> None:
    signed(forged, SAYINGS[what])
    refused(forged)


@pytest.mark.parametrize(
    "manifest",
    [b"[" * 1_000_000, b'{"a":' * 300_000, b"{}", b"null", b"\xff\xfe", b'{"format_version":2}', b"9" * 9999],
    ids=["deep list", "deep object", "empty", "null", "no text", "bare", "digits"],
)
def test_a_manifest_that_is_a_bomb_is_refused(forged: Path, manifest: bytes) -> None:
    vouched(forged, manifest)
    refused(forged)


def array(name: str, content: bytes | Callable[[], bytes]) -> Forge:
    def write(folder: Path) -> None:
        (file,) = folder.glob(f"segments/*/columns/{name}.npy")
        file.write_bytes(content() if callable(content) else content)

    return write


def npy(value: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, value, **options)
    return out.getvalue()


def header(text: str, body: bytes = b"") -> bytes:
    """A .npy file of version 2 with any header."""
    return b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little") + text.encode() + body


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("passage_no.npy", npy(np.zeros(3)))
    return out.getvalue()


class Runs:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return (os.mkdir, (self.folder,))


def database(*statements: str) -> Forge:
    def write(folder: Path) -> None:
        (file,) = folder.glob("segments/*/passages.sqlite")
        with sqlite3.connect(file) as changed:
            changed.executescript("; ".join(statements))
        changed.close()

    return write


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i FROM n"
FORGERIES: dict[str, Forge] = {
    "a shape of a billion billion": array(
        "first_day", header("{'descr': '<i4', 'fortran_order': False, 'shape': (1000000000000000000,)}")
    ),
    "a shape below zero": array(
        "first_day", header("{'descr': '<i4', 'fortran_order': False, 'shape': (-5,)}")
    ),
    "a header of a million brackets": array("first_day", header("[" * 1_000_000)),
    "a header that is a program": array("first_day", header("__import__('os').abort()")),
    "an array of another kind": array("first_day", npy(np.zeros(3))),
    "an array of more dimensions": array("first_day", npy(np.zeros((3, 3), dtype=np.int32))),
    "a signature that is too short": array("signature", npy(np.zeros((3, 2), dtype=np.uint16))),
    "an archive for an array": array("passage_no", zipped),
    "no array": array("id", b"nothing"),
    "an empty file": array("id", b""),
    "sentences that begin nowhere": array("sentence_start", npy(np.array([-9, 1 << 60]))),
    "fewer vectors": lambda folder: next(folder.glob("segments/*/vectors.bf16")).write_bytes(b"\0\0"),
    "no vectors": lambda folder: next(folder.glob("segments/*/vectors.bf16")).unlink(),
    "names that are deep": lambda folder: next(folder.glob("segments/*/columns/names.json")).write_bytes(
        b"[" * 500_000
    ),
    "names that are no text": lambda folder: next(folder.glob("segments/*/columns/names.json")).write_bytes(
        b"\xff"
    ),
    "tombstones that are objects": lambda folder: (folder / directory.DELETED).write_bytes(
        npy(np.array([{}]), allow_pickle=True)
    ),
    "tombstones without end": lambda folder: (folder / directory.DELETED).write_bytes(
        header("{'descr': '<u8', 'fortran_order': False, 'shape': (1000000000000,)}")
    ),
    "a view instead of a table": database("DROP TABLE passages", f"CREATE VIEW passages AS {ENDLESS}"),
    "a trigger": database(
        "CREATE TRIGGER t AFTER INSERT ON articles BEGIN DELETE FROM articles; END"
    ),
    "a virtual table": database("CREATE VIRTUAL TABLE v USING fts5(a)"),
    "a file that is no database": lambda folder: next(
        folder.glob("segments/*/passages.sqlite")
    ).write_bytes(b"SQLite format 3\0" + b"\xff" * 5000),
    "a vocabulary that is a view": lambda folder: _viewed(folder),
    "word index without its list": lambda folder: (folder / "lexical/passages/meta.json").write_bytes(b"{}"),
    "word index with a list that is deep": lambda folder: (
        folder / "lexical/passages/meta.json"
    ).write_bytes(b"[" * 500_000),
    "word index that counts beyond all bounds": lambda folder: _counted(folder),
}  # fmt: skip


def _viewed(folder: Path) -> None:
    (file,) = folder.glob("segments/*/vocabulary.sqlite")
    with sqlite3.connect(file) as changed:
        changed.executescript(f"DROP TABLE words; CREATE VIEW words AS {ENDLESS}")
    changed.close()


def _counted(folder: Path) -> None:
    file = folder / "lexical/passages/meta.json"
    said = json.loads(file.read_text())
    said["segments"][0]["max_doc"] = "many"
    file.write_text(json.dumps(said))


@pytest.mark.parametrize("what", FORGERIES)
def test_a_part_that_is_forged_and_vouched_for_is_refused(forged: Path, what: str) -> None:
    FORGERIES[what](generation(forged))
    signed(forged)
    refused(forged)


@pytest.mark.parametrize("name", ["passage_no", "id", "signature", "sentence_start"])
def test_nothing_is_unpickled(forged: Path, tmp_path: Path, name: str) -> None:
    proof = tmp_path / "run"
    evil = npy(np.array([Runs(str(proof))], dtype=object), allow_pickle=True)
    for content in (evil, f"cos\nmkdir\n(S'{proof}'\ntR.".encode()):
        array(name, content)(generation(forged))
        signed(forged)
        refused(forged)
    assert not proof.exists()
    with pytest.raises(ValueError, match="Object arrays cannot be loaded"):
        np.load(io.BytesIO(evil), allow_pickle=False)
    np.load(io.BytesIO(evil), allow_pickle=True)  # it would have run
    assert proof.exists()


def test_any_manifest_is_read_or_refused() -> None:
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
        max_leaves=12,
    )
    keys = ("encoder", "segments", "files", "generation", "chunking", "analyzer")

    @settings(suppress_health_check=[HealthCheck.too_slow])
    @given(st.fixed_dictionaries({"format_version": st.just(2)} | dict.fromkeys(keys, values)))
    def holds(said: dict[str, Any]) -> None:
        with pytest.raises(SearchEngineError):
            parse_manifest(json.dumps(said).encode(), "manifest.json")

    holds()
