"""The command `search-api mcp`: the tools of an agent over standard input and output.

Standard output carries the protocol and nothing else; what there is to say goes to stderr.
"""

import asyncio
import sys
from typing import TYPE_CHECKING

import typer

from search_api.options import CacheOption, IndexOption, settings_of

if TYPE_CHECKING:
    from search_api.serving import Serving


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
    from search_api.agents.tools import build_server

    async with serving.running():
        await build_server(serving).run_stdio_async()
