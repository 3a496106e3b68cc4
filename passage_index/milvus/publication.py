"""Which published generation the alias names, and what a reader must know before it can ask anything.

The alias is the one pointer: it is moved in one step and names the passages, from whose name those of
the other collections follow. cluster + alias -> Publication (+ words file)
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from passage_index.errors import ClusterUnavailable, NotFound
from passage_index.manifest import Manifest, parse_manifest
from passage_index.milvus.cluster import Cluster
from passage_index.milvus.entities import PUBLICATION, WORDS_FILE, Entity, part_id, record_bytes
from passage_index.milvus.schema import CONSISTENCY, STRONG, Names, VectorIndex, names_of, require_name

ASKED_AT_ONCE = 500  # parts of records
PART_FIELDS = ("body", "parts", "sha256")


@dataclass(frozen=True, slots=True)
class Publication:
    """What stands in the records under `publication`, written last of all."""

    manifest: Manifest
    index: VectorIndex
    counts: dict[str, dict[str, int]]
    sentences: int
    days: tuple[int, int] | None
    known_fields: tuple[str, ...]  # of metadata, of which an article says something
    sample: tuple[str, ...]  # passage ids, evenly spread
    recall: float | None = None  # of the proposals at ten, measured when it was published

    def to_bytes(self) -> bytes:
        """As JSON; the inverse of `parse_publication`."""
        data = {one.name: getattr(self, one.name) for one in fields(self)}
        data |= {"manifest": self.manifest.to_bytes().decode(), "index": asdict(self.index)}
        return json.dumps(data, ensure_ascii=False).encode()


def parse_publication(raw: bytes) -> Publication:
    """Raises FormatMismatch where the manifest in it is of a version that is not read here."""
    data = json.loads(raw)
    return Publication(
        **data
        | {
            "manifest": parse_manifest(data["manifest"].encode(), "the publication in Milvus"),
            "index": VectorIndex(**data["index"]),
            "days": tuple(data["days"]) if data["days"] else None,
            "known_fields": tuple(data["known_fields"]),
            "sample": tuple(data["sample"]),
        }
    )


def served(cluster: Cluster, alias: str) -> Names | None:
    """The generation that the alias names, or None where there is no such alias.

    Raises NotFound where the name stands for something that was not published here.
    """
    require_name(alias)
    try:
        collection = cluster.ask("describe_alias", alias)["collection_name"]
    except ClusterUnavailable as error:
        if "not found" in str(error) or "not exist" in str(error):
            return None
        raise
    if not collection:
        return None
    found = names_of(collection)
    if found is None:
        raise NotFound(f"{alias} names the collection {collection}, which `indexer publish` did not make")
    return found


def read_publication(cluster: Cluster, names: Names) -> Publication:
    """Raises CorruptIndex or NotFound where it is not whole."""
    return parse_publication(read_record(cluster, names, PUBLICATION))


def words_file(cluster: Cluster, names: Names, cache: Path) -> Path:
    """The words of a generation as a file in the cache, fetched if it is not there."""
    file = cache / "milvus" / f"{names.records}.sqlite"
    if not file.exists():
        raw = read_record(cluster, names, WORDS_FILE)
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_name(f".{file.name}.{os.getpid()}")
        scratch.write_bytes(raw)
        scratch.rename(file)  # readers side by side each write the same
    return file


def read_record(cluster: Cluster, names: Names, key: str) -> bytes:
    """The bytes of one record, as written last. Raises NotFound, or CorruptIndex where it is not whole."""
    found = read_records(cluster, names, [key], STRONG)
    if key not in found:
        raise NotFound(f"{names.passages} in Milvus has no {key}; publish the index anew")
    return found[key]


def read_records(
    cluster: Cluster,
    names: Names,
    keys: Sequence[str],
    consistency: str = CONSISTENCY,
    are_there: bool = False,
) -> dict[str, bytes]:
    """The bytes of those records that are there. Two rounds where one has several parts, else one."""
    firsts = _parts(cluster, names, [part_id(key, 0) for key in keys], consistency, are_there)
    known = {key: firsts[part_id(key, 0)] for key in keys if part_id(key, 0) in firsts}
    more = [part_id(key, number) for key, first in known.items() for number in range(1, int(first["parts"]))]
    parts = firsts | _parts(cluster, names, more, consistency, are_there)
    return {
        key: record_bytes(key, [parts[part_id(key, number)] for number in range(int(first["parts"]))])
        for key, first in known.items()
        if all(part_id(key, number) in parts for number in range(int(first["parts"])))
    }


def _parts(
    cluster: Cluster, names: Names, ids: Sequence[str], consistency: str, are_there: bool
) -> dict[str, Entity]:
    found: dict[str, Entity] = {}
    for start in range(0, len(ids), ASKED_AT_ONCE):
        some = ids[start : start + ASKED_AT_ONCE]
        found |= by_id(get(cluster, names.records, some, PART_FIELDS, consistency, are_there))
    return found


def get(
    cluster: Cluster,
    collection: str,
    ids: Sequence[str],
    fields: Iterable[str],
    consistency: str = CONSISTENCY,
    are_there: bool = False,
) -> list[Entity]:
    """Rows by id, in no order; ids that are not there are left out.

    are_there: all of them must be, so that an answer without one comes from a node that has not loaded it.
    """

    def lacks(rows: Any) -> str:
        return f"{len(rows)} of {len(ids)} rows came" if are_there and len(rows) < len(ids) else ""

    rows: list[Any] = cluster.ask(
        "get",
        collection,
        list(ids),
        output_fields=["id", *fields],
        consistency_level=consistency,
        lacks=lacks,
    )
    return rows


def by_id(rows: Iterable[Entity]) -> dict[str, Entity]:
    """Rows by their id."""
    return {row["id"]: row for row in rows}
