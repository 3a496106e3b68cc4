"""The file of saved searches: TOML, or JSON lines.

What a search may hold is what `/v1/search` takes, by the same checks. File -> SavedSearch
"""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from passage_index.errors import InputError
from search_api.hits import SearchRequest
from search_api.parameters import SearchBody, search_request
from search_api.problems import told
from search_api.settings import Settings

MIN_SCORE = 0.3  # where a search names none
OWN = ("name", "question")
TAKEN = ("q", "mode", "source", "filter", "date_from", "date_to", "min_score")
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search with a name. fingerprint: of all that it asks; it changes when the search does."""

    name: str
    request: SearchRequest
    fingerprint: str


def read_saved(file: Path, settings: Settings) -> list[SavedSearch]:
    """All searches of a file, in its order. Raises InputError with the place of what is wrong."""
    found: dict[str, SavedSearch] = {}
    for place, record in _records(file):
        search = _search(record, place, settings)
        if search.name in found:
            raise InputError(f"{place}: there is a search {search.name!r} already; names must differ")
        found[search.name] = search
    if not found:
        raise InputError(f"{file} holds no search; write one as [[search]] with `name` and `question`")
    return list(found.values())


def _records(file: Path) -> Iterator[tuple[str, Any]]:
    """(place, record): `[[search]]` tables of TOML, or one JSON object a line."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read as UTF-8 text: {error}") from error
    if file.suffix.lower() in (".jsonl", ".ndjson"):
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                try:
                    yield f"{file}:{number}", json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise InputError(f"{file}:{number} is not a JSON object: {error}") from error
        return
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{file} is not TOML: {error}") from error
    unknown = sorted(set(data) - {"search"})
    searches = data.get("search", [])
    if unknown or not isinstance(searches, list):
        raise InputError(f"{file}: only [[search]] tables are known, not {', '.join(unknown) or '[search]'}")
    yield from ((f"{file}, search {number}", one) for number, one in enumerate(searches, start=1))


def _search(record: Any, place: str, settings: Settings) -> SavedSearch:
    if not isinstance(record, Mapping):
        raise InputError(f"{place} is no object with `name` and `question`")
    unknown = sorted(set(record) - {*OWN, *TAKEN})
    if unknown:
        known = ", ".join((*OWN, *TAKEN[1:]))
        raise InputError(f"{place}: not known here: {', '.join(unknown)}; a search has {known}")
    name, question = record.get("name"), record.get("question", record.get("q"))
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise InputError(f"{place} needs a `name`, on one line and of at most {LONGEST_NAME} characters")
    if not isinstance(question, str):
        raise InputError(f"{place} needs a `question`")
    asked = {key: value for key, value in record.items() if key in TAKEN and key != "q"}
    try:
        body = SearchBody(**{"min_score": MIN_SCORE, **asked, "q": question})
        request = search_request(body, settings)
    except ValidationError as error:
        raise InputError(f"{place}: {told(error.errors(include_input=False))}") from error
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    if not any(character.isalnum() for character in question):
        raise InputError(f"{place}: the question has no word in it")
    text = json.dumps(["1", question, asked], sort_keys=True, ensure_ascii=False, default=str)
    return SavedSearch(
        name=name.strip(),
        request=replace(request, group_by_article=True),
        fingerprint=hashlib.sha256(text.encode()).hexdigest()[:16],
    )
