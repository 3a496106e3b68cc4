"""A row -> an Article, the same for every format: keys, id, normal form, date, source, language.

Knows nothing of files; `fallback_id` is what the walk says of where the row was found.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from urllib.parse import urlsplit

from indexer.dates import parse_published, split_date_line
from indexer.readers.language import detected_language
from indexer.readers.mojibake import mended
from indexer.readers.normal_form import normalise_text, one_line
from indexer.readers.records import Row, Unfit, kind_of
from passage_index.types import DATE_KEYS, ID_KEYS, TEXT_KEYS, Article, PartialDate, article_id_fault

LANGUAGE_KEYS = ("lang", "language")

MAX_URL_CHARS = 2048
MAX_TEXT_CHARS = 4 << 20  # War and Peace has 3.2 million
MAX_NAME_CHARS = 2000  # of a title or a source, which stand in every hit
MAX_METADATA_CHARS = 1 << 20  # as JSON
MAX_DEPTH = 32  # of metadata

_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,3}")


def article_from_row(row: Row, fallback_id: str) -> Article:
    """The article a row describes. Raises Unfit if it has no text or no id that can stand.

    Keys are matched without regard to case, the first with a value (of dates: with one that can be read)
    counts, and all that is not used is kept as metadata: also a date that cannot be read
    (`date_as_given`) and one in the text that is not the given one (`date_in_text`).
    """
    fields = _Fields(row.fields)
    article_id = _id(fields.take(*ID_KEYS), fallback_id)
    title, text = _title(fields), _text(fields.take(*TEXT_KEYS))
    published, given = _date(fields)
    if published is None and given is not None:
        fields.left["date_as_given"] = given
    line_date, text = split_date_line(text)
    line_date = parse_published(fields.take("date_in_text")) or line_date
    if published is None:
        published = line_date
    elif line_date not in (None, published):
        fields.left["date_in_text"] = str(line_date)
    source, url = _source(fields)
    article = Article(
        id=article_id,
        text=text,
        title=title,
        published=published,
        source=source,
        url=url,
        language=_language(fields) or detected_language(title, text),
        metadata=_metadata(fields.left),
    )
    _check_characters(article)
    return article


def _date(fields: "_Fields") -> tuple[PartialDate | None, object]:
    """The first date that can be read, and as what it was given; else the first that was given."""
    unread: object = None
    for key in DATE_KEYS:
        given = fields.take(key)
        published = parse_published(given)
        if published is not None:
            if unread is not None:
                fields.left["date_as_given"] = unread
            return published, given
        unread = given if unread is None else unread
    return None, unread


def id_of(fields: Mapping[str, object]) -> str | None:
    """The id that a row gives itself, or None where it gives none that can stand."""
    try:
        return _id(_Fields(fields).take(*ID_KEYS), "")
    except Unfit:
        return None


def check_columns(columns: Sequence[str]) -> None:
    """Raise Unfit if none of a table's columns is a text."""
    if not any(column.strip().lower() in TEXT_KEYS for column in columns):
        found = ", ".join(columns)[:200] or "nothing"
        raise Unfit(f"no column named {', '.join(TEXT_KEYS[:-1])} or {TEXT_KEYS[-1]}: found {found}")


