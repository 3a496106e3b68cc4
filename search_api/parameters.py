"""What a search may be asked over HTTP: names, forms and limits, alike for GET and POST.

A query string is read forgivingly (`limit=5` is a number), JSON strictly; both know no other names.
query string or JSON -> SearchParameters -> SearchRequest
"""

from typing import Annotated, Any, Literal

from fastapi import Query
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
from passage_index.filters import parse_filter, read_filter
from passage_index.types import PartialDate
from search_api.facets import FacetName
from search_api.fusion import Mode
from search_api.hits import DEPTH, SearchRequest, Sort
from search_api.limits import require_within_limits
from search_api.settings import Settings
from search_api.similar import SimilarRequest

MAX_GENERATION = 10**9
DATE_PATTERN = r"^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$"


def written(text: str) -> str:
    """The text. Raises ValueError where it holds what cannot be written down as UTF-8."""
    if "\0" in text:
        raise ValueError("a NUL character is no part of a text")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("half of a surrogate pair is no character") from error
    return text


def _possible_date(text: str) -> str:
    try:
        PartialDate.parse(text)
    except ValueError as error:
        raise ValueError("no such day in the calendar") from error
    return text


def listed(value: Any) -> Any:
    """A text alone, as a list of one."""
    return [value] if isinstance(value, str) else value


def _split(value: Any) -> Any:
    """`source,month` and repeated names, as a query string has them, to one list."""
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        return value
    return list(dict.fromkeys(name for part in parts for name in part.split(",")))


def _filter_of(asked: Any) -> Any:
    try:
        return None if asked is None else parse_filter(asked)
    except InputError as error:
        raise ValueError(str(error)) from error


def _filter_of_text(text: Any) -> Any:
    try:
        return read_filter(str(text))
    except InputError as error:
        raise ValueError(str(error)) from error


DateText = Annotated[str, Field(pattern=DATE_PATTERN), AfterValidator(_possible_date)]

_NARROWED = "Only articles of which this holds: conditions on their properties, as JSON."
# A Filter or None once they are validated.
FilterText = Annotated[
    Any,
    PlainValidator(_filter_of_text),
    WithJsonSchema({"type": "string", "contentMediaType": "application/json"}),
    Field(description=_NARROWED, examples=['{"published_at": {"$gte": "2023"}}']),
]
FilterObject = Annotated[
    Any,
    PlainValidator(_filter_of),
    WithJsonSchema({"anyOf": [{"type": "object", "additionalProperties": True}, {"type": "null"}]}),
    Field(description=_NARROWED, examples=[{"published_at": {"$gte": "2023"}}]),
]


class SuggestParameters(BaseModel):
    """A beginning to be completed."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[
        str,
        Field(min_length=1, max_length=200, description="The beginning of a word, name, title or question."),
        AfterValidator(written),
    ]
    limit: Annotated[int, Field(ge=1, le=50, description="Most suggestions.")] = 10
    generation: Annotated[
        int | None, Field(ge=1, le=MAX_GENERATION, description="Read this state of the index.")
    ] = None


GenerationOf = Annotated[
    int | None,
    Query(
        ge=1,
        le=MAX_GENERATION,
        description="Read this state of the index, as a search named it; 410 when it is not kept any more.",
    ),
]


class Narrowing(BaseModel):
    """Which articles may be looked at, and in which state of the index."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, description="Hits on a page.")] = 10
    date_from: Annotated[
        DateText | None,
        Field(description="Published on or after this day, month or year: `2023-11-09`, `2023-11`, `2023`."),
    ] = None
    date_to: Annotated[
        DateText | None,
        Field(description="Published on or before this day, month or year."),
    ] = None
    source: Annotated[
        list[Annotated[str, AfterValidator(written)]],
        BeforeValidator(listed),
        Field(max_length=100, description="Only these sources; can be repeated."),
    ] = []
    filter: FilterText = None
    as_of: Annotated[
        DateText | None,
        Field(description="As if it were then: without what can only have been published later."),
    ] = None
    generation: Annotated[
        int | None,
        Field(
            ge=1,
            le=MAX_GENERATION,
            description="Answer from this state of the index, as the reply to page 1 named it, so that pages "
            "fit together; 410 when it is not kept any more.",
        ),
    ] = None


class ListParameters(Narrowing):
    """What every list of hits can be asked for, whatever they are like."""

    offset: Annotated[int, Field(ge=0, description="Hits to pass over before the first.")] = 0
    facets: Annotated[
        list[FacetName],
        BeforeValidator(_split),
        Field(description="Count the hits of all pages by these, separated by commas."),
    ] = []
    group_by: Annotated[
        Literal["article"] | None, Field(description="`article`: only the best passage of each article.")
    ] = None
    sort: Annotated[
        Sort,
        Field(description="`newest`, `oldest`: by date, of what scores at least a fifth of the best."),
    ] = "relevance"
    collapse: Annotated[
        bool, Field(description="Fold passages of nearly the same text into the best of them.")
    ] = True
    min_score: Annotated[
        float, Field(ge=0, le=1, allow_inf_nan=False, description="Leave out hits that score less.")
    ] = 0.0
    diversity: Annotated[
        float,
        Field(ge=0, le=1, allow_inf_nan=False, description="Spread out hits that say the same; 0: do not."),
    ] = 0.0
    explain: Annotated[bool, Field(description="Say of each hit why it stands where it stands.")] = False
    differences: Annotated[
        bool, Field(description="With each near-duplicate, its sentences that the hit's article lacks.")
    ] = False


