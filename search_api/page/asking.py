"""What the page's form was filled in with, and links that ask the same again with a change.

Forgiving where the API is strict: empty fields and unknown names are passed over.
query string <-> PageQuery -> SearchParameters
"""

import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.datastructures import QueryParams

from passage_index.errors import InputError
from search_api.page.words import language_name
from search_api.parameters import SearchParameters
from search_api.problems import told

PAGE_HITS = 10
MODES = {"hybrid": "meaning and words", "semantic": "meaning only", "keyword": "words only"}
SORTS = {"relevance": "relevance", "newest": "newest first", "oldest": "oldest first"}
GROUPED = "one passage per article"


@dataclass(frozen=True, slots=True)
class Tag:
    """One thing that narrows a search, and the link that takes it away. is_name: of the corpus, not ours."""

    label: str
    without: str
    is_name: bool = False


@dataclass(frozen=True, slots=True)
class PageQuery:
    """The form's fields as they were sent, not yet checked. like: the passage that hits are to be like."""

    q: str = ""
    like: str = ""
    mode: str = "hybrid"
    date_from: str = ""
    date_to: str = ""
    sources: tuple[str, ...] = ()
    language: str = ""
    group_by: str = ""
    sort: str = "relevance"
    offset: str = "0"
    generation: str = ""

    @classmethod
    def parse(cls, sent: QueryParams) -> "PageQuery":
        """Fields of the query string, outer blanks dropped."""

        def field(name: str, otherwise: str = "") -> str:
            return sent.get(name, "").strip() or otherwise

        named = (name.strip() for name in sent.getlist("source"))
        return cls(
            q=field("q"),
            like=field("like"),
            mode=field("mode", "hybrid"),
            date_from=field("date_from"),
            date_to=field("date_to"),
            sources=tuple(dict.fromkeys(name for name in named if name)),
            language=field("language"),
            group_by=field("group_by"),
            sort=field("sort", "relevance"),
            offset=field("offset", "0"),
            generation=field("generation"),
        )

    def parameters(self, **changed: Any) -> SearchParameters:
        """The fields, checked. Raises InputError with a sentence for the person who filled them in."""
        asked = {
            "q": self.q or self.like,
            "limit": PAGE_HITS,
            "offset": self.offset,
            "mode": self.mode,
            "date_from": self.date_from or None,
            "date_to": self.date_to or None,
            "source": list(self.sources),
            "group_by": self.group_by or None,
            "sort": self.sort,
            "generation": self.generation or None,
        }
        if self.language:
            asked["filter"] = json.dumps({"language": self.language})
        try:
            return SearchParameters.model_validate(asked | changed)
        except ValidationError as error:
            raise InputError(told(error.errors())) from error

    @property
    def is_asked(self) -> bool:
        """Whether there is anything to search by."""
        return bool(self.q or self.like)

    @property
    def is_first_page(self) -> bool:
        """Whether no hit is passed over."""
        return self.offset == "0"

    @property
    def tags(self) -> list[Tag]:
        """What narrows the search, each with the link that takes it away again."""
        tags = []
        if self.mode != "hybrid":
            tags.append(Tag(MODES.get(self.mode, self.mode), self.changed(mode="hybrid")))
        if self.date_from or self.date_to:
            tags.append(Tag(_period(self.date_from, self.date_to), self.changed(date_from="", date_to="")))
        for name in self.sources:
            others = tuple(one for one in self.sources if one != name)
            tags.append(Tag(name, self.changed(sources=others), is_name=True))
        if self.language:
            tags.append(Tag(language_name(self.language), self.changed(language="")))
        if self.group_by:
            tags.append(Tag(GROUPED, self.changed(group_by="")))
        return tags

    def changed(self, **fields: Any) -> str:
        """The link that asks the same with other fields, from its first page on."""
        return replace(self, offset="0", generation="", **fields).link()

    def asking(self, question: str) -> str:
        """The link that asks another question, with nothing else filled in."""
        return PageQuery(q=question).link()

    def at(self, offset: int) -> str:
        """The link to another page of the same search."""
        return replace(self, offset=str(offset)).link()

    def also_from(self, source: str) -> str:
        """The link that asks one source more, or this one only where none was named."""
        return self.changed(sources=(*self.sources, source))

    def alike(self, passage_id: str) -> str:
        """The link to passages like one of the hits; the question stays in the box."""
        return PageQuery(q=self.q, like=passage_id).link()

    def without_filters(self) -> str:
        """The link that asks the same of the whole corpus, by every leg."""
        return PageQuery(q=self.q, like=self.like, sort=self.sort).link()

    def export(self, kind: str) -> str:
        """The link to all hits as a file."""
        return f"/results.{kind}{self.changed().removeprefix('/')}"

    def link(self) -> str:
        """The address of this search: what is not filled in is left out."""
        fields = [("q", self.q), ("like", self.like)]
        fields += [("date_from", self.date_from), ("date_to", self.date_to)]
        fields += [("source", name) for name in self.sources]
        fields += [("language", self.language), ("group_by", self.group_by)]
        fields += [("mode", self.mode if self.mode != "hybrid" else "")]
        fields += [("sort", self.sort if self.sort != "relevance" else "")]
        fields += [("offset", self.offset if self.offset != "0" else "")]
        fields += [("generation", self.generation)]
        return "/?" + urlencode([(name, value) for name, value in fields if value])


def _period(first: str, last: str) -> str:
    if first == last:
        return first
    if first and last:
        return f"{first} to {last}"
    return f"from {first}" if first else f"to {last}"
