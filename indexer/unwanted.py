"""Writes that wait in the inbox, without what they hold of some articles: for a purge.

A write of one such article is finished as failed and removed; in a body of many its lines are blanked,
so that the others keep their numbers. What was damaged on its way is left to the worker, which refuses
it. Inbox, ids -> the ids that were found
"""

import time
from collections.abc import Iterator, Set
from pathlib import Path

from indexer.readers.assembly import id_of
from indexer.readers.jsonl import json_object
from indexer.readers.records import Unfit
from indexer.readers.streams import bounded_lines, decoded, utf8_stream
from passage_index import tasks
from passage_index.errors import CorruptIndex, IndexLocked
from passage_index.inbox import Inbox, Write
from passage_index.tasks import Outcome

PURGED = "an article of this id was purged while the write waited"


def take_out_of_inbox(index: Path, article_ids: Set[str], wait_s: float) -> list[str]:
    """Drop what waits in the inbox of these articles; the ids that something waited of, with repeats.

    A worker that is at the inbox gets `wait_s` seconds to be done with them. Raises IndexLocked after
    that, with nothing changed, and OSError.
    """
    inbox, known = Inbox(index), dict[str, list[str]]()
    until_s = time.monotonic() + wait_s
    while waiting := [one for one in inbox.waiting() if _found(inbox, one, article_ids, known)]:
        try:
            with inbox.worker_lock():
                return [found for task_id in waiting for found in _dropped(inbox, task_id, article_ids)]
        except IndexLocked as error:
            if time.monotonic() > until_s:
                raise IndexLocked(
                    f"{len(waiting)} writes of these articles wait in the inbox, and {error}, or run this "
                    f"again when it has done them; nothing was purged"
                ) from error
        time.sleep(0.1)
    return []


def _found(inbox: Inbox, task_id: str, ids: Set[str], known: dict[str, list[str]]) -> list[str]:
    """Which of the articles a write would bring, read once: a write that waits does not change."""
    if task_id not in known:
        read = _read(inbox, task_id)
        known[task_id] = [one for _, one in _records(*read) if one in ids] if read else []
    return known[task_id]


def _dropped(inbox: Inbox, task_id: str, ids: Set[str]) -> list[str]:
    """The same, and the write holds them no more."""
    read = _read(inbox, task_id)
    if read is None:  # done meanwhile
        return []
    write, body = read
    records = list(_records(write, body))
    found = [one for _, one in records if one in ids]
    if write.kind == "article" and found:
        tasks.finish(inbox, {task_id: (write, Outcome(write.records, failure=PURGED))})
    elif found:
        kept = b"".join(b"\n" if one in ids else line for line, one in records)
        inbox.replace(task_id, kept, write.records - len(found))
    return found


def _read(inbox: Inbox, task_id: str) -> tuple[Write, bytes] | None:
    """A write that brings articles, or None where there is none any more, or it is damaged."""
    try:
        write = inbox.write(task_id)
        return (write, inbox.body(task_id)) if write and write.kind != "deletion" else None
    except (CorruptIndex, FileNotFoundError):
        return None


def _records(write: Write, body: bytes) -> Iterator[tuple[bytes, str]]:
    """(its bytes, the article's id) of every record of a body; no id where it gives none that can stand."""
    if write.kind == "article":
        yield body, write.article_id or _id_in(body)
        return
    try:
        for _, line in bounded_lines(utf8_stream(iter([body]))):
            yield line or b"\n", _id_in(line or b"")
    except Unfit:  # no text from here on, and the worker says so
        return


def _id_in(record: bytes) -> str:
    try:
        return id_of(json_object(decoded(record))) or ""
    except Unfit:
        return ""
