"""One published generation in Milvus, asked as an open one on disk is: the same calls, the same scores.

Milvus proposes: the nearest vectors and the best words, within the filters. Cosines are then made anew
from the stored vectors, as the embedded index makes them; BM25 is the server's own. The handles of a
pool's passages are their ids. What came once is kept for a while. Does not encode, fuse or rank.
(question vector, words, where) -> Pool
"""

import math
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from passage_index.backend import Awaited, Pool
from passage_index.columns import SIGNATURE_LENGTH, Where
from passage_index.dense import from_bf16
from passage_index.errors import InputError
from passage_index.lexical import Words, require_same_analyzer
from passage_index.milvus import scoring
from passage_index.milvus.cluster import Cluster
from passage_index.milvus.entities import (
    best_sentences,
    exact_scores,
    shard_of,
)
from passage_index.milvus.expressions import among, both, expression
from passage_index.milvus.kept import Handles, Kept
from passage_index.milvus.lexicon import Lexicon
from passage_index.milvus.publication import read_publication, words_file
from passage_index.milvus.schema import CONSISTENCY, VECTOR, Names, VectorIndex
from passage_index.passages import id_bytes
from passage_index.types import Article, Scores, StoredPassage, Vectors
from passage_index.vocabulary import Vocabulary, VocabularyReader

SLACK = 64  # passages asked for beyond those wanted: the nearest by Milvus' index are not quite ours
TIES = 8  # the same where Milvus looks at all, and only what is equal to some digits can fall otherwise
LEGS = 8  # requests to the cluster at the same time, of one generation
MOST_FOUND = 16_384  # rows that Milvus gives at once
LEAST_A_SHARD = 32  # rows for each shard, from which none of one cannot be chance: once in 10^13


def no_lack(answer: Any) -> str:
    """Of an answer that may be of any length."""
    return ""


