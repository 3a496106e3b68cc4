"""Judges the first passages of a search anew, by a cross-encoder that reads question and passage together.

One thread owns the model, for tokenizers are not thread-safe; what it is asked has a deadline, and only
so much may wait. A search never fails on its account: late, busy or broken, it answers with a warning
and no scores. Knows neither pools nor HTTP. (question, passages) -> Verdict
"""

import asyncio
import hashlib
import logging
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from passage_index.errors import EncoderUnavailable, InputError, SearchEngineError
from passage_index.types import Scores, StoredPassage
from search_api.priorities import give_way

logger = logging.getLogger(__name__)

BATCH = 8  # passages judged between two looks at the clock
WAITING = 8  # searches that may wait for their turn, the one under way among them
REMEMBERED = 256  # verdicts; the next page of a search finds its own here


class PairModel(Protocol):
    """The seam that tests replace."""

    @property
    def max_tokens(self) -> int:
        """Tokens that the model reads of a question and a text together."""
        ...

    def score(self, question: str, texts: Sequence[str]) -> tuple[Scores, int]:
        """Raw scores (n,), rising with relevance, and how many of the texts were not read to their end."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it. scores: (n,) raw ones, or None where the order is to stay as it was.

    weight: of the chance they stand for, beside the score that a passage had; None where they alone decide.
    """

    scores: Scores | None
    warnings: tuple[str, ...] = ()
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class _Job:
    question: str
    texts: list[str]
    deadline_s: float  # by time.monotonic
    done: "Future[Verdict]"


class Reranker:
    """Judges for any number of threads. Close it, or its thread stays."""

    def __init__(self, load: Callable[[], PairModel], timeout_s: float, weight: float | None = None) -> None:
        """load: called once, on the thread that then owns the model. weight: as Verdict has it."""
        self.timeout_s = timeout_s
        self.fault = ""  # why there is no model, once that is known
        self._load, self._weight = load, weight
        self._loaded: Future[None] = Future()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._places = threading.Semaphore(WAITING)
        self._verdicts: OrderedDict[bytes, Verdict] = OrderedDict()  # the owner's alone
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="reranker", daemon=True)
        self._thread.start()

    @property
    def reads_windows(self) -> bool:
        """Whether the best sentences of a passage are enough: where their chance stands beside the score."""
        return self._weight is not None

    def wait_until_loaded(self) -> None:
        """Return when the model is ready. Raises EncoderUnavailable when it cannot be loaded."""
        self._loaded.result()

    def judge(self, question: str, passages: Sequence[StoredPassage]) -> Verdict:
        """How well each passage answers the question, within `timeout_s`. Never raises."""
        try:
            return self._submit(question, passages).result(self.timeout_s)
        except TimeoutError:
            return self._late

    async def judge_later(self, question: str, passages: Sequence[StoredPassage]) -> Verdict:
        """As `judge`, without holding a thread."""
        done = asyncio.wrap_future(self._submit(question, passages))
        try:
            # Shielded: a future that the owner is about to fill must not be cancelled.
            return await asyncio.wait_for(asyncio.shield(done), self.timeout_s)
        except TimeoutError:
            return self._late

    def close(self) -> None:
        """End the thread after the batch under way; a model that hangs is left behind."""
        self._is_closed = True
        self._jobs.put(None)
        self._thread.join(self.timeout_s + 1)

    @property
    def _late(self) -> Verdict:
        return _unchanged(f"the reranker did not answer within {self.timeout_s:g} s")

    def _submit(self, question: str, passages: Sequence[StoredPassage]) -> "Future[Verdict]":
        job = _Job(
            question, [pair_text(one) for one in passages], time.monotonic() + self.timeout_s, Future()
        )
        if self._places.acquire(blocking=False):
            self._jobs.put(job)
        else:
            job.done.set_result(_unchanged("the reranker has too much to do"))
        return job.done

    def _run(self) -> None:
        give_way()
        model = self._model()
        while (job := self._jobs.get()) is not None:
            try:
                verdict = _unchanged(self.fault) if model is None else self._verdict(model, job)
            except Exception:
                logger.exception("reranking failed")
                verdict = _unchanged("the reranker failed")
            self._places.release()
            job.done.set_result(verdict)

    def _model(self) -> PairModel | None:
        begun_s = time.monotonic()
        try:
            model = self._load()
        except Exception as error:
            self.fault = "the reranker cannot be loaded"
            known = isinstance(error, SearchEngineError)
            logger.error("%s: %s", self.fault, error, exc_info=None if known else error)
            self._loaded.set_exception(error if known else EncoderUnavailable(f"{self.fault}: {error}"))
            return None
        logger.info("reranker loaded in %.1f s", time.monotonic() - begun_s)
        self._loaded.set_result(None)
        return model

    def _verdict(self, model: PairModel, job: _Job) -> Verdict:
        key = hashlib.sha256("\0".join([job.question, *job.texts]).encode()).digest()
        known = self._verdicts.get(key)
        if known is not None:
            self._verdicts.move_to_end(key)
            return known
        scores, cut = np.zeros(len(job.texts)), 0
        # Texts of like length together, so that little is padded.
        order = sorted(range(len(job.texts)), key=lambda i: (len(job.texts[i]), i))
        for start in range(0, len(order), BATCH):
            if self._is_closed or time.monotonic() > job.deadline_s:
                return self._late  # nobody waits for the rest
            batch = order[start : start + BATCH]
            found, unread = model.score(job.question, [job.texts[i] for i in batch])
            scores[batch] = found
            cut += unread
        if not np.isfinite(scores).all():
            logger.error("the reranker gave scores that are no numbers")
            return _unchanged("the reranker failed")
        self._verdicts[key] = verdict = Verdict(
            scores, _told(cut, len(order), model.max_tokens), self._weight
        )
        while len(self._verdicts) > REMEMBERED:
            self._verdicts.popitem(last=False)
        return verdict


def _told(cut: int, count: int, max_tokens: int) -> tuple[str, ...]:
    if cut == 0:
        return ()
    read = f"it takes {max_tokens} tokens of question and passage together"
    return (f"the reranker did not read {cut} of {count} passages to their end: {read}",)


def _unchanged(reason: str) -> Verdict:
    return Verdict(None, (f"{reason}; the hits are in the order they have without it",))


def pair_text(stored: StoredPassage) -> str:
    """What a reranker reads of a passage: the article's title and date, then the text."""
    article = stored.article
    said = (article.title, str(article.published) if article.published else "", stored.text)
    return "\n".join(part for part in said if part)


def require_reranker(reranker: Reranker | None) -> Reranker:
    """Raises InputError where none is set."""
    if reranker is None:
        raise InputError(
            "rerank: there is no reranker here; name a cross-encoder in the setting SEARCH_RERANKER, or "
            "do without SEARCH_READER=none"
        )
    return reranker
