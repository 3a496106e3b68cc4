"""The keys file: who may read and who may write, by hashes that give no key away.

    {"keys": [{"id", "name", "scope", "sha256", "created", "expires", "revoked"}]}

A key is `as_ID_SECRET`: the id finds the entry, and 256 random bits make the SHA-256 of the whole enough.
The file is replaced as a whole, belongs to its owner alone, and lies outside the index. When a key was last
used is the time of an empty file beside it, so that serving never writes the keys themselves.
Knows no request. file <-> Key
"""

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal, get_args

from passage_index.commits import sync
from passage_index.errors import InputError, NotFound

KeyScope = Literal["read", "admin"]  # admin: also what read may

PREFIX = "as"
OTHERS_WRITE = 0o022
USED_EVERY_S = 3600.0  # how exactly the last use is known


@dataclass(frozen=True, slots=True)
class Key:
    """One key without its secret. Days are ISO 8601, in UTC."""

    id: str
    name: str
    scope: KeyScope
    sha256: str  # of the whole key, in hex digits
    created: str
    expires: str | None = None  # the last day on which it is good
    revoked: str | None = None

    def is_good(self, day: date) -> bool:
        """Whether it may be used on a day."""
        return self.revoked is None and (self.expires is None or day.isoformat() <= self.expires)


def read_keys(file: Path) -> tuple[Key, ...]:
    """All keys of a file, revoked ones among them. Raises InputError where it cannot be read or trusted."""
    try:
        with file.open(encoding="utf-8") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            rows = json.load(opened)["keys"]
        keys = tuple(Key(**row) for row in rows)
        valid = all(key.scope in get_args(KeyScope) and isinstance(key.sha256, str) for key in keys)
    except OSError as error:
        told = f"the keys file {file} cannot be read: {error.strerror}; `search-api keys create` makes one"
        raise InputError(told) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"the keys file {file} is damaged; restore it, or make new keys") from error
    if not valid:
        raise InputError(f"the keys file {file} is damaged; restore it, or make new keys")
    if mode & OTHERS_WRITE:
        raise InputError(f"the keys file {file} can be written by others; run `chmod 600 {file}`")
    return keys


def create_key(file: Path, name: str, scope: KeyScope, expires: date | None = None) -> tuple[Key, str]:
    """A new key and its secret, which is kept nowhere. Raises InputError."""
    key_id = secrets.token_hex(4)
    secret = f"{PREFIX}_{key_id}_{secrets.token_urlsafe(32)}"
    last_day = expires.isoformat() if expires else None
    key = Key(key_id, name, scope, _digest(secret), _today().isoformat(), last_day)
    with _locked(file):
        keys = read_keys(file) if file.exists() else ()
        if any(one.name == name and one.is_good(_today()) for one in keys):
            raise InputError(f"there is a key named {name!r} already; revoke it, or take another name")
        _write(file, (*keys, key))
    return key, secret


def revoke_key(file: Path, wanted: str) -> Key:
    """Revoke the key of that id or name. Raises NotFound where no good key has it."""
    with _locked(file):
        keys = read_keys(file)
        found = [one for one in keys if wanted in (one.id, one.name) and one.revoked is None]
        if not found:
            raise NotFound(f"no key has the id or name {wanted!r}; `search-api keys list` tells them")
        gone = replace(found[0], revoked=_today().isoformat())
        _write(file, [gone if one is found[0] else one for one in keys])
    return gone


def last_used(file: Path, key: Key) -> str | None:
    """The day on which a key was last used, to about an hour; None where it never was."""
    with suppress(OSError):
        used = datetime.fromtimestamp(_used_file(file, key).stat().st_mtime, UTC)
        return used.date().isoformat()
    return None


class KeyRing:
    """The keys of a file as they are now: read again whenever it is replaced."""

    def __init__(self, file: Path) -> None:
        """Raises InputError where it cannot be read or trusted now."""
        self._file, self._fault = file, ""
        self._keys: dict[str, Key] = {key.id: key for key in read_keys(file)}
        self._seen = _stamp(file)
        self._used_s: dict[str, float] = {}

    @property
    def fault(self) -> str:
        """Why there is no key to be had from the file, if so."""
        self._follow()
        return self._fault

    def holder(self, secret: str) -> Key | None:
        """The good key that this is, or None. Takes as long whatever was given."""
        self._follow()
        key = self._keys.get(secret.split("_", 2)[1] if secret.count("_") >= 2 else "")
        is_it = hmac.compare_digest(key.sha256 if key else "0" * 64, _digest(secret))
        if key is None or not is_it or not key.is_good(_today()):
            return None
        self._note(key)
        return key

    def has(self, scope: KeyScope | None = None) -> bool:
        """Whether a good key has that scope, or any."""
        self._follow()
        return any(one.is_good(_today()) and scope in (None, one.scope) for one in self._keys.values())

    def _follow(self) -> None:
        stamp = _stamp(self._file)
        if stamp == self._seen:
            return
        try:
            self._keys = {key.id: key for key in read_keys(self._file)}
            self._fault = ""
        except InputError as error:
            self._keys, self._fault = {}, str(error)
        self._seen = stamp

    def _note(self, key: Key) -> None:
        now_s = time.time()
        if now_s - self._used_s.get(key.id, 0.0) < USED_EVERY_S:
            return
        self._used_s[key.id] = now_s
        with suppress(OSError):  # a folder that cannot be written costs the date alone
            used = _used_file(self._file, key)
            used.parent.mkdir(mode=0o700, exist_ok=True)
            used.touch(mode=0o600)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _today() -> date:
    return datetime.now(UTC).date()


def _stamp(file: Path) -> tuple[int, int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode


def _used_file(file: Path, key: Key) -> Path:
    return file.with_name(f"{file.name}.used") / key.id


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """One who changes the file at a time."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file.with_name(f".{file.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise InputError(f"the keys file {file} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(file: Path, keys: Sequence[Key]) -> None:
    scratch = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    text = json.dumps({"keys": [asdict(key) for key in keys]}, indent=1) + "\n"
    try:
        with open(
            os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8"
        ) as opened:
            opened.write(text)
        sync(scratch)
        scratch.replace(file)
        sync(file.parent)
    except OSError as error:
        raise InputError(f"the keys file {file} cannot be written: {error.strerror}") from error
    finally:
        scratch.unlink(missing_ok=True)
