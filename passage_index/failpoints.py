"""Named places where a test makes the process die, sleep or fail; they do nothing otherwise.

    SEARCH_FAILPOINT="commit.renamed:kill"        SIGKILL the first time the place is reached
    SEARCH_FAILPOINT="commit.file_synced@3:kill"  the third time
    SEARCH_FAILPOINT="commit.renamed:sleep:0.5"   every time from then on
    SEARCH_FAILPOINT="commit.renamed:raise"       OSError(EIO), every time from then on

Read once, when the process starts. The names stand here in the order in which a run meets them.
"""

import errno
import os
import signal
import time

NAMES = (
    "scratch.made",  # an empty folder .writing-* is there
    "link.file",  # one unchanged file stands in the new generation
    "link.done",
    "stage.article",  # one article is read and split
    "stage.done",
    "journal.before_flush",
    "journal.after_flush",
    "lexical.before_delete",
    "lexical.before_commit",
    "lexical.after_commit",
    "lexical.merges_done",
    "passages.before_commit",  # SQLite
    "passages.after_commit",
    "columns.written",
    "segment.sealed",
    "merge.segment_sealed",
    "deleted.written",
    "watched.written",
    "commit.begin",
    "commit.before_file_sync",
    "commit.file_synced",
    "commit.manifest_written",
    "commit.manifest_synced",
    "commit.folder_synced",
    "pointer.written",  # beside CURRENT: what it will be
    "pointer.synced",
    "commit.before_rename",
    "commit.renamed",  # gen-N is there, CURRENT does not name it
    "commit.rename_synced",
    "pointer.swapped",  # the new generation is visible
    "pointer.swap_synced",  # and stays so if the power fails
    "prune.before",
    "prune.renamed",  # an old generation is out of sight, its files are still there
    "prune.removed",
    "scratch.before_removal",
    "restore.copied",
    "backup.file",
    "backup.before_rename",
    "purge.journal_written",
    "purge.journal_swapped",
    "purge.committed",
    "inbox.written",  # a write lies in the inbox, flushed but not accepted
    "inbox.renamed",  # accepted
    "work.gathered",  # the worker has read what one commit is to hold
    "work.committed",  # the index has it, the inbox does not know yet
    "work.outcome_written",  # the outcome is on disk, the writes are still there
    "inbox.removed",  # one write of a finished batch is gone
    "work.done",
)


def _armed() -> tuple[str, int, str, float] | None:
    """(name, from which time on, action, seconds) as the environment asks, or None."""
    asked = os.environ.get("SEARCH_FAILPOINT")
    if not asked:
        return None
    place, action, *more = asked.split(":")
    name, _, time_no = place.partition("@")
    if name not in NAMES or action not in ("kill", "sleep", "raise"):
        raise SystemExit(
            f"SEARCH_FAILPOINT={asked!r}: names stand in {__file__}, actions are kill, sleep:S, raise"
        )
    return name, int(time_no or 1), action, float(more[0]) if more else 0.0


_ARMED = _armed()
_reached = 0


def failpoint(name: str) -> None:
    """A place that a test can arm; free otherwise. Raises AssertionError on a name that is not in NAMES."""
    global _reached
    if _ARMED is None:
        assert name in NAMES, name
        return
    armed, from_time, action, seconds = _ARMED
    if name != armed:
        return
    _reached += 1
    if _reached < from_time:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "sleep":
        time.sleep(seconds)
    else:
        raise OSError(errno.EIO, f"failpoint {name}")
