"""A sealed SQLite file, read by many threads: opened immutable, one query at a time on a connection.

Knows nothing of what the tables hold. file -> rows
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from passage_index.errors import MEND, CorruptIndex

_PROGRAMS = """SELECT type, name FROM sqlite_master
    WHERE type NOT IN ('table', 'index') OR sql LIKE 'CREATE VIRTUAL%'"""


class SealedDatabase:
    """Reads a file that nobody writes any more. Every call raises CorruptIndex where it cannot be read."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._uri = f"{file.resolve().as_uri()}?immutable=1&mode=ro"
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """An idle connection, or a new one: as many as ever read at once, however many threads came by."""
        with self._readable():
            connection = self._taken()
            try:
                yield connection
            finally:
                if self._closed:
                    connection.close()
                else:
                    self._idle.append(connection)

    def _taken(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:  # asking first would be a race between threads
            connection = sqlite3.connect(self._uri, uri=True, check_same_thread=False)
            try:
                connection.executescript("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;")
                self._refuse_what_runs(connection)
            except BaseException:
                connection.close()
                raise
            return connection

    def _refuse_what_runs(self, connection: sqlite3.Connection) -> None:
        """A view or a trigger is a program of whoever wrote the file; ours has tables and indexes only."""
        found = connection.execute(_PROGRAMS).fetchone()
        if found:
            kind, name = found
            raise CorruptIndex(f"{self._file} holds a {kind} {name!r}, which no index has; do not use it")

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise CorruptIndex(f"{self._file} cannot be read: {error}; {MEND}") from error

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        """All rows."""
        with self.connection() as connection:
            return connection.execute(sql, parameters).fetchall()

    def first(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        """The first row, or None."""
        return next(iter(self.query(sql, parameters)), None)

    def close(self) -> None:
        """Close what is idle now, and what is in use when its query ends."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
