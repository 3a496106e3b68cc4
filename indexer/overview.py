"""What an index holds, in figures: for `indexer info`. Reads manifests, no article. INDEX -> plain values"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from passage_index import directory
from passage_index.directory import Generation
from passage_index.errors import SearchEngineError
from passage_index.integrity import whole_file
from passage_index.lexical import META, PASSAGES, counted_records
from passage_index.manifest import Manifest


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
        "segments": [_segment(current, record.name) | asdict(record) for record in manifest.segments],
        "generations": [_kept(index, number, manifest) for number in directory.generations(index)],
        "made_by": manifest.build.get("command", "build"),
    }


def _size(manifest: Manifest) -> int:
    return sum(record.size for record in manifest.files.values())


def _segment(current: Generation, name: str) -> dict[str, Any]:
    prefix = f"{directory.SEGMENTS}/{name}/"
    files = current.manifest.files.items()
    return {"name": name, "bytes": sum(record.size for file, record in files if file.startswith(prefix))}


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
            lines += ["  " + ", ".join(f"{key} {one[key]}" for key in one) for one in value]
        else:
            shown = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
            lines.append(f"{name:24} {shown}")
    return "\n".join(lines)