class Asked(BaseModel):
    """What is asked."""

    q: Annotated[
        str,
        Field(
            min_length=1,
            description='A question or words. `"…"` and `+word` must occur, `-word` must not.',
            examples=["How many residents may be evacuated?"],
        ),
        AfterValidator(written),
    ]


class Question(Asked):
    """What is asked, and how it is compared."""

    mode: Annotated[
        Mode, Field(description="`semantic` compares meaning, `keyword` words, `hybrid` both.")
    ] = "hybrid"
    rerank: Annotated[
        bool | Literal["auto"],
        Field(
            description="Have the server's reader or cross-encoder judge the first passages; `auto`: as many "
            "as time allows."
        ),
    ] = False


class SearchParameters(ListParameters, Question):
    """A search, as GET takes it; POST takes the same names."""


class SearchBody(SearchParameters):
    """A search, as POST takes it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    filter: FilterObject = None


class AskStreamParameters(Narrowing, Asked):
    """A question to be answered, in writing too; as GET takes it. POST takes the same names."""

    threshold: Annotated[
        float | None,
        Field(ge=0, le=1, allow_inf_nan=False, description="Confidence from which an answer is given."),
    ] = None


class AskParameters(AskStreamParameters):
    """A question to be answered, as GET takes it; POST takes the same names."""

    write: Annotated[
        bool, Field(description="Also have the server's language model write an answer, and check it.")
    ] = False


class AskStreamBody(AskStreamParameters):
    """A question to be answered, in writing too; as POST takes it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    filter: FilterObject = None


class AskBody(AskParameters):
    """A question to be answered, as POST takes it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    filter: FilterObject = None


class BatchBody(BaseModel):
    """Several searches in one request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    requests: Annotated[list[SearchBody], Field(min_length=1, description="Answered in this order.")]


class SimilarBody(ListParameters):
    """What the hits are to be like: exactly one of passage_id, article_id and text."""

    model_config = ConfigDict(extra="forbid", strict=True)

    filter: FilterObject = None

    passage_id: Annotated[
        Annotated[str, AfterValidator(written)] | None, Field(description="The `id` of a hit.")
    ] = None
    article_id: Annotated[
        Annotated[str, AfterValidator(written)] | None, Field(description="All passages of an article.")
    ] = None
    text: Annotated[
        Annotated[str, AfterValidator(written)] | None, Field(description="Any text, as long as a question.")
    ] = None
    exclude_same_article: Annotated[
        bool, Field(description="Leave out the article that was named, or whose passage was.")
    ] = True


def similar_request(asked: SimilarBody, settings: Settings) -> SimilarRequest:
    """What was asked, within the settings' limits. Raises InputError beyond them, or without a source."""
    given = [one for one in (asked.passage_id, asked.article_id, asked.text) if one is not None]
    if len(given) != 1:
        raise InputError(f"exactly one of passage_id, article_id and text is needed, not {len(given)}")
    given_alike = {name: getattr(asked, name) for name in ListParameters.model_fields}
    most = settings.max_question_chars
    if asked.text is not None and len(asked.text) > most:
        raise InputError(f"the length of text can be at most {most} here")
    return SimilarRequest(
        search=search_request(SearchParameters.model_construct(q=given[0], **given_alike), settings),
        passage_id=asked.passage_id,
        article_id=asked.article_id,
        exclude_same_article=asked.exclude_same_article,
    )


def ask_request(asked: AskStreamParameters, settings: Settings) -> SearchRequest:
    """What was asked, within the settings' limits. Raises InputError beyond them."""
    names = (*Narrowing.model_fields, "q")
    return search_request(
        SearchParameters.model_construct(**{name: getattr(asked, name) for name in names}), settings
    )


def search_request(asked: SearchParameters, settings: Settings, auto_depth: int = 0) -> SearchRequest:
    """What was asked, within the settings' limits. Raises InputError beyond them.

    auto_depth: how many passages `rerank=auto` has judged here.
    """
    require_within_limits(asked.limit, asked.offset, asked.q, asked.filter, settings)
    return SearchRequest(
        question=asked.q,
        limit=asked.limit,
        offset=asked.offset,
        mode=asked.mode,
        date_from=PartialDate.parse(asked.date_from).first if asked.date_from else None,
        date_to=PartialDate.parse(asked.date_to).last if asked.date_to else None,
        sources=tuple(asked.source),
        filter=asked.filter,
        as_of=PartialDate.parse(asked.as_of).last if asked.as_of else None,
        facets=tuple(asked.facets),
        group_by_article=asked.group_by == "article",
        sort=asked.sort,
        collapse=asked.collapse,
        min_score=asked.min_score,
        depth=max(DEPTH, 2 * settings.max_limit),
        rerank=auto_depth if asked.rerank == "auto" else settings.rerank_depth if asked.rerank else 0,
        diversity=asked.diversity,
        explain=asked.explain,
        differences=asked.differences,
    )
