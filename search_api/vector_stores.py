"""The search of a vector store as OpenAI's API has it: bodies, filters, and what of ours stands for what.

The index is one store; an article is a file of it, a passage a part of a file's content. What that API takes
and this engine has no use for is taken and told in `warnings`. Knows no route.
JSON -> SearchParameters; hits -> JSON
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
)

from passage_index.errors import InputError
from passage_index.filters import parse_filter
from passage_index.types import sha256_text
from search_api.hits import Hit
from search_api.parameters import MAX_GENERATION, listed, written

STORE = "articles"
MOST_RESULTS = 50  # that OpenAI's API takes
MOST_ATTRIBUTES, LONGEST_ATTRIBUTE = 16, 512  # that it promises
MOST_LEVELS = 8  # of filters in filters

COMPARISONS = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "nin")
PROPERTIES = frozenset({"source", "language", "title", "url", "published_at", "article_id"})
ALIASES = {"file_id": "article_id", "filename": "title"}

_PAGE = re.compile(r"(\d{1,9})-(\d{1,9})")

FILTER_SCHEMA = {
    "anyOf": [
        {
            "type": "object",
            "description": "A comparison.",
            "properties": {
                "type": {"type": "string", "enum": list(COMPARISONS)},
                "key": {"type": "string"},
                "value": {"description": "A text, a number, true or false; for `in` and `nin` a list."},
            },
            "required": ["type", "key", "value"],
        },
        {
            "type": "object",
            "description": "Filters joined.",
            "properties": {
                "type": {"type": "string", "enum": ["and", "or"]},
                "filters": {"type": "array", "items": {"type": "object"}},
            },
            "required": ["type", "filters"],
        },
        {"type": "null"},
    ]
}


def translated(asked: Any, level: int = 1) -> dict[str, Any]:
    """A filter of that API as ours. Raises ValueError on what is none.

    Example: {"type": "gte", "key": "published_at", "value": 1700000000} -> {"published_at": {"$gte": ...}}
    """
    if level > MOST_LEVELS:
        raise ValueError(f"filters in filters go at most {MOST_LEVELS} levels deep here")
    kind = asked.get("type") if isinstance(asked, dict) else None
    if kind in ("and", "or"):
        _require_keys(asked, ("type", "filters"))
        if not isinstance(asked["filters"], list):
            raise ValueError("`filters` of `and` and `or` is a list")
        return {f"${kind}": [translated(one, level + 1) for one in asked["filters"]]}
    if kind in COMPARISONS:
        _require_keys(asked, ("type", "key", "value"))
        if not isinstance(asked["key"], str):
            raise ValueError("`key` is a text")
        name = _property(asked["key"])
        return {name: {f"${kind}": _value(name, asked["value"])}}
    raise ValueError(f"a filter is an object whose `type` is one of {', '.join(COMPARISONS)}, and, or")


def _require_keys(asked: dict[str, Any], names: Sequence[str]) -> None:
    if set(asked) != set(names):
        raise ValueError(f"a filter of this type has {', '.join(names)}, and nothing else")


def _property(key: str) -> str:
    known = ALIASES.get(key, key)
    return known if known in PROPERTIES or known.startswith("metadata.") else f"metadata.{known}"


def _value(name: str, value: Any) -> Any:
    """Days are often kept as seconds since 1970 in that API; ours are texts."""
    if name != "published_at":
        return value
    if isinstance(value, list):
        return [_value(name, one) for one in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC).date().isoformat()
        except (OverflowError, OSError, ValueError) as error:
            raise ValueError("published_at: no such moment, in seconds since 1970") from error
    return value


def _filter_of(asked: Any) -> Any:
    try:
        return None if asked is None else parse_filter(translated(asked))
    except InputError as error:
        raise ValueError(str(error)) from error


def _page_of(text: str) -> str:
    found = _PAGE.fullmatch(text)
    if found is None or not 1 <= int(found[1]) <= MAX_GENERATION:
        raise ValueError("not a `next_page` of this server")
    return text


class RankingOptions(BaseModel):
    """How to rank, as that API has it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ranker: Annotated[
        Literal["none", "auto", "default-2024-11-15"], Field(description="Makes no difference here.")
    ] = "auto"
    score_threshold: Annotated[
        float, Field(ge=0, le=1, allow_inf_nan=False, description="Leave out results that score less.")
    ] = 0.0


