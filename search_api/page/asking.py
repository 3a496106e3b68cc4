"""What the page's form was filled in with, and links that ask the same again with a change.

Forgiving where the API is strict: empty fields and unknown names are passed over.
query string <-> PageQuery -> SearchParameters
"""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.datastructures import QueryParams

from passage_index.errors import InputError
from search_api.parameters import SearchParameters
from search_api.problems import told

PAGE_HITS = 10


@dataclass(frozen=True, slots=True)
class PageQuery:
    """The form's fields as they were sent, not yet checked."""

    q: str = ""
    mode: str = "hybrid"
    date_from: str = ""
    date_to: str = ""
    sources: tuple[str, ...] = ()
    group_by: str = ""
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
            mode=field("mode", "hybrid"),
            date_from=field("date_from"),
            date_to=field("date_to"),
            sources=tuple(dict.fromkeys(name for name in named if name)),
            group_by=field("group_by"),
            offset=field("offset", "0"),
            generation=field("generation"),
        )

    def parameters(self) -> SearchParameters:
        """The fields, checked. Raises InputError with a sentence for the person who filled them in."""
        try:
            return SearchParameters.model_validate(
                {
                    "q": self.q,
                    "limit": PAGE_HITS,
                    "offset": self.offset,
                    "mode": self.mode,
                    "date_from": self.date_from or None,
                    "date_to": self.date_to or None,
                    "source": list(self.sources),
                    "group_by": self.group_by or None,
                    "generation": self.generation or None,
                }
            )
        except ValidationError as error:
            raise InputError(told(error.errors())) from error

    @property
    def filters(self) -> int:
        """How many fields narrow the search."""
        return bool(self.date_from) + bool(self.date_to) + len(self.sources) + bool(self.group_by)

    @property
    def is_default(self) -> bool:
        """True if only a question was asked."""
        return self.filters == 0 and self.mode == "hybrid"

    def meaning(self, question: str) -> str:
        """The link that asks another question of the same part of the corpus."""
        return replace(self, q=question, offset="0", generation="").link()

    def asking(self, question: str) -> str:
        """The link that asks another question, with nothing else filled in."""
        return PageQuery(q=question).link()

    def at(self, offset: int) -> str:
        """The link to another page of the same search."""
        return replace(self, offset=str(offset)).link()

    def without_filters(self) -> str:
        """The link that asks the same of the whole corpus, by every leg."""
        return PageQuery(q=self.q).link()

    def link(self) -> str:
        """The address of this search: what is not filled in is left out."""
        fields = [("q", self.q), ("date_from", self.date_from), ("date_to", self.date_to)]
        fields += [("source", name) for name in self.sources]
        fields += [("group_by", self.group_by)]
        fields += [("mode", self.mode if self.mode != "hybrid" else "")]
        fields += [("offset", self.offset if self.offset != "0" else "")]
        fields += [("generation", self.generation)]
        return "/?" + urlencode([(name, value) for name, value in fields if value])
