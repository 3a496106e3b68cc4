"""What the articles of one segment say of a field that has no column: metadata, title and URL.

Read from the passage store when a filter first asks for the field, and kept: one pass over the
articles a field, then none. A value stands once, however many articles have it. Holds values by
article; which rows those are is masks.py's business. (PassageReader, Condition) -> (articles,) bool
"""

import json
import math
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import ge, gt, le, lt
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from passage_index.filters import METADATA, Condition, Kind, Operator, Scalar
from passage_index.passages import PassageReader

KEPT_FIELDS = 32  # of a segment, the last asked for

ArticleMask = npt.NDArray[np.bool_]  # (articles,), in the order of the segment's rows

_RANGES: dict[Operator, Callable[[Any, Any], bool]] = {"$gte": ge, "$lte": le, "$gt": gt, "$lt": lt}


@dataclass(frozen=True, slots=True)
class _Coded:
    """Values of one kind: what articles[i] says is the value whose code is codes[i]."""

    code_of: dict[Scalar, int]
    articles: npt.NDArray[np.int32]  # (said,), an article with a list of values stands several times
    codes: npt.NDArray[np.int32]  # (said,)


@dataclass(frozen=True, slots=True)
class _Field:
    present: ArticleMask  # something other than null is said
    coded: dict[Kind, _Coded]


@dataclass(slots=True)
class _Known:
    """What has been read of a segment, whatever generation it stands in."""

    lock: Lock = field(default_factory=Lock)  # held during a pass: who asks for the same waits for it
    fields: OrderedDict[str, _Field] = field(default_factory=OrderedDict)
    keys: set[str] | None = None  # of all metadata, known after the first pass over it
    articles: int = 0


class Facts:
    """The fields of one segment's articles. Safe to share between threads."""

    def __init__(self, texts: PassageReader, twin: "Facts | None" = None) -> None:
        """twin: of the same segment in another generation; what it has read needs no reading here."""
        self._texts = texts
        self._known: _Known = twin._known if twin else _Known()

    def holding(self, condition: Condition) -> ArticleMask:
        """The articles for which a condition on their metadata, title or URL holds: (articles,)."""
        field = self._field(condition.field)
        if condition.operator == "$exists":
            return field.present
        found = np.zeros(len(field.present), dtype=bool)
        coded = field.coded.get(condition.kind)
        if coded is not None:
            found[coded.articles[passing(condition, coded.code_of)[coded.codes]]] = True
        return found

    def knows(self, field: str) -> bool:
        """Whether any article, deleted or not, says something of the field."""
        return bool(self._field(field).present.any())

    def _field(self, name: str) -> _Field:
        known, key = self._known, name.removeprefix(METADATA) if name.startswith(METADATA) else None
        with known.lock:
            if key is not None and known.keys is not None and key not in known.keys:
                # No pass, or whoever asks for one key after the other makes us read on and on.
                return _Field(np.zeros(known.articles, dtype=bool), {})
            found = known.fields.pop(name, None)
            if found is None:
                found = _coded(self._plain(name) if key is None else self._metadata(key))
            known.fields[name] = found
            if len(known.fields) > KEPT_FIELDS:
                known.fields.popitem(last=False)
            return found

    def _plain(self, name: str) -> list[Any]:
        return [value or None for value in self._texts.column(name)]  # an empty title is none

    def _metadata(self, key: str) -> list[Any]:
        keys, values = set(), []
        for written in self._texts.column("metadata"):
            metadata = json.loads(written)
            keys.update(metadata)
            values.append(metadata.get(key))
        self._known.keys, self._known.articles = keys, len(values)
        return values


def passing(condition: Condition, values: Iterable[Scalar]) -> npt.NDArray[np.bool_]:
    """Which of some values, all of the condition's kind, satisfy it: (n,) of n values."""
    if condition.operator == "$exists":
        return np.array([True for _ in values], dtype=bool)
    if condition.operator == "$in":
        wanted = frozenset(condition.values)
        return np.array([value in wanted for value in values], dtype=bool)
    compare, (bound,) = _RANGES[condition.operator], condition.values
    return np.array([compare(value, bound) for value in values], dtype=bool)


def _coded(said: list[Any]) -> _Field:
    """Values in the order of the articles to codes; of a list each scalar counts, of an object nothing."""
    code_of: dict[Kind, dict[Scalar, int]] = {"text": {}, "number": {}, "flag": {}}
    pairs: dict[Kind, list[tuple[int, int]]] = {kind: [] for kind in code_of}
    for article, value in enumerate(said):
        for one in value if isinstance(value, list) else [value]:
            kind = _kind(one)
            if kind is not None:
                codes = code_of[kind]
                pairs[kind].append((article, codes.setdefault(one, len(codes))))
    coded: dict[Kind, _Coded] = {}
    for kind, found in pairs.items():
        if found:
            articles, codes_said = np.array(found, dtype=np.int32).T
            coded[kind] = _Coded(code_of[kind], articles, codes_said)
    return _Field(np.array([value is not None for value in said], dtype=bool), coded)


def _kind(value: Any) -> Kind | None:
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int) or (isinstance(value, float) and not math.isnan(value)):
        return "number"
    return None