class VectorStoreSearchBody(BaseModel):
    """A search of a vector store."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: Annotated[
        list[Annotated[str, Field(min_length=1), AfterValidator(written)]],
        BeforeValidator(listed),
        Field(min_length=1, description="A question, or several whose results are merged."),
        WithJsonSchema(
            {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
        ),
    ]
    filters: Annotated[
        Any,
        PlainValidator(_filter_of),
        WithJsonSchema(FILTER_SCHEMA),
        Field(description="Only articles of which this holds: a comparison, or several joined."),
    ] = None
    max_num_results: Annotated[int, Field(ge=1, le=MOST_RESULTS, description="Results on a page.")] = 10
    ranking_options: RankingOptions | None = None
    rewrite_query: Annotated[bool, Field(description="Nothing is rewritten here; a warning says so.")] = False
    page: Annotated[
        str | None,
        AfterValidator(lambda text: text if text is None else _page_of(text)),
        Field(description="`next_page` of the reply before. Not in that API."),
    ] = None

    @property
    def place(self) -> tuple[int | None, int]:
        """The generation to read, None for the current one, and the results to pass over."""
        if self.page is None:
            return None, 0
        generation, _, offset = self.page.partition("-")
        return int(generation), int(offset)

    @property
    def min_score(self) -> float:
        """What a result must score."""
        return self.ranking_options.score_threshold if self.ranking_options else 0.0


class ContentBody(BaseModel):
    """A passage's text."""

    type: Literal["text"] = "text"
    text: str


class VectorStoreResultBody(BaseModel):
    """A passage, as a part of a file."""

    file_id: Annotated[str, Field(description="The article's id.")]
    filename: Annotated[str, Field(description="The article's title; its id where it has none.")]
    score: float
    attributes: Annotated[
        dict[str, str | int | float | bool],
        Field(description="What a citation needs, and of the metadata what has room: at most 16 keys."),
    ]
    content: list[ContentBody]


class VectorStorePageBody(BaseModel):
    """A page of results."""

    object: Literal["vector_store.search_results.page"] = "vector_store.search_results.page"
    search_query: list[str]
    data: list[VectorStoreResultBody]
    has_more: bool
    next_page: Annotated[str | None, Field(description="Give it as `page` for what follows.")]
    warnings: Annotated[list[str], Field(description="Not in that API.")]


def result_body(hit: Hit) -> VectorStoreResultBody:
    """A hit as that API gives it."""
    article = hit.stored.article
    return VectorStoreResultBody(
        file_id=article.id,
        filename=article.title or article.id,
        score=hit.score,
        attributes=_attributes(hit),
        content=[ContentBody(text=hit.stored.text)],
    )


def _attributes(hit: Hit) -> dict[str, str | int | float | bool]:
    article, passage = hit.stored.article, hit.stored.passage
    own = {
        "passage_id": passage.id,
        "start": passage.start,
        "end": passage.end,
        "sha256": sha256_text(hit.stored.text),
        "source": article.source,
        "published_at": str(article.published) if article.published else None,
        "language": article.language,
        "url": article.url,
    }
    found = {
        name: value[:LONGEST_ATTRIBUTE] if isinstance(value, str) else value
        for name, value in (article.metadata | own).items()
        if isinstance(value, str | int | float | bool)
    }
    ordered = sorted(found, key=lambda name: name not in own)  # stable: ours first
    return {name: found[name] for name in ordered[:MOST_ATTRIBUTES]}


def merged(lists: Sequence[Sequence[Hit]]) -> list[Hit]:
    """Hits of several questions, best first; a passage that several found counts once, by its best score."""
    best: dict[str, Hit] = {}
    for hit in (one for hits in lists for one in hits):
        known = best.get(hit.stored.passage.id)
        if known is None or hit.score > known.score:
            best[hit.stored.passage.id] = hit
    return sorted(best.values(), key=lambda hit: (-hit.score, hit.stored.passage.id))
