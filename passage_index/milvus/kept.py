"""The passages and articles of one published generation that were asked for last, so that none comes twice.

What is published never changes, so nothing that is kept grows old. Ranks nothing.
ids -> Evidence, articles
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from passage_index.errors import ClusterUnavailable
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

MOST_PASSAGES, MOST_ARTICLES = 20_000, 2_000  # some 5 KB each

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

    def taken(self, rows: Sequence[Any]) -> list[Evidence]:
        """The evidence in rows that Milvus gave, each passage once."""
        found: dict[str, Evidence] = {}
        for row in rows:
            name = row["id"]
            if name not in found:
                known = self._passages.get(name)
                found[name] = known or read_evidence({**row.get("entity", row), "id": name}, self._dim)
        self._passages.put(found)
        return list(found.values())

    def evidence(self, rows: Handles) -> list[Evidence]:
        """The evidence of passages by id, (n,), in that order; asked for again where it is kept no more."""
        ids = [str(row) for row in rows]
        found = {one: known for one in ids if (known := self._passages.get(one))}
        missing = [one for one in dict.fromkeys(ids) if one not in found]
        if missing:
            given = self.taken(get(self._cluster, self._names.passages, missing, EVIDENCE))
            found |= {one.id: one for one in given}
            lost = next((one for one in missing if one not in found), None)
            if lost:
                raise ClusterUnavailable(f"Milvus does not give passage {lost}, which it gave before")
        return [found[one] for one in ids]

    def articles(self, ids: Sequence[str]) -> dict[str, Whole]:
        """Those of the articles that are there, with their passages."""
        found = {one: known for one in dict.fromkeys(ids) if (known := self._articles.get(one))}
        keys = {f"{ARTICLE}:{article_key(one)}": one for one in ids if one not in found}
        if keys:
            records = read_records(self._cluster, self._names, list(keys))
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
