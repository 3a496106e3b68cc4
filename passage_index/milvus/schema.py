"""What a published generation is in Milvus: three collections, and what they are named.

    NAME                          alias of the passages that are served
    NAME_G000007_<hash>_passages  a passage each: vectors, words, what filters ask
    NAME_G000007_<hash>_articles  an article each: words
    NAME_G000007_<hash>_records   texts of articles and what a reader must know, cut into parts

Collections are written once and never changed after the alias names them. No partitions: hardly a
question names a source or a day, and one by source would be as uneven as sources are; shards are by the
hash of the passage's id. Holds no connection. Generation -> names, fields, indexes
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from passage_index.errors import InputError
from passage_index.milvus.cluster import Cluster

VERSION = 1  # of this layout; part of the hash in the names
LONGEST_TEXT = 65_535  # bytes of a VARCHAR
EXACT_UP_TO = 50_000  # passages, as in the embedded index
ANALYZER = {"tokenizer": "standard"}  # words come cut already; this only parts them at blanks
BM25 = {"bm25_k1": 1.2, "bm25_b": 0.75}
MOST_FACTS = 4096  # of one article
CONSISTENCY = "Eventually"
"""What is served is flushed and never changes, so nothing is gained by waiting for the newest write, which
costs a tick of the log (200 ms and more) each time. Publishing reads with STRONG."""
STRONG = "Strong"

VECTOR, WORDS, JOINED = "vector", "bm25", "bm25_joined"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_COLLECTION = re.compile(r"(?P<name>.+)_G(?P<generation>\d{6,})_(?P<hash>[0-9a-f]{12})_passages")


@dataclass(frozen=True, slots=True)
class Names:
    """The collections of one published generation."""

    alias: str
    generation: int
    digest: str  # of the manifest and of this layout: another index has another one

    @property
    def _stem(self) -> str:
        return f"{self.alias}_G{self.generation:06}_{self.digest}"

    @property
    def passages(self) -> str:
        """What the alias names."""
        return f"{self._stem}_passages"

    @property
    def articles(self) -> str:
        """Words of whole articles; absent where the server counts no words."""
        return f"{self._stem}_articles"

    @property
    def records(self) -> str:
        """Everything else."""
        return f"{self._stem}_records"

    @property
    def all(self) -> tuple[str, str, str]:
        """Readers begin with the passages, so they are dropped first."""
        return self.passages, self.articles, self.records

    def of(self, cluster: Cluster) -> list[str]:
        """Those that such a server has."""
        return [name for name in self.all if cluster.has_words or name != self.articles]


def names_of(collection: str) -> Names | None:
    """The inverse of `Names.passages`; None of a collection that was not published here."""
    found = _COLLECTION.fullmatch(collection)
    return Names(found["name"], int(found["generation"]), found["hash"]) if found else None


def require_name(name: str) -> str:
    """The same name. Raises InputError on one that Milvus would not take."""
    if not _NAME.fullmatch(name):
        raise InputError(f"{name[:80]!r} is no name of a collection: letters, digits and _, at most 64")
    return name


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """How passages are proposed. Scores are always made from the stored vectors, whatever proposes."""

    kind: str
    build: dict[str, Any]
    search: dict[str, Any]


def vector_index(passages: int, kind: str | None = None) -> VectorIndex:
    """The kind of index for so many passages, or the one asked for.

    FLAT looks at all, as the embedded index does up to the same size. IVF_SQ8 takes a byte a dimension
    in memory and is built in minutes; its lists are those of a segment, which holds some 100,000 to
    500,000 passages however large the collection is. HNSW is faster to ask, takes 5 bytes and more a
    dimension, and 13 ms a passage to build where it was tried; DISKANN keeps vectors on the disk.
    """
    kind = kind or ("FLAT" if passages <= EXACT_UP_TO else "IVF_SQ8")
    match kind:
        case "FLAT":
            return VectorIndex(kind, {}, {})
        case "IVF_SQ8" | "IVF_FLAT":
            return VectorIndex(kind, {"nlist": 512}, {"nprobe": 64})
        case "HNSW":
            return VectorIndex(kind, {"M": 16, "efConstruction": 200}, {"ef": 512})
        case "DISKANN":
            return VectorIndex(kind, {}, {"search_list": 512})
    raise InputError(
        f"vector index {kind[:40]!r} is not known; known are FLAT, IVF_SQ8, IVF_FLAT, HNSW, DISKANN"
    )


def create(cluster: Cluster, names: Names, dim: int, index: VectorIndex, shards: int) -> None:
    """Make the collections that are not there yet, empty and with their indexes."""
    makers: dict[str, Callable[[_Making], None]] = {
        names.records: _records,
        names.passages: lambda one: _passages(one, dim, index),
    }
    if cluster.has_words:
        makers[names.articles] = _articles
    for name, fill in makers.items():
        if cluster.ask("has_collection", name):
            continue
        types = cluster.library.DataType
        schema: Any = cluster.library.MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", types.VARCHAR, is_primary=True, max_length=64)
        indexes = cluster.library.MilvusClient.prepare_index_params()
        fill(_Making(cluster, schema, indexes))
        cluster.ask("create_collection", name, schema=schema, num_shards=shards, consistency_level=STRONG)
        # An index each, nested: Milvus takes `params` so in every version, Milvus Lite in no other way.
        cluster.ask("create_index", name, indexes)


@dataclass(frozen=True, slots=True)
class _Making:
    cluster: Cluster
    schema: Any
    indexes: Any

    def field(self, name: str, kind: str, **more: Any) -> None:
        if kind == "VARCHAR":
            more = {"max_length": LONGEST_TEXT} | more
        self.schema.add_field(name, getattr(self.cluster.library.DataType, kind), **more)

    def index(self, field: str, kind: str, metric: str, params: dict[str, Any]) -> None:
        self.indexes.add_index(field, index_type=kind, metric_type=metric, params={"params": params})

    def words(self, text: str, sparse: str) -> None:
        """A text whose words the server counts."""
        library = self.cluster.library
        self.field(text, "VARCHAR", enable_analyzer=True, enable_match=True, analyzer_params=ANALYZER)
        self.field(sparse, "SPARSE_FLOAT_VECTOR")
        self.schema.add_function(
            library.Function(
                name=f"{sparse}_of_{text}",
                function_type=library.FunctionType.BM25,
                input_field_names=[text],
                output_field_names=[sparse],
            )
        )
        self.index(sparse, "SPARSE_INVERTED_INDEX", "BM25", BM25)


def _passages(making: _Making, dim: int, index: VectorIndex) -> None:
    types = making.cluster.library.DataType
    for name in ("article_id", "title", "source", "language", "text", "signature", "stored"):
        making.field(name, "VARCHAR")
    for name in ("start", "end", "first_day", "last_day"):
        making.field(name, "INT64")
    making.field("facts", "ARRAY", element_type=types.INT64, max_capacity=MOST_FACTS)
    making.field("spread", "JSON")
    making.field(VECTOR, "FLOAT_VECTOR", dim=dim)
    making.index(VECTOR, index.kind, "IP", index.build)
    if making.cluster.has_words:
        making.words("terms", WORDS)
        making.words("joined", JOINED)


def _articles(making: _Making) -> None:
    making.words("terms", WORDS)
    making.words("joined", JOINED)


def _records(making: _Making) -> None:
    for name in ("body", "sha256"):
        making.field(name, "VARCHAR")
    making.field("parts", "INT64")
    making.field(VECTOR, "FLOAT_VECTOR", dim=2)  # Milvus has no collection without one
    making.index(VECTOR, "FLAT", "IP", {})
