"""Scaffolding for tests of an index that grows: articles on disk, and what a search finds as plain values."""

import gc
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from indexer.build import BuildOptions
from passage_index.columns import Where
from passage_index.snapshot import Snapshot, open_snapshot
from search_api.hits import SearchRequest
from search_api.question import parse_words
from search_api.searcher import Searcher
from tests.fakes import FakeEncoder


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A folder for a test of hundreds of commits: each flushes about fifty files, slow on a disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


Record = dict[str, str]

KEEP_ALL = BuildOptions(keep=100)
NO_MERGE = BuildOptions(keep=100, merge=False)

QUESTIONS = (
    "Which bridge fell into the river in the storm?",
    "harbour council",
    "storm",
    "Who repaired the old lighthouse?",
)


def record(number: int, text: str, date: str | None = None, **more: str) -> Record:
    """An article as JSON lines have it, with the id `a-7`."""
    dated = {"date": date} if date else {}
    return {"_id": f"a-{number}", "title": f"Report {number}", "text": text, "lang": "en", **dated, **more}


def written(file: Path, records: Sequence[Record]) -> Path:
    """The records as a .jsonl file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    return file


Evidence = dict[str, tuple[float, ...]]  # passage id -> dense, sentence, lexical, article BM25


def pooled(snapshot: Snapshot, question: str, depth: int = 20, where: Where | None = None) -> Evidence:
    """A pool's evidence by passage id, without what names rows or segments."""
    words = parse_words(question, snapshot.lexical.terms)
    pool = snapshot.pool(FakeEncoder().encode_questions([question])[0], words, where or Where(), depth)
    columns = (pool.dense, pool.sentence, pool.lexical, pool.article_lexical)
    return {id_: tuple(float(c[i]) for c in columns) for i, id_ in enumerate(pool.ids)}


def evidence(index: Path, depth: int = 20) -> list[Evidence]:
    """`pooled` for every question of QUESTIONS."""
    snapshot = open_snapshot(index)
    try:
        return [pooled(snapshot, question, depth) for question in QUESTIONS]
    finally:
        snapshot.close()


def found(index: Path, depth: int = 20) -> list[list[tuple[str, float]]]:
    """(passage id, score) of every hit, best first, for every question of QUESTIONS."""
    searcher = Searcher(open_snapshot(index), FakeEncoder())
    try:
        replies = [searcher.search(SearchRequest(question, limit=50, depth=depth)) for question in QUESTIONS]
        return [[(hit.stored.passage.id, hit.score) for hit in reply.hits] for reply in replies]
    finally:
        searcher.close()


def ids(index: Path) -> set[str]:
    """The ids of all living articles, by the passages a search can return."""
    from indexer.living import LivingArticles
    from passage_index import directory

    with LivingArticles(directory.current(index)) as living:
        return {article.id for article, _ in living.articles()}


def until(condition: Callable[[], object], most_s: float = 60.0) -> None:
    """Wait for a condition, not longer than a test may take."""
    end = time.monotonic() + most_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def open_files(index: Path) -> list[str]:
    """What this process holds of an index: files, and maps of files."""
    gc.collect()
    held = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            held.append(os.readlink(descriptor))
    maps = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    held += [line.split(maxsplit=5)[-1] for line in maps]
    return sorted(name for name in held if str(index) in name)
