"""The one owner of the encoder: questions from many threads, gathered into small batches.

A batch costs little more than one question, so one thread encodes whatever has gathered while it was
busy. question -> (dim,) float32, unit length, and its tokens
"""

import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from passage_index.encoder import Encoder
from passage_index.types import Vectors
from search_api.priorities import give_way

if TYPE_CHECKING:
    from search_api.metrics import Metrics

BATCH = 32
CACHED = 4096  # questions whose vector is remembered


@dataclass(frozen=True, slots=True)
class EncodedQuestion:
    """A question as the encoder sees it."""

    vector: Vectors  # (dim,), unit length
    tokens: int  # special ones counted; those beyond the encoder's limit were not read


class QuestionEncoder:
    """Encodes questions for any number of threads. Close it, or its thread stays."""

    def __init__(self, encoder: Encoder, metrics: "Metrics | None" = None) -> None:
        """metrics: told of batches, and of what was remembered."""
        self._encoder, self._metrics = encoder, metrics
        self.identity = encoder.identity
        self._waiting: queue.SimpleQueue[tuple[str, Future[EncodedQuestion]] | None] = queue.SimpleQueue()
        self._cache: OrderedDict[str, EncodedQuestion] = OrderedDict()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="question-encoder", daemon=True)
        self._thread.start()

    def encode(self, question: str) -> Vectors:
        """(dim,) float32, unit length. Blocks until its batch is done; raises what the encoder raised."""
        return self.submit(question).result().vector

    def encode_all(self, texts: Sequence[str]) -> Vectors:
        """Each as `encode` would, (n, dim), in as few batches as it takes."""
        futures = [self.submit(text) for text in texts]
        return np.stack([future.result().vector for future in futures])

    def submit(self, question: str) -> Future[EncodedQuestion]:
        """As `encode`, without waiting."""
        future: Future[EncodedQuestion] = Future()
        with self._lock:
            known = self._cache.get(question)
            if known is not None:
                self._cache.move_to_end(question)
        if self._metrics is not None:
            self._metrics.looked_up(known is not None)
        if known is not None:
            future.set_result(known)
        else:
            self._waiting.put((question, future))
        return future

    def tokens(self, question: str) -> int:
        """Tokens of a question, special ones counted. As `encode`: one that was encoded costs nothing."""
        return self.submit(question).result().tokens

    def pieces(self, words: Sequence[str]) -> list[int]:
        """Into how many tokens each word is cut. See Encoder."""
        return self._encoder.pieces(words)

    def close(self) -> None:
        """Answer what waits, then end the thread."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        give_way()
        while True:
            batch, ended = self._gather()
            if batch:
                self._answer(batch)
            if ended:
                return

    def _gather(self) -> tuple[list[tuple[str, Future[EncodedQuestion]]], bool]:
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

    def _answer(self, batch: list[tuple[str, Future[EncodedQuestion]]]) -> None:
        asked = [question for question, _ in batch]
        begun_s = time.perf_counter()
        try:
            vectors = self._encoder.encode_questions(asked)
            counts = self._encoder.count_tokens(asked)
        except Exception as error:
            for _, future in batch:
                future.set_exception(error)
            return
        if self._metrics is not None:
            self._metrics.encoded(len(batch), time.perf_counter() - begun_s)
        encoded = [
            EncodedQuestion(vector, count + self._encoder.special_tokens)
            for vector, count in zip(vectors, counts, strict=True)
        ]
        with self._lock:
            self._cache.update(zip(asked, encoded, strict=True))
            while len(self._cache) > CACHED:
                self._cache.popitem(last=False)
        for (_, future), one in zip(batch, encoded, strict=True):
            future.set_result(one)
