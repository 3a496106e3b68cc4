"""How far a run is: a moving bar on a terminal, a line now and then elsewhere, both on stderr.

A Progress is called with (stage, done, total or None).
"""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from indexer.report import Progress as Report

EVERY_S = 10.0  # between plain lines


@contextmanager
def shown() -> Iterator[Report]:
    """A Progress for the stream at hand."""
    if sys.stderr.isatty():
        with _bar() as bar, _messages_above():
            yield _on_terminal(bar)
    else:
        yield _plain_lines()


@contextmanager
def _messages_above() -> Iterator[None]:
    """Log lines go to the stderr that the bar put in place of the real one: it prints them above itself."""
    handlers = [one for one in logging.getLogger().handlers if isinstance(one, logging.StreamHandler)]
    streams = [handler.setStream(sys.stderr) for handler in handlers]
    try:
        yield
    finally:
        for handler, stream in zip(handlers, streams, strict=True):
            if stream is not None:
                handler.setStream(stream)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description:>14}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _on_terminal(bar: Progress) -> Report:
    tasks: dict[str, tuple[int, float]] = {}

    def report(stage: str, done: int, total: int | None) -> None:
        if stage not in tasks:
            for done_before, _ in tasks.values():  # a stage of unknown length has ended where the next begins
                if bar.tasks[done_before].total is None:
                    bar.update(bar.task_ids[done_before], total=bar.tasks[done_before].completed)
            tasks[stage] = (int(bar.add_task(stage, total=total, rate="")), time.monotonic())
        task, begun = tasks[stage]
        rate = f"{done / max(time.monotonic() - begun, 1e-3):,.0f}/s"
        bar.update(bar.task_ids[task], completed=done, total=total, rate=rate)

    return report


def _plain_lines() -> Report:
    begun: dict[str, float] = {}
    said: dict[str, float] = {}

    def report(stage: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        begun.setdefault(stage, now)
        if done != total and now - said.get(stage, begun[stage]) < EVERY_S:
            return
        said[stage] = now
        rate = done / max(now - begun[stage], 1e-3)
        line = f"{stage}: {done:,}" + (f" of {total:,}" if total else "") + f", {rate:,.0f}/s"
        if total and rate:
            line += f", {(total - done) / rate:,.0f} s left"
        print(line, file=sys.stderr, flush=True)  # noqa: T201

    return report