class _Fields:
    """The keys of a row that no role has taken yet, empty ones left out."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        self.left = {key: value for key, value in _spread(fields) if not _is_empty(value)}
        self._key_of: dict[str, str] = {}
        for key in self.left:
            self._key_of.setdefault(key.strip().lower(), key)

    def take(self, *names: str) -> object:
        """The value of the first name that has one, taken out; None if there is none."""
        for name in names:
            if (key := self._key_of.get(name)) in self.left:
                return self.left.pop(key)
        return None


def _spread(fields: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """The items of a row; those of a `metadata` object stand beside the others, which count first."""
    inner = fields.get("metadata")
    if not isinstance(inner, dict):
        yield from fields.items()
        return
    yield from ((key, value) for key, value in inner.items() if key not in fields)
    yield from ((key, value) for key, value in fields.items() if key != "metadata")


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and (not value or value.isspace()))


def _id(value: object, fallback: str) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise Unfit("the id is no finite number")
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        raise Unfit(f"the id is {kind_of(value)}; expected a string or a number")
    article_id = fallback if value is None else str(value)
    fault = article_id_fault(article_id)
    if fault is not None:
        raise Unfit(fault)
    return article_id


def _text(value: object) -> str:
    if value is None:
        raise Unfit(f"no text: none of {', '.join(TEXT_KEYS)} holds any")
    if not isinstance(value, str):
        raise Unfit(f"no text: it is {kind_of(value)}; expected a string")
    if len(value) > MAX_TEXT_CHARS:
        raise Unfit(f"a text of more than {MAX_TEXT_CHARS >> 20} Mi characters; make several articles of it")
    text = normalise_text(mended(value))
    if not text:
        raise Unfit("no text: nothing but blanks and control characters")
    return text


def _title(fields: _Fields) -> str:
    value = fields.take("title")
    name = _name(value)
    if name is None and value is not None:
        fields.left["title_as_given"] = value
    return name or ""


def _name(value: object) -> str | None:
    """A title or the name of a source as it is shown; None for what can be neither."""
    if not isinstance(value, str | int | float):
        return None
    name = one_line(mended(str(value)))
    return name if len(name) <= MAX_NAME_CHARS else None


def _source(fields: _Fields) -> tuple[str | None, str | None]:
    """(source, url): an address given as source is the url too, and its host is the source."""
    source, url = fields.take("source"), fields.take("url")
    host_of_source = _host(source)
    if url is not None and _host(url) is None:
        fields.left["url"], url = url, None  # kept, but nothing to link to
    if host_of_source:
        url = url or source
    name = host_of_source or _name(source)
    if name is None and source is not None:
        fields.left["source"] = source
    link = url.strip() if isinstance(url, str) else None
    return name or _host(link), link


def _host(value: object) -> str | None:
    """The host of a web address, without www.; None for anything else."""
    if not isinstance(value, str) or len(value) > MAX_URL_CHARS:
        return None
    address = value.strip()
    if not address.lower().startswith(("http://", "https://")) or not address.isprintable() or " " in address:
        return None
    try:
        host = urlsplit(address).hostname
    except ValueError:
        return None
    return host.removeprefix("www.") if host else None


def _language(fields: _Fields) -> str | None:
    value = fields.take(*LANGUAGE_KEYS)
    if isinstance(value, str) and _LANGUAGE_TAG.fullmatch(value.strip()):
        return value.strip()
    if value is not None:
        fields.left["language_as_given"] = value
    return None


def _metadata(left: Mapping[str, object]) -> dict[str, Any]:
    kept = ((key, _json_value(value, 0)) for key, value in left.items())
    metadata = {key: value for key, value in kept if value is not None}
    if len(json.dumps(metadata, ensure_ascii=False)) > MAX_METADATA_CHARS:
        raise Unfit(f"metadata of more than {MAX_METADATA_CHARS >> 20} Mi characters")
    return metadata


def _json_value(value: object, depth: int) -> Any:
    """A value as JSON has it; None for what JSON cannot say (NaN, bytes)."""
    if depth > MAX_DEPTH:
        raise Unfit(f"metadata nested deeper than {MAX_DEPTH} levels")
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _json_value(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(inner, depth + 1) for inner in value]
    return None if isinstance(value, bytes | bytearray) else str(value)


def _check_characters(article: Article) -> None:
    """Refuse lone surrogates: JSON can write them, but they are no characters and have no UTF-8."""
    try:
        for value in (article.id, article.text, article.title, article.source or "", article.url or ""):
            value.encode()
        json.dumps(article.metadata, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise Unfit("a lone surrogate, half of a character, stands in the record") from error
