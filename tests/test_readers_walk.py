"""Files and folders: which are read, in which order, by which id, and which are refused."""

import os
import re
import socket
from pathlib import Path

import pytest
from reading import BODY, ROW, ids, jsonl, read, written

from indexer.articles import Record, Rejected, Skipped, read_articles
from passage_index.errors import DuplicateArticle, InputError


def test_folder_is_walked_in_order_and_names_the_articles(tmp_path: Path) -> None:
    root = tmp_path / "seeds"
    for name in (
        "b.txt",
        "a/z.md",
        "a/deep/er/y.txt",
        "a.txt",
        ".hidden.txt",
        ".git/x.txt",
        "README.md",
        "n.png",
    ):
        written(root / name, f"{BODY} In {name}.")
    written(root / "rows.jsonl", jsonl({"text": BODY}, {"text": BODY}))
    expected = ["a/deep/er/y.txt", "a/z.md", "a.txt", "b.txt", "rows.jsonl#1", "rows.jsonl#2"]
    found = read(root)
    assert ids(found) == [f"seeds/{name}" for name in expected]
    assert [one for one in found if not isinstance(one, Record)] == [
        Skipped(str(root / "n.png"), "not a format that is read here")
    ]
    assert found[0].path == str(root / "a/deep/er/y.txt")


def test_folder_by_a_relative_path_has_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "seeds/sub/a.txt", BODY)
    monkeypatch.chdir(tmp_path / "seeds" / "sub")
    assert ids(read(Path("."))) == ["sub/a.txt"]
    assert ids(read(Path(".."))) == ["seeds/sub/a.txt"]
    assert ids(read(Path("a.txt"))) == ["a.txt"]


def test_skipped_files_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    written(tmp_path / "a.txt", BODY)
    written(tmp_path / "b.docx", BODY)
    with caplog.at_level("INFO"):
        read(tmp_path)
    assert [record.getMessage() for record in caplog.records] == [
        f"skipped {tmp_path / 'b.docx'}: not a format that is read here"
    ]


def test_paths_that_cannot_be_read_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    written(tmp_path / "README.md", BODY)
    written(tmp_path / "a.docx", BODY)
    os.mkfifo(tmp_path / "p.txt")
    for path, message in (
        ("absent", "no such file or folder"),
        ("a.docx", "not a format that is read here; expected one of .atom, .csv, .htm,"),
        ("empty", "no file in this folder can be read; expected one of .atom, .csv, .htm,"),
        (".", "no file in this folder can be read"),
        ("p.txt", "neither a regular file nor a folder"),
    ):
        with pytest.raises(InputError, match=message):
            read_articles([tmp_path / path])
    with pytest.raises(InputError, match="no PATH given"):
        read_articles([])
    assert ids(read(tmp_path / "README.md")) == ["README.md"]


def test_links_fifos_and_sockets_are_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "in"
    written(tmp_path / "secret.txt", BODY)
    written(root / "b/a.txt", BODY)
    (root / "out.txt").symlink_to(tmp_path / "secret.txt")
    (root / "up").symlink_to(tmp_path)
    (root / "loop").symlink_to(root)
    (root / "lost.txt").symlink_to(root / "nowhere")
    (root / "z.txt").symlink_to(root / "b/a.txt")
    os.mkfifo(root / "fifo.txt")
    monkeypatch.chdir(root)  # a socket's name may have 107 characters
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s.txt")
        found = read(root)
    out = "a link that leads out of the folder given; not followed"
    kind = "not a regular file but a FIFO, a socket or a device; not opened"
    again = "read already, by another PATH or name"
    assert [(Path(one.path).name, getattr(one, "reason", "")) for one in found] == [
        ("a.txt", ""),
        ("fifo.txt", kind),
        ("loop", again),
        ("lost.txt", "a link to nothing"),
        ("out.txt", out),
        ("s.txt", kind),
        ("up", out),
        ("z.txt", again),
    ]


def test_file_named_twice_is_read_once(tmp_path: Path) -> None:
    path = written(tmp_path / "a.txt", BODY)
    assert [type(one) for one in read(tmp_path, path, tmp_path)] == [Record, Skipped, Skipped]


def test_names_that_are_not_utf8_are_refused_and_printable(tmp_path: Path) -> None:
    for name in (b"a\n.txt", b"b\xff.txt"):
        written(tmp_path / "in" / os.fsdecode(name), BODY)
    assert read(tmp_path / "in") == [
        Rejected(f"{tmp_path}/in/a\\n.txt", None, "the id holds a control character"),
        Rejected(
            f"{tmp_path}/in/b\\udcff.txt", None, "a lone surrogate, half of a character, stands in the record"
        ),
    ]


def test_same_id_in_two_files_names_both(tmp_path: Path) -> None:
    one = written(tmp_path / "one.jsonl", jsonl({"_id": "x", "text": BODY}, ROW))
    two = written(tmp_path / "two.csv", "id,text\ny,words\nx,words\n")
    with pytest.raises(DuplicateArticle, match=re.escape(f"'x' stands in two files: {one} and {two}")):
        read(one, two)
    for name in ("p/news", "q/news"):
        written(tmp_path / name / "a.txt", BODY)
    with pytest.raises(DuplicateArticle, match=r"'news/a\.txt'"):
        read(tmp_path / "p/news", tmp_path / "q/news")
