"""What a running service holds: the open searcher, why there is none, and the threads that search.

The event loop never searches: a question's vector is awaited from the encoder's own thread, the rest
runs on a fixed set of threads. Knows no route. SearchRequest -> awaitable SearchReply
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from starlette.exceptions import HTTPException

from passage_index.errors import SearchEngineError
from search_api.hits import SearchReply, SearchRequest
from search_api.searcher import Searcher, open_searcher
from search_api.settings import Settings

logger = logging.getLogger(__name__)

T = TypeVar("T")

LONGEST_RETRY_S = 60.0

_FIRST = SearchRequest("the first question is the slowest", limit=1)


class Serving:
    """One service. A searcher that is given stays its giver's to close."""

    def __init__(self, settings: Settings, searcher: Searcher | None = None) -> None:
        self.settings = settings
        self.not_ready = "" if searcher else "the index is being opened"
        self._searcher = searcher
        self._given = searcher is not None
        # Threads that stay: every thread that reads holds an open file of the passage store.
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="search")
        self._under_way = 0

    @property
    def searcher(self) -> Searcher:
        """The open searcher. Raises 503 with the reason while there is none."""
        if self._searcher is None:
            raise HTTPException(503, self.not_ready, {"Retry-After": "5"})
        return self._searcher

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open the index, again and again if need be, beside what is served; close everything at the end."""
        opening = asyncio.create_task(self._warm_up() if self._given else self._open())
        try:
            yield
        finally:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
            await asyncio.to_thread(self._close)

    async def _warm_up(self) -> None:
        await self._on_thread(self.searcher.search, _FIRST)

    async def _open(self) -> None:
        delay = self.settings.retry_s
        while True:
            try:
                await self._on_thread(self._open_once)
            except SearchEngineError as error:
                self.not_ready = str(error)
                logger.warning("not ready: %s", error)
            except Exception:
                self.not_ready = "the index cannot be opened; the server's log tells why"
                logger.exception("not ready")
            else:
                return
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_RETRY_S)

    def _open_once(self) -> None:
        settings = self.settings
        searcher = open_searcher(settings.index, settings.cache, settings.model)
        searcher.search(_FIRST)
        self._searcher = searcher
        logger.info("ready: generation %d", self._searcher.snapshot.generation)

    def _close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        if self._searcher is not None and not self._given:
            self._searcher.close()

    def _on_thread(self, work: Callable[..., T], *arguments: object) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """The result of `work` on one of the threads. Raises 503 when too much is under way or time is up."""
        async with self._admitted():
            return await self._on_thread(work, *arguments)

    async def search(self, request: SearchRequest) -> SearchReply:
        """The reply to one search; questions that wait together are encoded together. Raises as `run`."""
        searcher = self.searcher
        async with self._admitted():
            if request.mode != "keyword":
                vector = asyncio.wrap_future(searcher.questions.submit(request.question))
                # Shielded: a future that the encoder's thread is about to fill must not be cancelled.
                await asyncio.shield(vector)  # the searcher remembers it
            return await self._on_thread(searcher.search, request)

    @asynccontextmanager
    async def _admitted(self) -> AsyncIterator[None]:
        if self._under_way >= self.settings.max_waiting:
            raise HTTPException(503, "too many requests are under way", {"Retry-After": "1"})
        self._under_way += 1
        try:
            async with asyncio.timeout(self.settings.request_timeout_s):
                yield
        except TimeoutError as error:
            raise HTTPException(503, "the answer took too long", {"Retry-After": "5"}) from error
        finally:
            self._under_way -= 1
