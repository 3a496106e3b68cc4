"""Part of the input -> staged shards, and a record of what was read, refused and staged.

Runs on any node that sees the files. Does what a build on one machine does (`take_in`), and the same
again when it is tried again: a record is named after the bytes of its files, and is written last.
Knows nothing of Ray, of other parts, or of vectors.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from hashlib import blake2b
from pathlib import Path
from typing import Any

from indexer.articles import Record, Rejected, Skipped, read_files
from indexer.cluster.recipe import Recipe
from indexer.cluster.shards import ShardArticle, publish, shard_file, shard_name, texts_file, write_shard
from indexer.intake import nowhere, take_in
from indexer.readers.walk import Found
from indexer.report import REJECTED_KEPT, BuildReport
from indexer.write import BuildOptions, Encoding, Run
from passage_index.encoder import Encoder
from passage_index.model_files import file_sha256
from passage_index.passages import article_hash
from passage_index.types import Article, Passage

ID_BYTES = 16
PART_FILES = 500  # of input that one task reads, unless it has enough bytes before
PART_BYTES = (128 << 10, 16 << 20)  # at least and at most, in between a sixteenth of all
SHARD_PASSAGES = 1024  # at most, but for the last article's; a quarter at least, but for the last shard's

Item = Found | Rejected | Skipped

_REFUSALS: dict[str, type[Rejected] | type[Skipped]] = {"rejected": Rejected, "skipped": Skipped}
_COUNTED = (
    "articles", "passages", "sentences", "tokens", "rejected", "skipped", "cut_sentences", "undated", "added",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Staged:
    """A shard whose texts were split. encoded: there was one with vectors already."""

    name: str
    passages: int
    encoded: bool = False


@dataclass(frozen=True, slots=True)
class PartRecord:
    """What a part of the input gave, in the order of reading.

    ids: ID_BYTES of hash for every article read, as hex digits; files: how many there were in each item.
    """

    shards: list[Staged]
    ids: str
    files: list[int]
    counts: dict[str, int]
    counters: dict[str, dict[str, int]]
    rejections: list[str]

    def to_json(self) -> str:
        """ASCII, for a file and for the way to the driver."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "PartRecord":
        """The inverse of `to_json`."""
        data = json.loads(text)
        return cls(**{**data, "shards": [Staged(**one) for one in data["shards"]]})

    def add_to(self, report: BuildReport) -> None:
        """Count what is in this part. Call part by part, in order, so that rejections keep theirs."""
        for name, count in self.counts.items():
            setattr(report, name, getattr(report, name) + count)
        for name, counted in self.counters.items():
            getattr(report, name).update(counted)
        report.rejections += self.rejections[: max(REJECTED_KEPT - len(report.rejections), 0)]


