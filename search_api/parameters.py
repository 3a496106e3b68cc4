"""What a search may be asked over HTTP: names, forms and limits, alike for GET and POST.

A query string is read forgivingly (`limit=5` is a number), JSON strictly; both know no other names.
query string or JSON -> SearchParameters -> SearchRequest
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from passage_index.errors import InputError
from passage_index.types import PartialDate
from search_api.fusion import Mode
from search_api.hits import SearchRequest
from search_api.settings import Settings

MAX_GENERATION = 10**9
DATE_PATTERN = r"^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$"


def _written(text: str) -> str:
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


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


DateText = Annotated[str, Field(pattern=DATE_PATTERN), AfterValidator(_possible_date)]


class SearchParameters(BaseModel):
    """A search, as GET takes it; POST takes the same names."""

    model_config = ConfigDict(extra="forbid")

    q: Annotated[
        str,
        Field(
            min_length=1,
            description='A question or words. `"…"` and `+word` must occur, `-word` must not.',
            examples=["How many residents may be evacuated?"],
        ),
        AfterValidator(_written),
    ]
    limit: Annotated[int, Field(ge=1, description="Hits on a page.")] = 10
    offset: Annotated[int, Field(ge=0, description="Hits to pass over before the first.")] = 0
    mode: Annotated[
        Mode, Field(description="`semantic` compares meaning, `keyword` words, `hybrid` both.")
    ] = "hybrid"
    date_from: Annotated[
        DateText | None,
        Field(description="Published on or after this day, month or year: `2023-11-09`, `2023-11`, `2023`."),
    ] = None
    date_to: Annotated[
        DateText | None,
        Field(description="Published on or before this day, month or year."),
    ] = None
    source: Annotated[
        list[Annotated[str, AfterValidator(_written)]],
        BeforeValidator(_listed),
        Field(max_length=100, description="Only these sources; can be repeated."),
    ] = []
    group_by: Annotated[
        Literal["article"] | None, Field(description="`article`: only the best passage of each article.")
    ] = None
    collapse: Annotated[
        bool, Field(description="Fold passages of nearly the same text into the best of them.")
    ] = True
    min_score: Annotated[
        float, Field(ge=0, le=1, allow_inf_nan=False, description="Leave out hits that score less.")
    ] = 0.0
    generation: Annotated[
        int | None,
        Field(
            ge=1,
            le=MAX_GENERATION,
            description="Answer from this state of the index, as the reply to page 1 named it, so that pages "
            "fit together; 410 when it is not kept any more.",
        ),
    ] = None


class SearchBody(SearchParameters):
    """A search, as POST takes it."""

    model_config = ConfigDict(extra="forbid", strict=True)


class BatchBody(BaseModel):
    """Several searches in one request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    requests: Annotated[list[SearchBody], Field(min_length=1, description="Answered in this order.")]


def search_request(asked: SearchParameters, settings: Settings) -> SearchRequest:
    """What was asked, within the settings' limits. Raises InputError beyond them."""
    for name, found, most in (
        ("limit", asked.limit, settings.max_limit),
        ("offset", asked.offset, settings.max_offset),
        ("the length of q", len(asked.q), settings.max_question_chars),
    ):
        if found > most:
            raise InputError(f"{name} can be at most {most} here")
    return SearchRequest(
        question=asked.q,
        limit=asked.limit,
        offset=asked.offset,
        mode=asked.mode,
        date_from=PartialDate.parse(asked.date_from).first if asked.date_from else None,
        date_to=PartialDate.parse(asked.date_to).last if asked.date_to else None,
        sources=tuple(asked.source),
        group_by_article=asked.group_by == "article",
        collapse=asked.collapse,
        min_score=asked.min_score,
    )
