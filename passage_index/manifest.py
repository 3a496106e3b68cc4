"""The manifest: one JSON file that says what a generation is made of, down to every file's hash.

Knows nothing of how a generation is committed (directory.py). Manifest <-> manifest.json
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from passage_index.encoder import EncoderIdentity
from passage_index.errors import CorruptIndex, FormatMismatch
from passage_index.segment import PASSAGES, VOCABULARY, SegmentRecord

FORMAT_VERSION = 2  # written
READABLE = (1, 2)

_SEGMENT = re.compile(r"\d{6,18}")
_MOST, _MOST_DIM = 1 << 62, 1 << 16


@dataclass(frozen=True, slots=True)
class FileRecord:
    """Size in bytes and SHA-256 of one file."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What shaped an index, and what it holds."""

    generation: int  # given by the commit
    created_at: str  # UTC, ISO 8601
    encoder: EncoderIdentity
    chunking: Mapping[str, int]
    analyzer: Mapping[str, Any]
    segments: tuple[SegmentRecord, ...]
    next_passage_no: int
    next_segment: int
    parent: int | None = None  # the generation it was made from
    deleted: int = 0  # passages that are in a segment but not in the generation
    deleted_articles: int = 0
    build: Mapping[str, Any] = field(default_factory=dict)  # the report of the run that made it
    files: Mapping[str, FileRecord] = field(default_factory=dict)  # path below the generation -> record

    @property
    def articles(self) -> int:
        """Articles that a search can return."""
        return sum(segment.articles for segment in self.segments) - self.deleted_articles

    @property
    def passages(self) -> int:
        """Passages that a search can return."""
        return sum(segment.passages for segment in self.segments) - self.deleted

    @property
    def knows_words(self) -> bool:
        """True if every segment has its vocabulary; those that an older version wrote have none."""
        return all(f"segments/{one.name}/{VOCABULARY}" in self.files for one in self.segments)

    def has_same_segment(self, other: "Manifest", name: str) -> bool:
        """True if both generations have a segment of this name, with the same files to the byte."""
        below = f"segments/{name}/"
        ours, theirs = (
            {file: record for file, record in one.files.items() if file.startswith(below)}
            for one in (self, other)
        )
        return bool(ours) and ours == theirs

    def to_bytes(self) -> bytes:
        """The file's bytes; the same manifest always gives the same bytes."""
        data = {"format_version": FORMAT_VERSION, **asdict(self)}
        return (json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def parse_manifest(raw: bytes, where: str) -> Manifest:
    """The inverse of `to_bytes`. `where` names the file in errors.

    Raises FormatMismatch on a format version that is not READABLE, CorruptIndex on anything unreadable.
    """
    try:
        data = json.loads(raw)
        version = data.pop("format_version")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise CorruptIndex(
            f"{where} is not a manifest: {error}; restore the index or build it anew"
        ) from error
    if version not in READABLE:
        raise FormatMismatch(
            f"{where} has index format {version!r}, this version reads {' and '.join(map(str, READABLE))}; "
            f"build the index anew with `indexer build` or use the version that made it"
        )
    try:
        data["encoder"] = EncoderIdentity(**data["encoder"])
        data["segments"] = tuple(SegmentRecord.from_json(one) for one in data["segments"])
        data["files"] = {name: FileRecord(**record) for name, record in data["files"].items()}
        _require_inside(data["files"], where)
        manifest = Manifest(**data)
        _require_sound(manifest, where)
        return manifest
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CorruptIndex(f"{where} lacks or has unknown parts: {error}; build the index anew") from error


def _require_sound(manifest: Manifest, where: str) -> None:
    """What is opened by these names and numbers: segments inside, their files listed, nothing below zero."""
    counts = [
        manifest.generation, manifest.next_passage_no, manifest.next_segment, manifest.deleted,
        manifest.deleted_articles, manifest.encoder.dim, *(one.size for one in manifest.files.values()),
    ]  # fmt: skip
    for segment in manifest.segments:
        counts += [segment.articles, segment.passages, segment.sentences]
        texts = f"segments/{segment.name}/{PASSAGES}"
        if not _SEGMENT.fullmatch(segment.name) or texts not in manifest.files:
            raise CorruptIndex(f"{where} names a segment without files: {segment.name[:40]!r}; do not use it")
    if any(type(count) is not int or not 0 <= count < _MOST for count in counts):
        raise CorruptIndex(f"{where} holds a count that cannot be; do not use it")
    if not isinstance(manifest.analyzer, dict) or not isinstance(manifest.chunking, dict):
        raise CorruptIndex(f"{where} says nothing of words and passages; do not use it")
    if manifest.encoder.dim > _MOST_DIM:
        raise CorruptIndex(f"{where} holds vectors of {manifest.encoder.dim} dimensions; do not use it")


def _require_inside(names: Iterable[str], where: str) -> None:
    """A manifest can come from another's backup: it must not name a file outside its generation."""
    for name in names:
        if name.startswith("/") or {"", ".", ".."} & {*name.split("/")} or "\0" in name or "\\" in name:
            raise CorruptIndex(f"{where} names a file outside its generation: {name!r}; do not use it")