def parts_of(items: Sequence[Item], most_files: int = PART_FILES) -> Iterator[list[Item]]:
    """What a walk found, in order, a task's worth at a time. A file is never divided.

    How much that is changes only when the corpus doubles: else all parts, and with them all shards at
    their ends, would be others after every addition.
    """
    sizes = [_size(item) for item in items]
    fewest, most = PART_BYTES
    enough = min(max(1 << (sum(sizes) // 16).bit_length(), fewest), most)
    part: list[Item] = []
    held = 0
    for item, size in zip(items, sizes, strict=True):
        part.append(item)
        held += size
        if len(part) >= most_files or held >= enough:
            yield part
            part, held = [], 0
    if part:
        yield part


def _size(item: Item) -> int:
    try:
        return item.path.stat().st_size if isinstance(item, Found) else 0
    except OSError:
        return 0  # whoever reads it says so


def packed(part: Sequence[Item]) -> str:
    """A part as ASCII, with names that are no UTF-8 kept as they are."""
    return json.dumps([(type(one).__name__.lower(), *map(_plain, astuple(one))) for one in part])


def unpacked(text: str) -> list[Item]:
    """The inverse of `packed`."""
    return [_item(*one) for one in json.loads(text)]


def _item(kind: str, first: str, *rest: Any) -> Item:
    return Found(Path(first), *rest) if kind == "found" else _REFUSALS[kind](first, *rest)


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def read_part(
    part: Sequence[Item], recipe: Recipe, encoder: Encoder, shard_passages: int = SHARD_PASSAGES
) -> PartRecord:
    """Read and split a part, stage its shards, and keep the record; or find that all of this was done.

    Raises DuplicateArticle for an id in two files of the part, WriteFailed.
    """
    record_file = recipe.folder / "read" / f"{_part_key(part, recipe, shard_passages)}.json"
    record = _kept(record_file)
    if record is None or not all(_stands(recipe.folder, shard) for shard in record.shards):
        record = _read(part, recipe, encoder, shard_passages)
        publish(record_file, record.to_json().encode(), replace=True)
    shards = [
        Staged(one.name, one.passages, shard_file(recipe.folder, one.name).exists()) for one in record.shards
    ]
    return PartRecord(**{**_fields(record), "shards": shards})


def _fields(record: PartRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}


def _part_key(part: Sequence[Item], recipe: Recipe, shard_passages: int) -> str:
    """Stands for the bytes of the files, the ids their articles may get, and all that is made of them."""
    digest = blake2b(f"{recipe.key} {shard_passages} {packed(part)}".encode(), digest_size=16)
    for item in part:
        if isinstance(item, Found):
            try:
                digest.update(file_sha256(item.path).encode())
            except OSError as error:
                digest.update(str(error).encode())
    return digest.hexdigest()


def _kept(file: Path) -> PartRecord | None:
    try:
        return PartRecord.from_json(file.read_text())
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _stands(folder: Path, shard: Staged) -> bool:
    return shard_file(folder, shard.name).exists() or texts_file(folder, shard.name).exists()


def _read(part: Sequence[Item], recipe: Recipe, encoder: Encoder, shard_passages: int) -> PartRecord:
    run = Run(BuildOptions(chunking=recipe.chunking))
    shards = _Shards(recipe, shard_passages)
    noted = _Noted(part)
    take_in(noted.records(), shards, nowhere, Encoding(encoder, recipe.chunking), run)
    shards.end()
    report = run.report
    return PartRecord(
        shards.staged,
        noted.ids.hex(),
        [noted.files[place] for place in range(len(part))],
        {name: getattr(report, name) for name in _COUNTED},
        {name: dict(value) for name, value in _values(report) if isinstance(value, Counter)},
        report.rejections,
    )


def _values(report: BuildReport) -> Iterator[tuple[str, object]]:
    return ((one.name, getattr(report, one.name)) for one in fields(report))


class _Noted:
    """Notes the id of every article that passes by, and the item that it came from."""

    def __init__(self, part: Sequence[Item]) -> None:
        self.ids = bytearray()
        self.files: Counter[int] = Counter()
        self._part = part
        self._place = -1

    def records(self) -> Iterator[Record | Rejected | Skipped]:
        for one in read_files(self._items()):
            if isinstance(one, Record):
                self.ids += blake2b(one.article.id.encode(), digest_size=ID_BYTES).digest()
                self.files[self._place] += 1
            yield one

    def _items(self) -> Iterator[Item]:
        for place, item in enumerate(self._part):
            self._place = place
            yield item


class _Shards:
    """Where take_in puts split articles: staged shards, each written as soon as it is full."""

    def __init__(self, recipe: Recipe, most: int) -> None:
        self._recipe, self._most = recipe, most
        self._waiting: list[ShardArticle] = []
        self._size = 0
        self.staged: list[Staged] = []

    def add(self, article: Article, passages: Sequence[Passage]) -> None:
        self._waiting.append(ShardArticle(article, passages))
        self._size += len(passages)
        if self._size >= self._most or self._ends_with(article, len(passages)):
            self.end()

    def repeated_texts(self) -> int:
        return 0  # can only be counted where all parts come together

    def _ends_with(self, article: Article, passages: int) -> bool:
        """Whether this article is one of those after which a shard ends, if it has enough already.

        Decided by the article alone: after an insertion in a long file the next shards soon begin where
        they began before, have the same names, and are not encoded again.
        """
        fewest = max(self._most // 4, 1)
        dice = int.from_bytes(article_hash(article)[:4], "big") / 2**32
        return self._size >= fewest and dice < passages / fewest

    def end(self) -> None:
        """Write what waits."""
        if self._waiting:
            name = shard_name(self._recipe.key, self._waiting)
            if not shard_file(self._recipe.folder, name).exists():
                write_shard(texts_file(self._recipe.folder, name), self._waiting)
            self.staged.append(Staged(name, self._size))
        self._waiting, self._size = [], 0
