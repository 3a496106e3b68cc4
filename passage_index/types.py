"""The vocabulary: what an article, a passage and a hit are.

Knows nothing of files, models or HTTP. Every offset is in Unicode code points into the article's
stored text; every span is half open, `[start, end)`.
"""

import base64
import calendar
import hashlib
import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]  # (n, dim), unit length
Scores = npt.NDArray[np.float64]  # (n,), rising with relevance
Rows = npt.NDArray[np.int64]  # (n,), positions inside a segment
PassageNos = npt.NDArray[np.uint64]  # (n,), never reused inside one index
Span = tuple[int, int]

Precision = Literal["day", "month", "year"]

MAX_ID_CHARS = 512

# Keys of an article as JSON, in any case; the first that has a value counts.
ID_KEYS = ("_id", "id")
TEXT_KEYS = ("text", "body", "content")
DATE_KEYS = ("date", "published_at")  # the first that can be read counts

_PARTIAL_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


@dataclass(frozen=True, slots=True, order=True)
class PartialDate:
    """A day, a month or a year, as an interval of days: `2023-11` is 2023-11-01 .. 2023-11-30."""

    first: date
    last: date

    @classmethod
    def parse(cls, text: str) -> "PartialDate":
        """`2023`, `2023-11` or `2023-11-09` -> PartialDate. Raises ValueError on anything else."""
        match = _PARTIAL_DATE.fullmatch(text)
        if match is None:
            raise ValueError(f"not a date of the form 2023, 2023-11 or 2023-11-09: {text[:40]!r}")
        year, month, day = (int(part) if part else None for part in match.groups())
        assert year is not None
        first = date(year, month or 1, day or 1)
        if day:
            return cls(first, first)
        last_month = month or 12
        return cls(first, date(year, last_month, calendar.monthrange(year, last_month)[1]))

    @property
    def precision(self) -> Precision:
        """How much of the date is known."""
        if self.first == self.last:
            return "day"
        return "month" if self.first.month == self.last.month else "year"

    def __str__(self) -> str:
        """The ISO form, as short as what is known: `2023`, `2023-11`, `2023-11-09`."""
        return self.first.isoformat()[: {"day": 10, "month": 7, "year": 4}[self.precision]]


@dataclass(frozen=True, slots=True)
class Article:
    r"""One article as it is stored: text normalised (NFC, `\n`), everything else as found."""

    id: str
    text: str
    title: str = ""
    published: PartialDate | None = None
    source: str | None = None
    url: str | None = None
    language: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passage:
    """A window of whole sentences of one article."""

    article_id: str
    start: int
    end: int
    sentences: tuple[Span, ...]

    @property
    def id(self) -> str:
        """The public id: `passage_id(article_id, start, end)`."""
        return passage_id(self.article_id, self.start, self.end)


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage with all that a reader wants to know of it."""

    passage: Passage
    text: str
    article: Article


def article_id_fault(article_id: str) -> str | None:
    """Why a text can be no article's id, or None."""
    if not article_id:
        return "there is no id"
    if len(article_id) > MAX_ID_CHARS:
        return f"the id has {len(article_id)} characters; at most {MAX_ID_CHARS} are allowed"
    if any(ord(c) < 32 or 127 <= ord(c) < 160 for c in article_id):
        return "the id holds a control character"
    return None


def passage_id(article_id: str, start: int, end: int) -> str:
    """The public id of a passage: 22 URL-safe characters, 128 bits of BLAKE2b.

    Depends on nothing but its arguments, so that every engine gives a passage the same id.
    """
    digest = hashlib.blake2b(f"{article_id}\0{start}\0{end}".encode(), digest_size=16).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def sha256_text(text: str) -> str:
    """The hash a citation is checked by: SHA-256 of the UTF-8 bytes, as hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()
