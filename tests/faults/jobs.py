"""What a child process of the driver does: the commands' own functions, with the fake encoder, on a world.

A job gets the root of its world and plain arguments, and returns what is printed as JSON. Errors are
left to the driver, which treats them as the commands do.
"""

import hashlib
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from indexer import growing
from indexer.backup import backup, restore
from indexer.build import BuildOptions, build
from indexer.living import LivingArticles
from indexer.overview import overview
from indexer.purging import purge
from indexer.reembed import reembed
from indexer.verify import verify
from indexer.watch import step
from indexer.work import Worker, WorkOptions
from passage_index import commits, directory
from passage_index.errors import NotFound
from passage_index.inbox import Inbox, Kind
from passage_index.integrity import stamps_file
from passage_index.passages import article_hash
from passage_index.snapshot import open_snapshot
from passage_index.tasks import read_task
from search_api.hits import SearchRequest
from search_api.searcher import Searcher
from tests.fakes import FakeEncoder
from tests.faults.corpus import CHANGED, DELETED, PURGED, article
from tests.growing import QUESTIONS

Job = Callable[..., Any]


def _options(root: Path) -> BuildOptions:
    return BuildOptions(cache=root / "cache")


def run_build(root: Path, file: str = "other.jsonl", index: str = "index") -> Any:
    return build([root / file], root / index, FakeEncoder(), _options(root)).to_json()


def run_add(root: Path, file: str = "more.jsonl", index: str = "index") -> Any:
    return growing.add([root / file], root / index, FakeEncoder(), _options(root)).to_json()


def run_delete(root: Path, article: int = DELETED + 1, merge: bool = True) -> Any:
    options = replace(_options(root), merge=merge)
    return growing.delete([f"a-{article}"], root / "index", options).to_json()


def run_merge(root: Path) -> Any:
    return growing.merge(root / "index", _options(root)).to_json()


def run_purge(root: Path) -> Any:
    return purge([f"a-{PURGED}"], root / "index", _options(root)).unknown


def run_backup(root: Path, to: str = "saved") -> Any:
    return backup(root / "index", root / to).manifest.generation


def run_restore(root: Path, of: str = "backup", index: str = "restored", force: bool = False) -> Any:
    return restore(root / of, root / index, force, root / "cache").manifest.generation


def run_reembed(root: Path) -> Any:
    return reembed(root / "index", FakeEncoder(), root / "reembedded", _options(root)).to_json()


def run_watch(root: Path) -> Any:
    step(root / "watched", root / "index", FakeEncoder, _options(root), {}, settle_s=0)


def run_accept(root: Path) -> Any:
    """Take into the inbox a new article, a change of one that is there, and a deletion."""
    inbox = Inbox(root / "index")
    inbox.prepare()
    for kind, number in (("article", 60), ("article", CHANGED), ("deletion", DELETED + 1)):
        with inbox.draft() as draft:
            if kind == "article":
                draft.write(json.dumps(article(number, 3)).encode())
            inbox.accept(draft, cast(Kind, kind), f"a-{number}", 1)


def run_work(root: Path) -> Any:
    """Commit what is in the inbox; ids of writes that are neither done nor waiting."""
    inbox = Inbox(root / "index")
    inbox.prepare()
    waiting = inbox.waiting()
    with inbox.worker_lock():
        Worker(root / "index", WorkOptions(_options(root), lambda _: FakeEncoder())).run(once=True)
    tasks = [read_task(inbox, one) for one in waiting]
    assert inbox.waiting() == [] and all(task and task.state == "done" for task in tasks), tasks
    assert [path.name for path in inbox.folder.glob("finished/.*")] == []


def run_rollback(root: Path, index: str = "index") -> Any:
    with directory.writer_lock(root / index):
        return commits.rollback(root / index).manifest.generation


def seen(index: Path, stamps: Path | None = None) -> dict[str, Any]:
    """What a reader finds: the generation, every article's hash, and one over the hits of a few searches."""
    with closing(Searcher(open_snapshot(index, stamps), FakeEncoder())) as searcher:
        manifest = searcher.snapshot.manifest
        folder = index / directory.generation_name(manifest.generation)
        with LivingArticles(directory.Generation(folder, manifest)) as living:
            articles = {article.id: article_hash(article).hex() for article, _ in living.articles()}
        hits = [
            [
                (hit.stored.passage.id, hit.stored.text, hit.score, asdict(hit.scores), hit.highlights)
                for hit in reply.hits
            ]
            for reply in (searcher.search(SearchRequest(question, limit=20)) for question in QUESTIONS)
        ]
    ranking = hashlib.sha256(repr(hits).encode()).hexdigest()
    return {"generation": manifest.generation, "articles": articles, "ranking": ranking}


def look(root: Path, index: str = "index", stamped: bool = False) -> Any:
    """`seen`, what `verify` says, whether the lock is free, what lies in the folder."""
    place = root / index
    try:
        found = seen(place, stamps_file(root / "cache", place) if stamped else None)
    except NotFound as error:
        return {"generation": None, "articles": {}, "ranking": "", "problems": [], "told": str(error)}
    found["problems"] = verify(place, FakeEncoder(), deep=True)
    with directory.writer_lock(place):
        found["children"] = sorted(child.name for child in place.iterdir())
    return found


def run_seen(root: Path, stamped: bool = False) -> Any:
    """A reader alone; where `stamped`, one that trusts what it has hashed before."""
    return seen(root / "index", stamps_file(root / "cache", root / "index") if stamped else None)


def run_info(root: Path) -> Any:
    return overview(root / "index")


def run_verified(root: Path) -> Any:
    return verify(root / "index")


JOBS: dict[str, Job] = {
    name.removeprefix("run_"): job for name, job in globals().items() if name.startswith("run_")
} | {"look": look}
