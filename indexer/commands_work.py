"""The command that takes writes out of the inbox: work. Ends at SIGTERM, or with who began it."""

import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.options import CacheOption, IndexOption, KeepOption, MergeOption, say
from passage_index import directory
from passage_index.inbox import Inbox
from passage_index.model_files import default_cache

if TYPE_CHECKING:
    from passage_index.encoder import EncoderIdentity
    from passage_index.transformer import TransformerEncoder

app = typer.Typer()


@app.command("work")
def work_command(
    index: IndexOption,
    every: Annotated[float, typer.Option("--every", help="Seconds between two looks.", min=0.05)] = 0.2,
    once: Annotated[
        bool,
        typer.Option(
            "--once", help="Do what waits, then end; with an exit code if something stands in the way."
        ),
    ] = False,
    model: Annotated[
        str | None,
        typer.Option("--model", help="Where to find the index's own encoder, if it is not in the cache."),
    ] = None,
    merge: MergeOption = True,
    keep: KeepOption = 2,
    nice: Annotated[
        int,
        typer.Option(
            help="How far to step back for other processes; the server runs it at 10.", min=0, max=19
        ),
    ] = 0,
    attached: Annotated[
        bool, typer.Option("--attached", help="End when standard input closes.", hidden=True)
    ] = False,
    cache: CacheOption = None,
) -> None:
    """Commit the writes that the server has taken into the index's inbox. Runs until Ctrl-C.

    `search-api serve` starts it itself where an admin key is set.

    Example: indexer work --index my-index --once
    """
    directory.current(index)  # an inbox would make a folder where there is no index
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if attached:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    os.nice(nice)
    cache = cache or default_cache()

    def load(identity: "EncoderIdentity") -> "TransformerEncoder":
        from passage_index.transformer import load_indexed_encoder

        return load_indexed_encoder(identity, cache, model, streams=os.cpu_count() or 1)

    with Inbox(index).worker_lock():
        from indexer.work import Worker, WorkOptions
        from indexer.write import BuildOptions

        if not once:
            say(f"working on the inbox of {index}, every {every:g} s")
        options = WorkOptions(BuildOptions(cache=cache, keep=keep, merge=merge), load, every)
        Worker(index, options).run(once)


def _end_with_parent() -> None:
    """Wait for the end of standard input: whoever holds its other end is gone then, however it ended."""
    while os.read(0, 4096):  # not sys.stdin, whose lock would be held when the process ends
        pass
    logging.getLogger(__name__).info("the server is gone; ending")
    os.kill(os.getpid(), signal.SIGTERM)
