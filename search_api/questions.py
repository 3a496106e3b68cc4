"""The one owner of the encoder: questions from many threads, gathered into small batches.

Tokenizers are not thread-safe and a batch costs little more than one question, so one thread encodes
whatever has gathered while it was busy. question -> (dim,) float32, unit length
"""

import queue
import threading
from collections import OrderedDict
from concurrent.futures import Future

from passage_index.encoder import Encoder
from passage_index.types import Vectors

BATCH = 32
CACHED = 4096  # questions whose vector is remembered


class QuestionEncoder:
    """Encodes questions for any number of threads. Close it, or its thread stays."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.identity = encoder.identity
        self._waiting: queue.SimpleQueue[tuple[str, Future[Vectors]] | None] = queue.SimpleQueue()
        self._cache: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="question-encoder", daemon=True)
        self._thread.start()

    def encode(self, question: str) -> Vectors:
        """(dim,) float32, unit length. Blocks until its batch is done; raises what the encoder raised."""
        return self.submit(question).result()

    def submit(self, question: str) -> Future[Vectors]:
        """As `encode`, (dim,), without waiting."""
        future: Future[Vectors] = Future()
        with self._lock:
            known = self._cache.get(question)
            if known is not None:
                self._cache.move_to_end(question)
        if known is not None:
            future.set_result(known)
        else:
            self._waiting.put((question, future))
        return future

    def tokens(self, question: str) -> int:
        """Tokens of a question, special ones counted."""
        return self._encoder.count_tokens([question])[0] + self._encoder.special_tokens

    def close(self) -> None:
        """Answer what waits, then end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            batch, ended = self._gather()
            if batch:
                self._answer(batch)
            if ended:
                return

    def _gather(self) -> tuple[list[tuple[str, Future[Vectors]]], bool]:
        """Everything that waits, at most BATCH, at least one; and whether `close` was called."""
        batch = []
        item = self._waiting.get()
        while item is not None:
            if item[1].set_running_or_notify_cancel():  # a cancelled question must not end the thread
                batch.append(item)
            if len(batch) == BATCH:
                return batch, False
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _answer(self, batch: list[tuple[str, Future[Vectors]]]) -> None:
        try:
            vectors = self._encoder.encode_questions([question for question, _ in batch])
        except Exception as error:
            for _, future in batch:
                future.set_exception(error)
            return
        with self._lock:
            for (question, _), vector in zip(batch, vectors, strict=True):
                self._cache[question] = vector
            while len(self._cache) > CACHED:
                self._cache.popitem(last=False)
        for (_, future), vector in zip(batch, vectors, strict=True):
            future.set_result(vector)
