"""The worker: takes what waits in the inbox, commits it, says what became of it; again and again.

    inbox    -> wanted.py      the oldest writes, as one wish
    -> growing.grow            one commit
    -> passage_index/tasks.py  outcomes on disk, then the writes are removed

Can be killed at any moment: a write goes only after its outcome is on disk, and doing one again changes
nothing, for an article that stands in the index as it was sent is passed over.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.growing import Wish, grow, tidy
from indexer.report import BuildReport
from indexer.space import require_space_for_text
from indexer.wanted import LOST, Wanted, gather, next_tasks
from indexer.write import BuildOptions, Run
from passage_index import directory, tasks
from passage_index.encoder import Encoder, EncoderIdentity
from passage_index.errors import (
    CorruptIndex,
    IndexLocked,
    InputError,
    NoSpace,
    SearchEngineError,
    WriteFailed,
)
from passage_index.failpoints import failpoint
from passage_index.inbox import Inbox
from passage_index.tasks import Batch, Outcome

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 10  # over one write alone, before it is given up
LONGEST_PAUSE_S = 60.0
TOLD_EVERY_S = 0.5
SWEPT_EVERY_S = 60.0
COMMITS_UNMERGED = 16  # a merge waits for an idle moment, but not for longer than that


@dataclass(frozen=True, slots=True)
class WorkOptions:
    """How to work. build.merge: whether to merge by the policy, in commits of their own."""

    build: BuildOptions
    load: Callable[[EncoderIdentity], Encoder]
    every_s: float = 0.2


class Worker:
    """The one consumer of an index's inbox; call everything under `Inbox.worker_lock`."""

    def __init__(self, index: Path, options: WorkOptions) -> None:
        self.inbox = Inbox(index)
        self._sweep()
        tasks.remove_finished(self.inbox)
        self._index = index
        self._options = options
        self._encoder: Encoder | None = None
        self._unmerged = 0
        self._refused = 0
        died = tasks.read_batch(self.inbox)
        self._died = died if died and not died.trouble else None
        self._suspects = frozenset(self._died.tasks if self._died else ())

    def run(self, once: bool = False) -> None:
        """Work until killed, or until nothing waits. Raises what stands in the way if `once`."""
        pause_s, swept_s = self._options.every_s, time.monotonic()
        while True:
            try:
                done = self.step()
                if not done and time.monotonic() - swept_s > SWEPT_EVERY_S:
                    self._sweep()
                    swept_s = time.monotonic()
                pause_s = self._options.every_s
            except SearchEngineError as error:
                if once:
                    raise
                done, pause_s = False, min(pause_s * 2, LONGEST_PAUSE_S)
                log = logger.info if isinstance(error, IndexLocked) else logger.warning
                log("the inbox waits: %s; trying again in %.1f s", error, pause_s)
            if once and not done:
                return
            if not done:
                time.sleep(pause_s)

    def _sweep(self) -> None:
        self.inbox.prepare()
        try:
            tasks.prune(self.inbox)
        except OSError as error:
            raise self._hindrance(error) from error

    def step(self) -> bool:
        """One commit of what waits, or a merge if nothing does; False when there was nothing to do.

        Raises what is no fault of the writes (IndexLocked, NoSpace, WriteFailed, CorruptIndex, ...);
        they wait on.
        """
        try:
            return self._step()
        except OSError as error:
            raise self._hindrance(error) from error

    def _hindrance(self, error: OSError) -> WriteFailed:
        return WriteFailed(
            f"the inbox {self.inbox.folder} cannot be read or written: {error}; no write is lost, "
            f"mend the disk and run `indexer work --index {self.inbox.index}` again"
        )

    def _step(self) -> bool:
        batch = self._next()
        if batch is None or self._unmerged >= COMMITS_UNMERGED:
            merged = self._merge()
            if batch is None:
                return merged
        tasks.write_batch(self.inbox, batch)
        try:
            self._do(batch)
        except SearchEngineError as error:
            self._hindered(batch, error)
        except OSError:
            raise
        except Exception:
            logger.exception("the writes %s could not be done", ", ".join(batch.tasks[:3]))
            self._give_up(batch, "it could not be indexed; the worker's log tells why")
        except BaseException:  # asked to end: that is nobody's fault
            tasks.write_batch(self.inbox, None)
            raise
        return True

    def _hindered(self, batch: Batch, error: SearchEngineError) -> None:
        """Raises the error, unless a write may be what it is about."""
        if isinstance(error, InputError) and not isinstance(error, NoSpace):
            self._refused = self._refused + 1 if len(batch.tasks) == 1 else 0
            if len(batch.tasks) > 1 or self._refused > MOST_ATTEMPTS:
                self._give_up(batch, str(error))
                return
        tasks.write_batch(self.inbox, replace(batch, trouble=str(error)))
        raise error

    def _next(self) -> Batch | None:
        waiting = next_tasks(self.inbox, self._suspects)
        if not waiting:
            self._suspects = frozenset()
            return None
        again = self._died is not None and self._died.tasks == waiting
        attempt = self._died.attempt + 1 if again and self._died else 1
        self._died = None
        return Batch(waiting, attempt)

    def _do(self, batch: Batch) -> None:
        begun = time.perf_counter()
        if batch.attempt > MOST_ATTEMPTS:
            self._give_up(batch, f"the worker died over it {MOST_ATTEMPTS} times")
            return
        wanted = gather(self.inbox, batch.tasks, self._told(batch))
        failpoint("work.gathered")
        generation = self._commit(wanted, batch)
        failpoint("work.committed")
        tasks.finish(self.inbox, wanted.finished)
        self._suspects -= set(batch.tasks)
        self._unmerged += 1
        logger.info(
            "generation %d: %d writes, %d articles, %d deletions, %.0f ms",
            generation,
            len(batch.tasks),
            len(wanted.records),
            len(wanted.deletions),
            (time.perf_counter() - begun) * 1000,
        )

    def _commit(self, wanted: Wanted, batch: Batch) -> int:
        """The generation that holds all that is wanted."""
        manifest = directory.current(self._index).manifest
        records = wanted.records
        if records:
            require_space_for_text(wanted.size, self._index, manifest.encoder.dim)
        run = Run(replace(self._options.build, merge=False), BuildReport(), self._told(batch))
        wish = Wish("work", records, lambda: wanted.deletions)
        encoder = self._encoder_of(manifest.encoder) if records else None
        committed = grow(self._index, wish, run, encoder)
        generation = committed or directory.current(self._index)
        wanted.settle(generation.manifest.generation, run.report.unknown)
        return generation.manifest.generation

    def _encoder_of(self, identity: EncoderIdentity) -> Encoder:
        if self._encoder is None or not self._encoder.identity.same_vectors(identity):
            self._encoder = self._options.load(identity)
        return self._encoder

    def _told(self, batch: Batch) -> Callable[[str, int, int | None], None]:
        """A Progress that is written down now and then."""
        told_s = time.monotonic()

        def progress(stage: str, done: int, total: int | None) -> None:
            nonlocal told_s
            if time.monotonic() - told_s >= TOLD_EVERY_S:
                told_s = time.monotonic()
                tasks.write_batch(self.inbox, replace(batch, stage=stage, done=done, total=total))

        return progress

    def _give_up(self, batch: Batch, reason: str) -> None:
        """A write that cannot be done alone has failed; of several, each is tried alone."""
        if len(batch.tasks) > 1:
            self._suspects |= set(batch.tasks)
            return
        task_id, write = batch.tasks[0], LOST
        with suppress(CorruptIndex):
            write = self.inbox.write(task_id) or LOST
        tasks.finish(self.inbox, {task_id: (write, Outcome(write.records, failure=reason))})
        self._suspects -= {task_id}
        self._refused = 0

    def _merge(self) -> bool:
        """Merge if the policy asks for it and something was committed since. An error holds up no write."""
        if self._unmerged == 0 or not self._options.build.merge:
            return False
        self._unmerged = 0
        try:
            return tidy(self._index, self._options.build).generation is not None
        except SearchEngineError as error:
            logger.warning("segments are not merged: %s; tried again after the next commit", error)
            return False
