"""What each route is asked with, and what it replies: a description that both clients send.

No call is made here. Arguments -> Call
"""

import json as json_text
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from search_client.models import (
    Alive,
    Article,
    AskOptions,
    AskReply,
    AskStreamOptions,
    BatchReply,
    CitedPassage,
    Passages,
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

JSON_LINES = "application/x-ndjson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One request. template: the path as the API's document has it, `names` what stands for its braces."""

    method: str
    template: str
    reply: type[T]
    names: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    lines: bytes | None = None

    @property
    def path(self) -> str:
        """The path to ask; an id may hold slashes, which stay."""
        return self.template.format_map({name: quote(value, safe="/") for name, value in self.names.items()})

    @property
    def parameters(self) -> dict[str, str]:
        """The query string's, without those that were not given."""
        return {name: str(value) for name, value in self.query.items() if value is not None}

    @property
    def body(self) -> tuple[bytes | None, dict[str, str]]:
        """What is sent, and the headers that say what it is."""
        if self.lines is not None:
            return self.lines, {"Content-Type": JSON_LINES}
        if self.json is None:
            return None, {}
        sent = json_text.dumps(self.json, ensure_ascii=False, allow_nan=False)
        return sent.encode(), {"Content-Type": "application/json"}


def search(q: str, options: SearchOptions) -> Call[SearchReply]:
    """Rank passages."""
    return Call(method="POST", template="/v1/search", reply=SearchReply, json={"q": q, **options})


def batch(searches: Sequence[Mapping[str, Any]]) -> Call[BatchReply]:
    """Several searches, each with its `q`."""
    asked = {"requests": [dict(one) for one in searches]}
    return Call(method="POST", template="/v1/search/batch", reply=BatchReply, json=asked)


def similar(options: SimilarOptions) -> Call[SearchReply]:
    """More like a passage, an article or a text."""
    return Call(method="POST", template="/v1/similar", reply=SearchReply, json=dict(options))


def suggest(q: str, limit: int | None, generation: int | None) -> Call[Suggestions]:
    """Complete a beginning."""
    query = {"q": q, "limit": limit, "generation": generation}
    return Call(method="GET", template="/v1/suggest", reply=Suggestions, query=query)


def ask(q: str, options: AskOptions) -> Call[AskReply]:
    """One sentence that answers."""
    return Call(method="POST", template="/v1/ask", reply=AskReply, json={"q": q, **options})


def ask_stream(q: str, options: AskStreamOptions) -> Call[AskReply]:
    """The same, followed by what a language model writes; the reply is a stream of events."""
    return Call(method="POST", template="/v1/ask/stream", reply=AskReply, json={"q": q, **options})


def article(article_id: str, generation: int | None) -> Call[Article]:
    """An article, whole."""
    return Call(
        method="GET",
        template="/v1/articles/{article_id}",
        reply=Article,
        names={"article_id": article_id},
        query={"generation": generation},
    )


def article_passages(article_id: str, generation: int | None) -> Call[Passages]:
    """All passages of an article."""
    return Call(
        method="GET",
        template="/v1/articles/{article_id}/passages",
        reply=Passages,
        names={"article_id": article_id},
        query={"generation": generation},
    )


def passage(passage_id: str, generation: int | None) -> Call[CitedPassage]:
    """A passage by its id."""
    return Call(
        method="GET",
        template="/v1/passages/{passage_id}",
        reply=CitedPassage,
        names={"passage_id": passage_id},
        query={"generation": generation},
    )


def verify(article_id: str, start: int, end: int, sha256: str, generation: int | None) -> Call[Verification]:
    """Is a citation what the article says?"""
    query = {
        "article_id": article_id,
        "start": start,
        "end": end,
        "sha256": sha256,
        "generation": generation,
    }
    return Call(method="GET", template="/v1/verify", reply=Verification, query=query)


def stats() -> Call[Stats]:
    """What the index holds."""
    return Call(method="GET", template="/v1/stats", reply=Stats)


def alive() -> Call[Alive]:
    """Does the process answer?"""
    return Call(method="GET", template="/healthz", reply=Alive)


def ready() -> Call[Ready]:
    """Are searches answered?"""
    return Call(method="GET", template="/readyz", reply=Ready)


def vector_store_search(
    query: str | Sequence[str], options: VectorStoreOptions, vector_store_id: str
) -> Call[VectorStorePage]:
    """The search of a vector store, as OpenAI's API has it."""
    asked = {"query": query if isinstance(query, str) else list(query), **options}
    return Call(
        method="POST",
        template="/v1/vector_stores/{vector_store_id}/search",
        reply=VectorStorePage,
        names={"vector_store_id": vector_store_id},
        json=asked,
    )


def put_article(article_id: str, fields: Mapping[str, Any]) -> Call[Task]:
    """Add or replace the article of an id."""
    return Call(
        method="PUT",
        template="/v1/articles/{article_id}",
        reply=Task,
        names={"article_id": article_id},
        json=dict(fields),
    )


def post_articles(records: Iterable[Mapping[str, Any]]) -> Call[Task]:
    """Add or replace many articles, each with its `_id`, as JSON lines."""
    lines = (json_text.dumps(dict(one), ensure_ascii=False, allow_nan=False) + "\n" for one in records)
    return Call(method="POST", template="/v1/articles", reply=Task, lines="".join(lines).encode())


def delete_article(article_id: str) -> Call[Task]:
    """Take an article out."""
    return Call(
        method="DELETE",
        template="/v1/articles/{article_id}",
        reply=Task,
        names={"article_id": article_id},
    )


def task(task_id: str) -> Call[Task]:
    """How far a write is."""
    return Call(method="GET", template="/v1/tasks/{task_id}", reply=Task, names={"task_id": task_id})
