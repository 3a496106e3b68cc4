"""The client that waits: a method a route, replies as dataclasses.

    with Client("http://127.0.0.1:8000") as client:
        for hit in client.search("How many residents may be evacuated?", limit=3).hits:
            print(hit.score, hit.title, hit.text)

Arguments -> httpx -> dataclass
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self, TypeVar, Unpack

import httpx

from search_client import calls
from search_client.calls import Call
from search_client.errors import NotReached, TaskFailed, TaskPending
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

DEFAULT_URL = "http://127.0.0.1:8000"
PAGE = 50  # hits asked for at once where all are wanted
POLL_S = 0.2


class Client:
    """One server. Safe to share between threads; close it, or use it in a `with`."""

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        timeout_s: float = 30.0,
        retries: int = 3,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """retries: further tries where the server is busy (429, 503) or not reached.

        transport: how requests travel; for tests, and proxies of your own.
        """
        self._manner = Manner(retries, timeout_s)
        self._http = httpx.Client(**http_options(base_url, api_key, timeout_s), transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def search(self, q: str, **options: Unpack[SearchOptions]) -> SearchReply:
        """Rank the passages that answer a question."""
        return self._sent(calls.search(q, options))

    def hits(self, q: str, **options: Unpack[SearchOptions]) -> Iterator[Hit]:
        """All hits of a search, page after page of one state of the index; `limit` is a page's length."""
        asked: SearchOptions = {"limit": PAGE, "offset": 0, **options}
        while True:
            reply = self._sent(calls.search(q, asked))
            yield from reply.hits
            asked["offset"] += len(reply.hits)
            asked["generation"] = reply.generation
            if not reply.hits or asked["offset"] >= reply.total:
                return

    def batch(self, searches: Sequence[Mapping[str, Any]]) -> list[SearchReply]:
        """Several searches in one request, each a mapping with `q` and the options of `search`."""
        return self._sent(calls.batch(searches)).replies

    def similar(self, **options: Unpack[SimilarOptions]) -> SearchReply:
        """Rank the passages that are like `passage_id`, `article_id` or `text`."""
        return self._sent(calls.similar(options))

    def suggest(self, q: str, limit: int | None = None, generation: int | None = None) -> Suggestions:
        """Complete a beginning from the corpus."""
        return self._sent(calls.suggest(q, limit, generation))

    def ask(self, q: str, **options: Unpack[AskOptions]) -> AskReply:
        """Answer with one sentence, cited and checked; `answer` is None where the articles do not say."""
        return self._sent(calls.ask(q, options))

    def ask_stream(self, q: str, **options: Unpack[AskStreamOptions]) -> Iterator[Event]:
        """The answer at once, then each sentence that the server's language model writes, once checked."""
        call, reader = calls.ask_stream(q, options), EventReader()
        try:
            with self._http.stream(**request_options(call)) as reply:
                if not reply.is_success:
                    reply.read()
                require_success(reply)
                for line in reply.iter_lines():
                    event = reader.feed(line)
                    if event is not None:
                        yield event
        except httpx.HTTPError as error:
            raise not_reached(error) from error

    def article(self, article_id: str, generation: int | None = None) -> Article:
        """An article as it is stored, whole."""
        return self._sent(calls.article(article_id, generation))

    def article_passages(self, article_id: str, generation: int | None = None) -> list[Passage]:
        """All passages of an article, in the order of its text."""
        return self._sent(calls.article_passages(article_id, generation)).passages

    def passage(self, passage_id: str, generation: int | None = None) -> CitedPassage:
        """A passage by its id."""
        return self._sent(calls.passage(passage_id, generation))

    def verify(
        self, article_id: str, start: int, end: int, sha256: str, generation: int | None = None
    ) -> Verification:
        """Whether an article's text has, at that place, a quotation of that hash."""
        return self._sent(calls.verify(article_id, start, end, sha256, generation))

    def stats(self) -> Stats:
        """What the index holds."""
        return self._sent(calls.stats())

    def alive(self) -> Alive:
        """Whether the process answers."""
        return self._sent(calls.alive())

    def ready(self) -> Ready:
        """Whether searches are answered; raises Unavailable while they are not."""
        return self._sent(calls.ready())

    def vector_store_search(
        self,
        query: str | Sequence[str],
        vector_store_id: str = "articles",
        **options: Unpack[VectorStoreOptions],
    ) -> VectorStorePage:
        """The search of a vector store, as OpenAI's API has it."""
        return self._sent(calls.vector_store_search(query, options, vector_store_id))

    def put_article(self, article_id: str, fields: Mapping[str, Any]) -> Task:
        """Add the article of this id, or replace it. Needs the admin key."""
        return self._sent(calls.put_article(article_id, fields))

    def post_articles(self, records: Iterable[Mapping[str, Any]]) -> Task:
        """Add or replace many articles, each with its `_id`. Needs the admin key."""
        return self._sent(calls.post_articles(records))

    def delete_article(self, article_id: str) -> Task:
        """Take an article out. Needs the admin key."""
        return self._sent(calls.delete_article(article_id))

    def task(self, task_id: str) -> Task:
        """How far a write is."""
        return self._sent(calls.task(task_id))

    def wait_for(self, task: Task, timeout_s: float = 60.0) -> Task:
        """The task once searches see what it wrote. Raises TaskFailed, or TaskPending when time is up."""
        begun_s = time.monotonic()
        while task.state not in ("done", "failed"):
            waited_s = time.monotonic() - begun_s
            if waited_s > timeout_s:
                raise TaskPending(task, waited_s)
            time.sleep(POLL_S)
            task = self.task(task.id)
        if task.state == "failed":
            raise TaskFailed(task)
        return task

    def _sent(self, call: Call[T]) -> T:
        tried = 0
        while True:
            tried += 1
            try:
                return result(call, self._http.request(**request_options(call)))
            except Exception as error:
                pause_s = self._manner.pause_s(tried, asked_to_wait_s(error))
                if not is_worth_another_try(error) or pause_s is None:
                    if isinstance(error, httpx.HTTPError):
                        raise not_reached(error) from error
                    raise
            time.sleep(pause_s)


def not_reached(error: httpx.HTTPError) -> NotReached:
    """What httpx could not do, in our words."""
    told = str(error) or type(error).__name__
    return NotReached(f"the server was not reached, or did not answer in time: {told}")
