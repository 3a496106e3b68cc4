"""The client for programs on an event loop: the methods of client.py, to be awaited.

    async with AsyncClient("http://127.0.0.1:8000") as client:
        reply = await client.search("How many residents may be evacuated?", limit=3)

Arguments -> httpx -> dataclass
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Self, TypeVar, Unpack

import httpx

from search_client import calls
from search_client.calls import Call
from search_client.client import DEFAULT_URL, PAGE, POLL_S, not_reached
from search_client.errors import TaskFailed, TaskPending
from search_client.exchanging import (
    Event,
    EventReader,
    Manner,
    asked_to_wait_s,
    http_options,
    is_worth_another_try,
    request_options,
    require_success,
    result,
)
from search_client.models import (
    Alive,
    Article,
    AskOptions,
    AskReply,
    AskStreamOptions,
    CitedPassage,
    Hit,
    Passage,
    Ready,
    SearchOptions,
    SearchReply,
    SimilarOptions,
    Stats,
    Suggestions,
    Task,
    VectorStoreOptions,
    VectorStorePage,
    Verification,
)

T = TypeVar("T")


class AsyncClient:
    """One server, for one event loop; close it, or use it in an `async with`."""

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        timeout_s: float = 30.0,
        retries: int = 3,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """retries: further tries where the server is busy (429, 503) or not reached.

        transport: how requests travel; for tests, and proxies of your own.
        """
        self._manner = Manner(retries, timeout_s)
        self._http = httpx.AsyncClient(**http_options(base_url, api_key, timeout_s), transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def search(self, q: str, **options: Unpack[SearchOptions]) -> SearchReply:
        """Rank the passages that answer a question."""
        return await self._sent(calls.search(q, options))

    async def hits(self, q: str, **options: Unpack[SearchOptions]) -> AsyncIterator[Hit]:
        """All hits of a search, page after page of one state of the index; `limit` is a page's length."""
        asked: SearchOptions = {"limit": PAGE, "offset": 0, **options}
        while True:
            reply = await self._sent(calls.search(q, asked))
            for hit in reply.hits:
                yield hit
            asked["offset"] += len(reply.hits)
            asked["generation"] = reply.generation
            if not reply.hits or asked["offset"] >= reply.total:
                return

    async def batch(self, searches: Sequence[Mapping[str, Any]]) -> list[SearchReply]:
        """Several searches in one request, each a mapping with `q` and the options of `search`."""
        return (await self._sent(calls.batch(searches))).replies

    async def similar(self, **options: Unpack[SimilarOptions]) -> SearchReply:
        """Rank the passages that are like `passage_id`, `article_id` or `text`."""
        return await self._sent(calls.similar(options))

    async def suggest(self, q: str, limit: int | None = None, generation: int | None = None) -> Suggestions:
        """Complete a beginning from the corpus."""
        return await self._sent(calls.suggest(q, limit, generation))

    async def ask(self, q: str, **options: Unpack[AskOptions]) -> AskReply:
        """Answer with one sentence, cited and checked; `answer` is None where the articles do not say."""
        return await self._sent(calls.ask(q, options))

    async def ask_stream(self, q: str, **options: Unpack[AskStreamOptions]) -> AsyncIterator[Event]:
        """The answer at once, then each sentence that the server's language model writes, once checked."""
        call, reader = calls.ask_stream(q, options), EventReader()
        try:
            async with self._http.stream(**request_options(call)) as reply:
                if not reply.is_success:
                    await reply.aread()
                require_success(reply)
                async for line in reply.aiter_lines():
                    event = reader.feed(line)
                    if event is not None:
                        yield event
        except httpx.HTTPError as error:
            raise not_reached(error) from error

    async def article(self, article_id: str, generation: int | None = None) -> Article:
        """An article as it is stored, whole."""
        return await self._sent(calls.article(article_id, generation))

    async def article_passages(self, article_id: str, generation: int | None = None) -> list[Passage]:
        """All passages of an article, in the order of its text."""
        return (await self._sent(calls.article_passages(article_id, generation))).passages

    async def passage(self, passage_id: str, generation: int | None = None) -> CitedPassage:
        """A passage by its id."""
        return await self._sent(calls.passage(passage_id, generation))

    async def verify(
        self, article_id: str, start: int, end: int, sha256: str, generation: int | None = None
    ) -> Verification:
        """Whether an article's text has, at that place, a quotation of that hash."""
        return await self._sent(calls.verify(article_id, start, end, sha256, generation))

    async def stats(self) -> Stats:
        """What the index holds."""
        return await self._sent(calls.stats())

    async def alive(self) -> Alive:
        """Whether the process answers."""
        return await self._sent(calls.alive())

    async def ready(self) -> Ready:
        """Whether searches are answered; raises Unavailable while they are not."""
        return await self._sent(calls.ready())

    async def vector_store_search(
        self,
        query: str | Sequence[str],
        vector_store_id: str = "articles",
        **options: Unpack[VectorStoreOptions],
    ) -> VectorStorePage:
        """The search of a vector store, as OpenAI's API has it."""
        return await self._sent(calls.vector_store_search(query, options, vector_store_id))

    async def put_article(self, article_id: str, fields: Mapping[str, Any]) -> Task:
        """Add the article of this id, or replace it. Needs the admin key."""
        return await self._sent(calls.put_article(article_id, fields))

    async def post_articles(self, records: Iterable[Mapping[str, Any]]) -> Task:
        """Add or replace many articles, each with its `_id`. Needs the admin key."""
        return await self._sent(calls.post_articles(records))

    async def delete_article(self, article_id: str) -> Task:
        """Take an article out. Needs the admin key."""
        return await self._sent(calls.delete_article(article_id))

    async def task(self, task_id: str) -> Task:
        """How far a write is."""
        return await self._sent(calls.task(task_id))

    async def wait_for(self, task: Task, timeout_s: float = 60.0) -> Task:
        """The task once searches see what it wrote. Raises TaskFailed, or TaskPending when time is up."""
        begun_s = time.monotonic()
        while task.state not in ("done", "failed"):
            waited_s = time.monotonic() - begun_s
            if waited_s > timeout_s:
                raise TaskPending(task, waited_s)
            await asyncio.sleep(POLL_S)
            task = await self.task(task.id)
        if task.state == "failed":
            raise TaskFailed(task)
        return task

    async def _sent(self, call: Call[T]) -> T:
        tried = 0
        while True:
            tried += 1
            try:
                return result(call, await self._http.request(**request_options(call)))
            except Exception as error:
                pause_s = self._manner.pause_s(tried, asked_to_wait_s(error))
                if not is_worth_another_try(error) or pause_s is None:
                    if isinstance(error, httpx.HTTPError):
                        raise not_reached(error) from error
                    raise
            await asyncio.sleep(pause_s)
