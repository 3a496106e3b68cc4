"""What a running service does beside its routes: follow the index, admit requests, run them on threads.

The event loop never searches: that runs on a fixed set of threads, none of which waits for a question's
vector, made on the encoder's own thread, while another request wants it. Knows no route.
SearchRequest -> awaitable SearchReply
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from starlette.exceptions import HTTPException

from passage_index.backend import Backend
from passage_index.errors import NotFound
from passage_index.inbox import Inbox
from passage_index.stages import stage, trace
from search_api.access import Access
from search_api.admission import Admission
from search_api.answers.asking import ask_from
from search_api.answers.writing.writer import open_writer
from search_api.finding import reranked
from search_api.generations import Generations, Opened
from search_api.hits import SearchReply, SearchRequest
from search_api.metrics import Metrics
from search_api.priorities import give_way
from search_api.questions import EncodedQuestion
from search_api.reader.reader import open_reader
from search_api.reader.reranking import reranker_of
from search_api.rerank import require_reranker
from search_api.searcher import Searcher
from search_api.settings import Settings
from search_api.similar import SimilarRequest
from search_api.telling import Told, log_line
from search_api.tracing import Tracing
from search_api.worker import keep_working

logger = logging.getLogger(__name__)

T = TypeVar("T")

EAGER_PAUSE_S = 0.1  # between looks for a new generation,
EAGER_S = 30.0  # for so long after a write was taken

READ_ONLY = (
    "what is in Milvus is not written to: send writes to a server over the index folder, and bring its "
    "generations here with `indexer publish`"
)


class Serving:
    """One service. A searcher that is given stays its giver's to close."""

    def __init__(self, settings: Settings, searcher: Searcher | None = None) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.tracing = Tracing() if settings.tracing else None
        self.reader = (
            None if searcher else open_reader(settings.reader, settings.reader_timeout_s, settings.cache)
        )
        self.generations = Generations(settings, searcher, self.reader, self.metrics)
        self.ask_from = ask_from(settings)
        # Threads that stay: every thread that reads holds an open file of the passage store.
        self._threads = ThreadPoolExecutor(
            settings.search_threads, thread_name_prefix="search", initializer=give_way
        )
        self.admission = Admission(settings, self.metrics)
        self.access = Access(settings, self.metrics)
        self.worker_fault = ""
        self.following_fault = ""
        self.is_ending = False  # it goes on answering, and says that it is not ready
        self._looked_for = asyncio.Event()
        self._eager_until_s = 0.0
        self._inbox = Inbox(settings.index, settings.inbox_bytes, settings.inbox_writes)
        self.reranker = reranker_of(settings, self.reader)
        self.writer = open_writer(settings)

    @property
    def inbox(self) -> Inbox:
        """Where writes are kept. Raises 503 while no index is there for them, 403 over Milvus."""
        assert self.searcher
        if self.settings.backend == "milvus":
            raise HTTPException(403, READ_ONLY)
        return self._inbox

    @property
    def warnings(self) -> list[str]:
        """What an operator should look at although searches are answered."""
        fault = self.generations.fault
        stale = f"a newer state of the index is not served: {fault}" if fault else ""
        unranked = self.reranker.fault if self.reranker else ""
        unread = self.reader.fault if self.reader else ""
        faults = (stale, self.following_fault, self.worker_fault, unranked, unread, self.access.fault)
        return [one for one in faults if one]

    @property
    def searcher(self) -> Searcher:
        """The searcher of the current generation. Raises 503 with the reason while there is none."""
        current = self.generations.current
        if current is None:
            self.metrics.refused("not_ready")
            reason = self.generations.lost or self.generations.fault or "the index is being opened"
            raise HTTPException(503, reason, {"Retry-After": "5"})
        return current.searcher

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open the index and follow it, beside what is served; close everything at the end."""
        asyncio.get_running_loop().set_default_executor(
            ThreadPoolExecutor(thread_name_prefix="beside", initializer=give_way)
        )
        beside = [asyncio.create_task(self._follow())]
        if self.settings.worker and self.settings.backend == "embedded":
            beside.append(asyncio.create_task(self._work()))
        try:
            yield
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            if self.writer is not None:
                await self.writer.close()
            if self.tracing is not None:
                await asyncio.to_thread(self.tracing.close)
            await asyncio.to_thread(self._close)

    def tell(self, told: Told) -> None:
        """What is to be known of a request that is over."""
        self.metrics.request(told)
        log_line(told)
        if self.tracing is not None:
            self.tracing.tell(told)

    def begin_to_end(self) -> None:
        """Say from now on that this service is not ready."""
        self.is_ending = True

    async def _work(self) -> None:
        while self.generations.current is None or not self.access.takes_writes:
            await asyncio.sleep(max(self.generations.pause_s, EAGER_PAUSE_S))
        await keep_working(self.settings, self._note)

    def _note(self, fault: str) -> None:
        self.worker_fault = fault

    async def _follow(self) -> None:
        while True:
            try:
                await self.catch_up()
                self.following_fault = ""
            except Exception as error:  # too many open files, a disk that does not answer: look again
                if not self.following_fault:
                    logger.exception("the index cannot be followed; trying again")
                self.following_fault = f"the index cannot be followed: {error}; what is newer is not served"
            pause_s = self.generations.pause_s
            if time.monotonic() < self._eager_until_s:
                pause_s = min(pause_s, EAGER_PAUSE_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._looked_for.wait(), pause_s)
            self._looked_for.clear()

    def expect_commit(self) -> None:
        """Look for a new generation more often for a while: a write was taken."""
        self._eager_until_s = time.monotonic() + EAGER_S
        self._looked_for.set()

    async def catch_up(self) -> None:
        """Serve what CURRENT names now, if it can be opened. Costs little where that is so already."""
        await _for_all(self.generations.follow)
        current = self.generations.current
        self.metrics.serving(current.searcher.snapshot if current else None)
        if self.access.takes_writes:
            self.metrics.writes(len(await asyncio.to_thread(self._inbox.waiting)))

    def _close(self) -> None:
        if self.reranker is not None:
            self.reranker.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self.generations.close()

    @asynccontextmanager
    async def reading(self, generation: int | None = None) -> AsyncIterator["Reading"]:
        """One generation for the length of a request, the current one or that of a number.

        Raises 410 when that generation is not kept any more, 503 while no index is open.
        """
        opened = self.generations.take(generation) or await self._reopened(generation)
        try:
            yield Reading(self, opened)
        finally:
            opened.leave()

    async def _reopened(self, generation: int | None) -> Opened:
        current = self.searcher.snapshot.generation
        if generation is None:  # closed at this very moment
            raise HTTPException(503, "the service ends", {"Retry-After": "5"})
        try:
            return await _for_all(self.generations.reopen, generation)
        except NotFound as error:
            told = f"generation {generation} is not here, or not any more; ask again without a generation"
            logger.info("%s (%s)", told, error)
            raise HTTPException(410, f"{told}, the current one is {current}") from error

    async def on_thread(
        self, opened: Opened, work: Callable[..., T], *arguments: object, may_wait: bool = True
    ) -> T:
        """`work` on one of the threads, which uses `opened` to its end, whether or not anyone waits.

        It is taken back before it begins, or told to stop at its next stage, when nobody waits any more.
        may_wait: False where it is to be dropped if it does not get a thread in time.
        """
        opened.enter()
        future = self._threads.submit(self.admission.timed(work, may_wait), *arguments)
        future.add_done_callback(lambda _: opened.leave())
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            current = trace()
            if current is not None:
                current.is_abandoned = True
            raise

    @property
    def auto_depth(self) -> int:
        """How many passages the reader can judge in the time there is for it; 0 where another one judges."""
        if self.reader is None or self.settings.reranker is not None:
            return 0
        return min(self.settings.rerank_depth, int(self.settings.rerank_budget_ms / self.reader.each_ms))


class Reading:
    """One request's view of one generation, the same to the request's end."""

    def __init__(self, serving: Serving, opened: Opened) -> None:
        self._serving = serving
        self._opened = opened
        self.searcher = opened.searcher
        self.generation = opened.searcher.snapshot.generation

    @property
    def snapshot(self) -> Backend:
        """The generation itself."""
        return self.searcher.snapshot

    @property
    def auto_depth(self) -> int:
        """How many passages `rerank=auto` has judged."""
        return self._serving.auto_depth

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """The result of `work` on one of the threads. Raises 503 when too much is under way or time is up."""
        async with self._serving.admission.place():
            return await self._serving.on_thread(self._opened, work, *arguments, may_wait=False)

    async def aside(self, work: Callable[..., T], *arguments: object) -> T:
        """As `run`, for a small part of a request that was admitted before: needs no place and no clock."""
        return await self._serving.on_thread(self._opened, work, *arguments)

    async def search(self, request: SearchRequest, is_part: bool = False) -> SearchReply:
        """The reply to one search; questions that wait together are encoded together. Raises as `run`.

        is_part: of a batch that has a place already.
        """
        self._note(request.question)
        async with self._serving.admission.place():
            if request.mode != "keyword":
                encoding = self.searcher.questions.submit(request.question)
                # With a thread for each, what needs no vector is done meanwhile; else none is kept waiting.
                if self._serving.admission.is_crowded:
                    await _encoded(encoding)  # the searcher remembers it
            if request.rerank:
                return await self._search_reranked(request, is_part)
            search = self.searcher.search
            return await self._serving.on_thread(self._opened, search, request, may_wait=is_part)

    async def asked(self, work: Callable[..., T], request: SearchRequest, *arguments: object) -> T:
        """The result of work(searcher, request, *arguments), the question encoded before. Raises as `run`."""
        self._note(request.question)
        async with self._serving.admission.place():
            await _encoded(self.searcher.questions.submit(request.question))
            return await self._serving.on_thread(
                self._opened, work, self.searcher, request, *arguments, may_wait=False
            )

    async def similar(self, request: SimilarRequest) -> SearchReply:
        """The reply to one search for what is like something. Raises as `run`, and NotFound."""
        async with self._serving.admission.place():
            if request.passage_id is None and request.article_id is None:
                await _encoded(self.searcher.questions.submit(request.search.question))  # as in `search`
            return await self._serving.on_thread(self._opened, self.searcher.similar, request, may_wait=False)

    def _note(self, question: str) -> None:
        current = trace()
        if self._serving.settings.log_questions and current is not None:
            current.facts["question"] = question

    async def _search_reranked(self, request: SearchRequest, is_part: bool) -> SearchReply:
        """As `Searcher.search`, without holding a thread while the reranker judges."""
        reranker = require_reranker(self._serving.reranker)
        find = self.searcher.find_to_judge
        found = await self._serving.on_thread(self._opened, find, request, reranker, may_wait=is_part)
        with stage("rerank"):
            verdict = await reranker.judge_later(request.question, found.candidates)
        return await self._serving.on_thread(self._opened, self.searcher.show, reranked(found, verdict))


async def _encoded(encoding: "Future[EncodedQuestion]") -> None:
    """Wait until a question has its vector."""
    with stage("encode"):
        # Shielded: a future that the encoder's thread is about to fill must not be cancelled.
        await asyncio.shield(asyncio.wrap_future(encoding))


async def _for_all(work: Callable[..., T], *arguments: object) -> T:
    """The result of `work` on a thread, without the trace of who asks: others need it too."""
    return await asyncio.get_running_loop().run_in_executor(None, work, *arguments)
