"""Writes of the inbox, in their order -> what one commit is asked to do, and what becomes of each record.

A later write of an article id wins over an earlier one; a record that cannot be indexed is rejected and
touches nothing. Checks articles as the readers of files do. Inbox -> Wanted
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from indexer.readers.assembly import article_from_row
from indexer.readers.jsonl import json_lines, json_object
from indexer.readers.records import Record, Rejected, Row, Unfit
from indexer.readers.streams import decoded
from indexer.report import Progress, silent
from passage_index.errors import CorruptIndex
from passage_index.inbox import Inbox, Write
from passage_index.tasks import Outcome
from passage_index.types import ID_KEYS

BATCH_BYTES = 64 << 20
BATCH_WRITES = 1000

_CHUNK = 1 << 20
LOST = Write("articles", None, 0, "", 0, "")  # stands for one whose header cannot be read


@dataclass(slots=True)
class Wanted:
    """The last wish for every article id, and whose it was. A record of None: the article is to go."""

    tasks: tuple[str, ...]
    last: dict[str, Record | None] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)  # article id -> task id
    finished: dict[str, tuple[Write, Outcome]] = field(default_factory=dict)  # by task id
    size: int = 0  # bytes of all bodies

    @property
    def records(self) -> list[Record]:
        """Articles to take in."""
        return [record for record in self.last.values() if record is not None]

    @property
    def deletions(self) -> list[str]:
        """Ids of articles to take out."""
        return [article_id for article_id, record in self.last.items() if record is None]

    def wish(self, task_id: str, article_id: str, record: Record | None) -> None:
        """One more, after all others."""
        earlier = self.owners.get(article_id)
        if earlier is not None:
            outcome = self.finished[earlier][1]
            _count(outcome, self.last.pop(article_id), -1)
            outcome.superseded += 1
        self.last[article_id] = record
        self.owners[article_id] = task_id
        _count(self.finished[task_id][1], record, 1)

    def settle(self, generation: int, unknown: Sequence[str]) -> None:
        """What the commit said: the generation that holds it, and ids that were not there to be deleted."""
        for article_id in unknown:
            outcome = self.finished[self.owners[article_id]][1]
            outcome.deleted -= 1
            outcome.unknown += 1
        for _, outcome in self.finished.values():
            if not outcome.failure:
                outcome.generation = generation


def _count(outcome: Outcome, record: Record | None, by: int) -> None:
    if record is None:
        outcome.deleted += by
    else:
        outcome.indexed += by


def next_tasks(inbox: Inbox, suspects: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The oldest writes that make one commit; one alone where it may be what a worker died of."""
    waiting = inbox.waiting()[:BATCH_WRITES]
    if waiting and waiting[0] in suspects:
        return (waiting[0],)
    taken: list[str] = []
    size = 0
    for task_id in waiting:
        size += _size(inbox, task_id)
        if taken and (size > BATCH_BYTES or task_id in suspects):
            break
        taken.append(task_id)
    return tuple(taken)


def _size(inbox: Inbox, task_id: str) -> int:
    try:
        write = inbox.write(task_id)
        return write.size if write else 0
    except CorruptIndex:
        return 0


def gather(inbox: Inbox, tasks: Sequence[str], progress: Progress = silent) -> Wanted:
    """Read and check these writes. What is damaged has failed; the others are not touched by it."""
    wanted, checked = Wanted(tuple(tasks)), 0
    for task_id in tasks:
        outcome = Outcome()
        wanted.finished[task_id] = (LOST, outcome)
        try:
            write = inbox.write(task_id) or LOST
            wanted.finished[task_id] = (write, outcome)
            body = inbox.body(task_id) if write.size else b""
        except CorruptIndex as error:
            outcome.failure = str(error)
            continue
        wanted.size += write.size
        for one in _records(task_id, write, body):
            outcome.records += 1
            checked += 1
            progress("check", checked, None)
            if isinstance(one, Rejected):
                outcome.reject(one.line, one.reason)
            elif isinstance(one, Record):
                wanted.wish(task_id, one.article.id, one)
            else:
                wanted.wish(task_id, one, None)
    return wanted


def _records(task_id: str, write: Write, body: bytes) -> Iterator[Record | Rejected | str]:
    """What a write holds, in order; of a deletion the article's id."""
    if write.kind == "deletion":
        yield write.article_id or ""
    elif write.kind == "article":
        yield _single(task_id, write.article_id, body)
    else:
        chunks = (body[start : start + _CHUNK] for start in range(0, len(body), _CHUNK))
        for row in json_lines(chunks, task_id):
            yield row if isinstance(row, Rejected) else _record(task_id, row)


def _single(task_id: str, article_id: str | None, body: bytes) -> Record | Rejected:
    try:
        fields = json_object(decoded(body))
    except Unfit as fault:
        return Rejected(task_id, None, str(fault))
    if article_id is not None:  # the address has it; the same in the body would end among the metadata
        others = {key: value for key, value in fields.items() if key.strip().lower() not in ID_KEYS}
        fields = {"_id": article_id, **others}
    return _record(task_id, Row(None, fields))


def _record(task_id: str, row: Row) -> Record | Rejected:
    try:
        return Record(article_from_row(row, fallback_id=""), task_id, row.line)
    except Unfit as fault:
        return Rejected(task_id, row.line, str(fault))
