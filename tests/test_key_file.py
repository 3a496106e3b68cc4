"""Keys: made, listed, revoked; what stands in the file, and who may write it."""

import json
import os
import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from passage_index.errors import InputError, NotFound
from search_api import commands_keys, key_file
from search_api.__main__ import app
from search_api.key_file import KeyRing, create_key, last_used, read_keys, revoke_key

TODAY = date(2026, 2, 28)


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    """One day for a whole test."""
    for module in (key_file, commands_keys):
        monkeypatch.setattr(module, "_today", lambda: TODAY)


def now() -> str:
    return datetime.now(UTC).date().isoformat()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secrets" / "keys.json"


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["keys", *map(str, arguments)])


def test_a_key_is_good_until_it_is_revoked_without_a_new_start(file: Path) -> None:
    key, secret = create_key(file, "newsroom", "read")
    _, other = create_key(file, "press", "admin")
    ring = KeyRing(file)
    assert ring.holder(secret) == key and ring.holder(other).scope == "admin"
    revoke_key(file, "newsroom")
    assert ring.holder(secret) is None and ring.holder(other) is not None
    again, third = create_key(file, "newsroom", "read")
    assert ring.holder(third) == again and again.id != key.id


def test_nothing_but_the_key_itself_is_taken(file: Path) -> None:
    key, secret = create_key(file, "a", "read")
    ring = KeyRing(file)
    for wrong in (
        "",
        secret[:-1],
        secret + "x",
        key.sha256,
        f"as_{key.id}_",
        f"as_{key.id}_{key.sha256}",
        "é_é_é",
    ):
        assert ring.holder(wrong) is None, wrong


def test_the_file_holds_no_secret_and_is_its_owners_alone(file: Path) -> None:
    _, secret = create_key(file, "a", "read")
    text = file.read_text()
    assert secret not in text and secret.split("_")[2] not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(one.name for one in file.parent.iterdir()) == [".keys.json.lock", "keys.json"]


def test_a_key_expires_after_its_last_day(file: Path) -> None:
    key, _ = create_key(file, "a", "read", date(2030, 1, 2))
    assert key.is_good(date(2030, 1, 2)) and not key.is_good(date(2030, 1, 3))
    _, old = create_key(file, "b", "read", TODAY - timedelta(days=1))
    ring = KeyRing(file)
    assert ring.holder(old) is None


def test_the_last_use_is_known_to_the_day(file: Path) -> None:
    key, secret = create_key(file, "a", "read")
    assert last_used(file, key) is None
    before = now()
    KeyRing(file).holder(secret)
    assert last_used(file, key) in (before, now())


def test_a_file_that_others_can_write_is_not_trusted(file: Path) -> None:
    create_key(file, "a", "read")
    file.chmod(0o620)
    with pytest.raises(InputError, match="chmod 600"):
        read_keys(file)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": [1]}', '{"keys": [{"id": "a"}]}', "\x00"])
def test_a_damaged_file_lets_nobody_in(file: Path, text: str) -> None:
    _, secret = create_key(file, "a", "read")
    ring = KeyRing(file)
    file.write_text(text)
    with pytest.raises(InputError, match="damaged"):
        read_keys(file)
    assert ring.holder(secret) is None and "damaged" in ring.fault
    file.unlink()
    assert ring.holder(secret) is None and "cannot be read" in ring.fault


def test_names_are_not_given_twice_and_what_is_not_there_is_not_revoked(file: Path) -> None:
    create_key(file, "a", "read")
    with pytest.raises(InputError, match="named 'a' already"):
        create_key(file, "a", "admin")
    with pytest.raises(NotFound):
        revoke_key(file, "b")


def test_the_commands_make_list_and_revoke(file: Path) -> None:
    made = run("create", "news room", "--keys", file, "--scope", "admin", "--days", 30)
    assert made.exit_code == 0, made.output
    secret, before = made.stdout.strip(), now()
    key = KeyRing(file).holder(secret)
    assert (
        key is not None and key.scope == "admin" and key.expires == (TODAY + timedelta(days=30)).isoformat()
    )
    listed = run("list", "--keys", file)
    assert secret not in listed.output and key.sha256 not in listed.output
    assert listed.stdout.split()[:2] == [key.id, "admin"] and listed.stdout.rstrip().endswith("news room")
    (row,) = json.loads(run("list", "--keys", file, "--json").stdout)
    assert row["good"] is True and row["last_used"] in (before, now()) and "sha256" not in row
    revoked = json.loads(run("revoke", key.id, "--keys", file, "--json").stdout)
    assert revoked["id"] == key.id and revoked["good"] is False and revoked["revoked"] == TODAY.isoformat()
    assert "sha256" not in revoked
    assert "revoked" in run("list", "--keys", file).stdout
    assert KeyRing(file).holder(secret) is None


@pytest.mark.parametrize(
    "arguments", [("create", "a\nb"), ("create", "a", "--scope", "root"), ("revoke", "a"), ("list",)]
)
def test_what_cannot_be_done_is_said(file: Path, arguments: tuple[str, ...]) -> None:
    done = run(*arguments, "--keys", file)
    assert done.exit_code != 0 and isinstance(done.exception, InputError | NotFound)


def test_a_folder_that_cannot_be_written_is_an_error_not_a_trace(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        create_key(blocked / "keys.json", "a", "read")
    assert os.listdir(tmp_path) == ["file"]
