"""Encodes while articles are still read: what is staged goes to the vectors journal, a window at a time.

Stands between take_in and the staging file. When everything was read, nearly all vectors are in the
journal, and write.py takes them from there in row order. Without a cache, where the journal costs more
than it saves, or while another process appends to it, nothing is done ahead: it would be encoded twice.
staged articles -> the journal
"""

import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from indexer.staging import Staging
from indexer.write import WINDOW_PASSAGES, WORTH_READING, Encoding, Run, Split, stored_vectors
from passage_index.journal import VectorsJournal, journal_file
from passage_index.types import Article, Passage

WAITING = 2  # windows that may wait for the encoder; reading is faster


class Ahead:
    """A staging that encodes what is put into it."""

    def __init__(self, staging: Staging, encoding: Encoding, run: Run) -> None:
        self._staging, self._encoding, self._run = staging, encoding, run
        self._window: list[Split] = []
        self._size = self._staged = 0
        self._pending: deque[Future[None]] = deque()
        self._resources = ExitStack()
        self._journal: VectorsJournal | None = None
        self._is_taken = False  # by another process, that appends
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="encoder")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._drain()  # else the last window would be waited for as if while reading
                self._submit()
                self._drain()
        finally:
            self._thread.shutdown(wait=True, cancel_futures=True)
            self._resources.close()

    def add(self, article: Article, passages: Sequence[Passage]) -> None:
        """Stage an article, and encode it with others as soon as a window is full."""
        self._staging.add(article, passages)
        self._window.append((article, list(passages)))
        self._size += len(passages)
        self._staged += len(passages)
        if self._size >= WINDOW_PASSAGES:
            self._submit()

    def repeated_texts(self) -> int:
        """See Staging."""
        return self._staging.repeated_texts()

    def _submit(self) -> None:
        window, self._window, self._size = self._window, [], 0
        if window and self._is_open():
            while len(self._pending) >= WAITING:
                self._wait_while_reading()
            self._pending.append(self._thread.submit(self._encode, window))

    def _drain(self) -> None:
        with self._run.report.timed("encode"):
            while self._pending:
                self._pending.popleft().result()

    def _wait_while_reading(self) -> None:
        """For the oldest window. take_in counts the time as its own; it is the encoder's."""
        begun_s = time.perf_counter()
        try:
            self._pending.popleft().result()
        finally:
            spent_s, seconds = time.perf_counter() - begun_s, self._run.report.seconds
            seconds["encode"] = seconds.get("encode", 0.0) + spent_s
            seconds["read and split"] = seconds.get("read and split", 0.0) - spent_s

    def _is_open(self) -> bool:
        """Whether there is a journal; it is opened as soon as what was staged is worth reading it through."""
        cache, identity = self._run.options.cache, self._encoding.encoder.identity
        if self._journal is None and cache is not None and not self._is_taken:
            file = journal_file(cache, identity)
            if not file.exists() or file.stat().st_size <= self._staged * WORTH_READING:
                journal = VectorsJournal(file, identity)
                self._is_taken = not journal.is_appender
                if self._is_taken:
                    journal.close()
                else:
                    self._journal = self._resources.enter_context(journal)
        return self._journal is not None

    def _encode(self, window: list[Split]) -> None:
        assert self._journal is not None
        _, encoded = stored_vectors(window, self._journal, self._encoding, self._run.report)
        # Writing will find these in the journal too, but not from a run before.
        self._run.report.resumed -= encoded