class MilvusSnapshot:
    """A generation that was published. Safe to share between threads."""

    def __init__(self, cluster: Cluster, names: Names, cache: Path) -> None:
        """cache: where the words file is kept. Raises ClusterUnavailable, NotFound, CorruptIndex."""
        self._cluster, self.published = cluster, names
        if cluster.is_lite:  # it forgets with its process what was loaded; servers do not
            for name in names.of(cluster):
                cluster.ask("load_collection", name)
        self._publication = read_publication(cluster, names)
        self._shards = int(cluster.ask("describe_collection", names.passages).get("num_shards", 1))
        self.manifest = self._publication.manifest
        self._dim = self.manifest.encoder.dim
        require_same_analyzer(self.manifest.analyzer, Path(names.passages))
        file = words_file(cluster, names, cache)
        self.lexical = Lexicon(file, self.manifest.passages)
        self._reader = VocabularyReader(file)
        self.vocabulary = Vocabulary([self._reader])
        self._threads = ThreadPoolExecutor(LEGS, thread_name_prefix="milvus")
        self._kept = Kept(cluster, names, self._dim)

    @property
    def generation(self) -> int:
        """The number that stands in every reply."""
        return self.manifest.generation

    @property
    def has_words(self) -> bool:
        """Whether words can be searched for; a server below 2.5 knows vectors only."""
        return self._cluster.has_words

    @property
    def proposing(self) -> VectorIndex:
        """What proposes passages."""
        return self._publication.index

    def check(self) -> None:
        """Ask for a few passages by a vector. Raises ClusterUnavailable where no whole answer comes."""
        some = np.zeros(self._dim, dtype=np.float32)
        some[0] = 1
        self._nearest(some, "", min(LEAST_A_SHARD * self._shards, MOST_FOUND))

    def close(self) -> None:
        """Let go of threads and files. The connection is whoever made it's."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._reader.close()
        self.lexical.close()

    # -- candidates ---------------------------------------------------------------------------

    def pool(self, vector: Vectors | Awaited | None, words: Words, where: Where, depth: int) -> Pool:
        """The `depth` best passages by vector and by words, each scored by both. See Snapshot.

        (dim,) -> (n,). Raises InputError where words are asked for and the server has none.
        """
        phrases = words.required or words.excluded
        if (words or phrases) and not self.has_words:
            raise InputError(
                f"Milvus {self._cluster.version_text} searches by vectors only; words need 2.5 or newer: ask "
                "with mode=semantic, without quotes, + and -"
            )
        only = both(expression(where.whole), scoring.phrases(words))
        asked = min(depth + (TIES if self.proposing.kind == "FLAT" else SLACK), MOST_FOUND)
        queries = scoring.queries(words, self.lexical)
        worded = [
            self._later(self._worded, field, texts[:1], only, asked) for field, texts in queries.items()
        ]
        vector = vector() if callable(vector) else vector
        near = self._later(self._nearest, vector, only, asked) if vector is not None else None
        dense = set(near.result()) if near else set()
        lexical = {name for found in worded for name in found.result()}
        return self._evidence(dense, lexical, vector, words, queries, depth)

    def _evidence(
        self,
        dense: set[str],
        lexical: set[str],
        vector: Vectors | None,
        words: Words,
        queries: scoring.Queries,
        depth: int,
    ) -> Pool:
        """The best of both legs, scored by both."""
        ids = sorted(dense | lexical)
        by_words = self._later(self._bm25, self.published.passages, queries, ids, words)
        found = self._kept.evidence(ids)
        cosines = exact_scores(vector, found) if vector is not None else np.zeros(len(found))
        articles = sorted({one.article_key for one in found})
        by_article = self._later(self._bm25, self.published.articles, queries, articles, words)
        bm25, of_article = by_words.result(), dict(zip(articles, by_article.result(), strict=True))
        kept = _best(dense, ids, cosines, depth) | _best(lexical, ids, bm25, depth)
        chosen = [i for i, name in enumerate(ids) if name in kept]
        some = [found[i] for i in chosen]
        return Pool(
            rows=_handles([one.id for one in some]),
            ids=[one.id for one in some],
            dense=cosines[chosen],
            sentence=np.zeros(len(some)) if vector is None else best_sentences(vector, some),
            lexical=bm25[chosen],
            article_lexical=np.array([of_article[one.article_key] for one in some]),
            article=np.array([one.article for one in some], dtype=np.uint64),
            first_day=np.array([one.first_day for one in some], dtype=np.int32),
            last_day=np.array([one.last_day for one in some], dtype=np.int32),
            signature=np.array([one.signature for one in some], dtype=np.uint16).reshape(
                -1, SIGNATURE_LENGTH
            ),
            terms=len(words.terms),
            rarest_idf=math.log(2 * self.manifest.passages + 2),
        )

    def _nearest(self, vector: Vectors, only: str, k: int) -> list[str]:
        """The ids of the passages nearest to a (dim,) vector.

        Raises ClusterUnavailable on fewer than there must be.
        """
        params = {"params": self._publication.index.search}
        lacks = no_lack if only else self._lacks(k)
        (found,) = self._search(VECTOR, self.published.passages, [vector], only, k, params, lacks)
        return [hit["id"] for hit in found]

    def _lacks(self, k: int) -> Callable[[Any], str]:
        """What shows that a shard had no part in the k nearest of all: a node answers for it too early."""
        least, shards = min(k, self.manifest.passages), self._shards

        def lacks(answer: Any) -> str:
            (found,) = answer
            if len(found) < least:
                return f"{len(found)} passages came where {least} must be; look at its query nodes"
            if least < LEAST_A_SHARD * shards:
                return ""
            silent = shards - len({shard_of(hit["id"], shards) for hit in found})
            return f"nothing came from {silent} of {shards} shards; look at its query nodes" if silent else ""

        return lacks

    def _worded(self, field: str, texts: Sequence[str], only: str, k: int) -> list[str]:
        """The ids of the passages that are best by BM25 of one text."""
        (found,) = self._search(field, self.published.passages, texts, only, k, {})
        return [hit["id"] for hit in found]

    def _search(
        self,
        field: str,
        collection: str,
        data: Sequence[Any],
        only: str,
        k: int,
        params: dict[str, Any],
        lacks: Callable[[Any], str] = no_lack,
    ) -> list[list[Any]]:
        """The rows that are best by each of `data`, ids and distances alone: what they hold may be kept."""
        found = self._cluster.ask(
            "search", collection, list(data), anns_field=field, filter=only, limit=k,
            search_params=params, consistency_level=CONSISTENCY, lacks=lacks,
        )  # fmt: skip
        return [list(one) for one in found]

    def _bm25(self, collection: str, queries: scoring.Queries, ids: Sequence[str], words: Words) -> Scores:
        """BM25 of each of those rows, 0 where no word is in it: (n,)."""
        if not ids or not queries:
            return np.zeros(len(ids))
        place = {one: i for i, one in enumerate(ids)}
        only = among(ids)

        def scores(field: str, texts: Sequence[str]) -> npt.NDArray[np.float64]:
            out = np.zeros((len(texts), len(ids)))
            hits = self._search(field, collection, texts, only, min(len(ids), MOST_FOUND), {})
            for row, found in zip(out, hits, strict=True):
                for hit in found:
                    row[place[hit["id"]]] = abs(hit["distance"])  # Milvus Lite gives it below zero
            return out

        return scoring.bm25({field: scores(field, texts) for field, texts in queries.items()}, words)

    def vectors(self, rows: Handles) -> Vectors:
        """The stored vectors of a pool's rows: (n, dim) float32. See Snapshot."""
        found = [one.vector for one in self._kept.evidence(rows)]
        return from_bf16(np.array(found, dtype=np.uint16).reshape(len(rows), self._dim))

    def cosines(self, vector: Vectors, rows: Handles) -> Scores:
        """Cosine of a (dim,) unit vector to each of a pool's rows: (n,)."""
        return exact_scores(vector, self._kept.evidence(rows))

    # -- texts --------------------------------------------------------------------------------

    def fetch(self, rows: Handles) -> list[StoredPassage]:
        """The passages of a pool's rows, (n,), in that order."""
        found = self._kept.evidence(rows)
        articles = self._kept.articles([one.article_id for one in found], are_there=True)
        out = []
        for one in found:
            _, passages = articles[one.article_id]
            out.append(next(stored for stored in passages if stored.passage.start == one.start))
        return out

    def held_by(
        self, rows: Handles, wanted: Collection[str], fetch: Callable[[Handles], list[StoredPassage]]
    ) -> list[list[frozenset[str]]]:
        """Of each sentence of a pool's rows, (n,), the `wanted` terms in it. See Snapshot."""
        spans = [(one, span) for one in fetch(rows) for span in one.passage.sentences]
        held = iter(self.lexical.held_in([one.article.text[a:b] for one, (a, b) in spans], wanted))
        return [[next(held) for _ in one.passage.sentences] for one in fetch(rows)]

    def sentence_cosines(self, vector: Vectors, row: Any) -> Scores:
        """Cosine of the question, (dim,), to each sentence of a pool's row: (sentences,)."""
        (one,) = self._kept.evidence(np.array([row]))
        return one.sentence_scores(vector.astype(np.float64))

    def nearest_sentences(self, vector: Vectors, rows: Handles) -> list[int]:
        """Which sentence of each of a pool's rows, (n,), is nearest to the question, (dim,)."""
        exact = vector.astype(np.float64)
        return [int(one.sentence_scores(exact).argmax()) for one in self._kept.evidence(rows)]

    def passage(self, passage_id: str) -> StoredPassage | None:
        """A passage by its public id, or None."""
        try:
            id_bytes(passage_id)
        except ValueError:
            return None
        is_there = self._kept.passages([passage_id])
        return self.fetch(_handles([passage_id]))[0] if is_there else None

    def article(self, article_id: str) -> Article | None:
        """An article by its id, or None."""
        found = self._kept.articles([article_id]).get(article_id)
        return found[0] if found else None

    def article_passages(self, article_id: str) -> list[StoredPassage] | None:
        """All passages of an article in the order of its text, or None."""
        found = self._kept.articles([article_id]).get(article_id)
        return found[1] if found else None

    def rows_of_article(self, article_id: str) -> Handles | None:
        """The passages of an article as a pool's rows, (n,), in the order of its text; or None."""
        stored = self.article_passages(article_id)
        return None if stored is None else _handles([one.passage.id for one in stored])

    def sample(self, count: int) -> list[StoredPassage]:
        """Up to `count` passages, evenly spread."""
        ids = self._publication.sample
        return self.fetch(_handles(list(ids[:: max(len(ids) // max(count, 1), 1)][:count])))

    # -- counts -------------------------------------------------------------------------------

    def counts(self) -> dict[str, dict[str, int]]:
        """See Snapshot; counted when it was published."""
        return self._publication.counts

    def sentences(self) -> int:
        """See Snapshot."""
        return self._publication.sentences

    def days(self) -> tuple[int, int] | None:
        """See Snapshot."""
        return self._publication.days

    def names(self, rows: Handles, kind: str) -> list[str]:
        """The `source` or `language` of a pool's rows, (n,), '' where there is none."""
        return [getattr(one, kind) for one in self._kept.evidence(rows)]

    def knows(self, field: str) -> bool:
        """Whether any article says something of a metadata field."""
        return field in self._publication.known_fields

    def _later(self, work: Callable[..., Any], *arguments: object) -> Any:
        return self._threads.submit(work, *arguments)


def _best(leg: set[str], ids: Sequence[str], scores: Scores, depth: int) -> set[str]:
    """The `depth` best of one leg; ties by the bytes of the id, as SnapshotRows has them."""
    ranked = [(-score, id_bytes(one), one) for one, score in zip(ids, scores, strict=True) if one in leg]
    return {name for _, _, name in sorted(ranked)[:depth]}


def _handles(ids: Sequence[str]) -> Handles:
    return np.array(ids, dtype="U22")
