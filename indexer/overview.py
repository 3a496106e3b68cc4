"""What an index holds, in figures: for `indexer info`. Reads manifests, no article. INDEX -> plain values"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from passage_index import directory, ladder
from passage_index.dense import SCALES, SENTENCES, VECTORS
from passage_index.directory import Generation
from passage_index.errors import SearchEngineError
from passage_index.integrity import whole_file
from passage_index.lexical import META, PASSAGES, counted_records
from passage_index.manifest import Manifest
from passage_index.segment import SegmentRecord


def overview(index: Path) -> dict[str, Any]:
    """The current generation and all that are kept. Raises NotFound, CorruptIndex, FormatMismatch."""
    current = directory.current(index)
    manifest = current.manifest
    meta = whole_file(current, f"{directory.LEXICAL}/{PASSAGES}/{META}")
    counted, counted_deleted = counted_records(meta.parent)
    return {
        "generation": manifest.generation,
        "created_at": manifest.created_at,
        "articles": manifest.articles,
        "passages": manifest.passages,
        "deleted_articles": manifest.deleted_articles,
        "deleted_passages": manifest.deleted,
        "deleted_share": round(manifest.deleted / max(manifest.deleted + manifest.passages, 1), 4),
        "counted_by_bm25": {"passages": counted, "deleted": counted_deleted},
        "bytes": _size(manifest),
        "bytes_of_all_generations": _bytes_on_disk(index),
        "encoder": asdict(manifest.encoder),
        "chunking": dict(manifest.chunking),
        "analyzer": dict(manifest.analyzer),
        "bytes_a_passage": _a_passage(manifest),
        "segments": [_segment(current, record) for record in manifest.segments],
        "generations": [_kept(index, number, manifest) for number in directory.generations(index)],
        "made_by": manifest.build.get("command", "build"),
    }


def _size(manifest: Manifest) -> int:
    return sum(record.size for record in manifest.files.values())


def _segment(current: Generation, record: SegmentRecord) -> dict[str, Any]:
    prefix = f"{directory.SEGMENTS}/{record.name}/"
    files = current.manifest.files.items()
    size = sum(one.size for file, one in files if file.startswith(prefix))
    return {"name": record.name, "bytes": size} | asdict(record)


def _a_passage(manifest: Manifest) -> dict[str, float]:
    """Bytes for each passage of the segments: what a search keeps in memory, and the parts on disk."""
    passages = max(sum(record.passages for record in manifest.segments), 1)
    sizes = {name: record.size for name, record in manifest.files.items()}
    memory = sum(_resident(sizes, record) for record in manifest.segments)
    parts = {
        "search_in_memory": memory,
        "search_on_disk": _below(sizes, directory.SEGMENTS, (ladder.FILE,)),
        "vectors": _below(sizes, directory.SEGMENTS, (VECTORS,)),
        "sentence_vectors": _below(sizes, directory.SEGMENTS, (SENTENCES, SCALES)),
        "words": _below(sizes, directory.LEXICAL),
        "on_disk": sum(sizes.values()),
    }
    return {name: round(size / passages, 1) for name, size in parts.items()}


def _resident(sizes: Mapping[str, int], record: SegmentRecord) -> int:
    """The exact step holds a copy of the vectors, the others their codes."""
    file = VECTORS if record.dense.name == ladder.EXACT else ladder.FILE
    return sizes[f"{directory.SEGMENTS}/{record.name}/{file}"]


def _below(sizes: Mapping[str, int], folder: str, endings: tuple[str, ...] = ("",)) -> int:
    return sum(
        size for name, size in sizes.items() if name.startswith(f"{folder}/") and name.endswith(endings)
    )


def _kept(index: Path, number: int, current: Manifest) -> dict[str, Any]:
    """One generation folder; a newer one than the current was rolled back from, or never committed."""
    state = "current" if number == current.generation else "older" if number < current.generation else "newer"
    try:
        manifest = directory.generation(index, number).manifest
    except SearchEngineError as error:
        return {"number": number, "state": "damaged", "problem": str(error)}
    return {
        "number": number,
        "state": state,
        "created_at": manifest.created_at,
        "made_from": manifest.parent,
        "made_by": manifest.build.get("command", "build"),
        "articles": manifest.articles,
        "passages": manifest.passages,
        "bytes": _size(manifest),
    }


def _bytes_on_disk(index: Path) -> int:
    """Bytes below the folder, a file with several names counted once."""
    seen = {}
    for path in index.rglob("*"):
        if path.is_file() and not path.is_symlink():
            status = path.stat()
            seen[status.st_dev, status.st_ino] = status.st_size
    return sum(seen.values())


def overview_text(info: dict[str, Any]) -> str:
    """A line a figure; segments and generations a line each."""
    lines = []
    for name, value in info.items():
        if name in ("segments", "generations"):
            lines.append(f"{name}")
            lines += ["  " + _line(one) for one in value]
        else:
            shown = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
            lines.append(f"{name:24} {shown}")
    return "\n".join(lines)


def _line(values: Mapping[str, Any]) -> str:
    """Names and values side by side; of a search step what it has."""
    return ", ".join(_step(value) if key == "dense" else f"{key} {value}" for key, value in values.items())


def _step(step: Mapping[str, Any]) -> str:
    parts = [f"search {step['name']}"]
    parts += [f"{key} {step[key]}" for key in ("depth", "proposals", "lists", "probes") if step[key]]
    parts += [f"recall@{k} {share}" for k, share in step["recall"].items()]
    parts += [f"refused {' '.join(step['refused'])}"] if step["refused"] else []
    return ", ".join(parts)
