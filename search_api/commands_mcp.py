"""The command `search-api mcp`: the tools of an agent over standard input and output.

Standard output carries the protocol and nothing else; what there is to say goes to stderr.
"""

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

import typer

from search_api.options import CacheOption, IndexOption, settings_of

if TYPE_CHECKING:
    from search_api.serving import Serving

INTERRUPTED = 130


def mcp_command(index: IndexOption, cache: CacheOption = None) -> None:
    """Give an agent the tools `search`, `fetch` and `ask`, over stdin and stdout (MCP).

    Example: search-api mcp --index my-index
    """
    from search_api.serving import Serving

    serving = Serving(settings_of(index=index, cache=cache, worker=False))  # an agent only reads
    serving.generations.open()  # a broken index ends the command, and is not an answer
    typer.echo(f"tools over {index} on standard input and output", file=sys.stderr)
    asyncio.run(_serve(serving))


async def _serve(serving: "Serving") -> None:
    """Until standard input ends, or Ctrl-C."""
    interrupted = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupted.set)
    from search_api.agents.tools import build_server

    async with serving.running():
        served = asyncio.create_task(build_server(serving).run_stdio_async())
        waiting = asyncio.create_task(interrupted.wait())
        await asyncio.wait((served, waiting), return_when=asyncio.FIRST_COMPLETED)
    if interrupted.is_set():
        # The library's thread waits for a line of standard input, which nothing can take from it.
        os._exit(INTERRUPTED)
    waiting.cancel()
    await served  # raises what it ended with
