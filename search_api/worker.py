"""Keeps `indexer work` running beside the server: started, started again when it dies, ended with it.

The child holds the other end of a pipe as its standard input, so that it ends even if the server is
killed. Knows nothing of what the child does. Settings -> a child process
"""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable

from search_api.settings import Settings

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
HEALTHY_S = 60.0  # after so long a life a death counts as the first one again
ENDING_S = 10.0  # a child that has not ended by then is killed
NICE = "10"


async def keep_working(settings: Settings, told: Callable[[str], None]) -> None:
    """Run the worker until cancelled. told: is given what is wrong with it, and "" when it runs."""
    pause_s = FIRST_PAUSE_S
    loop = asyncio.get_running_loop()
    while True:
        begun_s = loop.time()
        try:
            code = await _lived(await _start(settings))
        except OSError as error:
            code = f"cannot be started: {error}"
        if loop.time() - begun_s > HEALTHY_S:
            pause_s = FIRST_PAUSE_S
        fault = f"the worker {code}; it is started again in {pause_s:.0f} s"
        logger.warning(fault)
        told(f"writes are kept but wait: {fault}")
        await asyncio.sleep(pause_s)
        told("")
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


def command(settings: Settings) -> list[str]:
    """What is run. -P: a folder named indexer where the server was started is not the indexer."""
    said = [sys.executable, "-P", "-m", "indexer", "work", "--index", str(settings.index.resolve())]
    said += ["--attached", "--nice", NICE]
    said += ["--cache", str(settings.cache.resolve())] if settings.cache else []
    said += ["--model", settings.model] if settings.model else []
    return said


async def _start(settings: Settings) -> Process:
    secret = {"SEARCH_ADMIN_KEY", "SEARCH_ADMIN_KEY_FILE"}
    environment = {name: value for name, value in os.environ.items() if name not in secret}
    # A session of its own: Ctrl-C is for the server, which then ends the worker.
    return await asyncio.create_subprocess_exec(
        *command(settings), stdin=PIPE, env=environment, start_new_session=True
    )


async def _lived(process: Process) -> str:
    """Wait for the end of the child, how it ended; cancelled, end it."""
    logger.info("the worker runs as process %d", process.pid)
    try:
        code = await process.wait()
        return f"ended with code {code}" if code >= 0 else f"was killed by signal {-code}"
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), ENDING_S)
    except TimeoutError:
        logger.warning("the worker does not end; killing it")
        process.kill()
        await process.wait()
