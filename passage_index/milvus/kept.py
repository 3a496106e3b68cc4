"""The passages and articles of one published generation that were asked for last, so that none comes twice.

What is published never changes, so nothing that is kept grows old. Ranks nothing.
ids -> Evidence, articles
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from passage_index.milvus.cluster import Cluster
from passage_index.milvus.entities import (
    ARTICLE,
    EVIDENCE,
    Evidence,
    article_key,
    read_article,
    read_evidence,
)
from passage_index.milvus.publication import get, read_records
from passage_index.milvus.schema import Names
from passage_index.types import Article, StoredPassage

MOST_PASSAGES, MOST_ARTICLES = 50_000, 2_000  # some 4 KB each
ASKED_AT_ONCE = 1000  # passages, some 5 KB each on their way

K = TypeVar("K")
V = TypeVar("V")

Handles = npt.NDArray[np.str_]  # (n,), public ids
Whole = tuple[Article, list[StoredPassage]]  # an article and its passages in the order of its text


class Kept:
    """Safe to share between threads."""

    def __init__(self, cluster: Cluster, names: Names, dim: int) -> None:
        self._cluster, self._names, self._dim = cluster, names, dim
        self._passages: _Last[str, Evidence] = _Last(MOST_PASSAGES)
        self._articles: _Last[str, Whole] = _Last(MOST_ARTICLES)

    def passages(self, ids: Iterable[str], are_there: bool = False) -> dict[str, Evidence]:
        """The evidence of those of the passages that are there; only what is not kept is asked for.

        are_there: Milvus named them, so that none may be missing. Raises ClusterUnavailable then.
        """
        ids = dict.fromkeys(ids)
        found = {one: known for one in ids if (known := self._passages.get(one))}
        missing = [one for one in ids if one not in found]
        for start in range(0, len(missing), ASKED_AT_ONCE):
            some = missing[start : start + ASKED_AT_ONCE]
            rows = get(self._cluster, self._names.passages, some, EVIDENCE, are_there=are_there)
            given = {row["id"]: read_evidence(row, self._dim) for row in rows}
            self._passages.put(given)
            found |= given
        return found

    def evidence(self, rows: Handles | Sequence[str]) -> list[Evidence]:
        """The evidence of passages that Milvus named, (n,), in that order."""
        ids = [str(row) for row in rows]
        found = self.passages(ids, are_there=True)
        return [found[one] for one in ids]

    def articles(self, ids: Sequence[str], are_there: bool = False) -> dict[str, Whole]:
        """Those of the articles that are there, with their passages. are_there: see `passages`."""
        found = {one: known for one in dict.fromkeys(ids) if (known := self._articles.get(one))}
        keys = {f"{ARTICLE}:{article_key(one)}": one for one in ids if one not in found}
        if keys:
            records = read_records(self._cluster, self._names, list(keys), are_there=are_there)
            read = {keys[key]: read_article(raw) for key, raw in records.items()}
            self._articles.put(read)
            found |= read
        return found


class _Last(Generic[K, V]):
    """The values that were asked for last."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, Lock()
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        with self._lock:
            found = self._values.get(key)
            if found is not None:
                self._values.move_to_end(key)
            return found

    def put(self, values: Mapping[K, V]) -> None:
        with self._lock:
            self._values.update(values)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
