"""How uvicorn runs the service, by one process or several, and how it stops.

On SIGTERM the service first says that it is not ready and goes on answering for a while, so that whoever
spreads requests stops sending them here; then no connection is taken, what is under way is finished, and
the process ends. Knows no route. Settings -> options of uvicorn; SIGTERM -> a slow end
"""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from search_api.connections import GuardedProtocol
from search_api.settings import Settings

logger = logging.getLogger(__name__)


def server_options(settings: Settings) -> dict[str, Any]:
    """What `uvicorn.run` is given beside the service."""
    return {
        "host": settings.host,
        "port": settings.port,
        "http": GuardedProtocol,
        "ws": "none",
        "h11_max_incomplete_event_size": settings.max_header_bytes,
        "timeout_keep_alive": settings.keep_alive_s,
        "timeout_graceful_shutdown": settings.grace_s,
        "proxy_headers": False,  # who may say so is a setting: addresses.py
        "log_config": None,
        "access_log": False,
        "server_header": False,
    }


@contextmanager
def slow_end(drain_s: float, begin: Callable[[], None]) -> Iterator[None]:
    """Inside, SIGTERM calls `begin` at once and the server's handler `drain_s` later; a second one now.

    Does nothing outside the main thread, where signals cannot be caught.
    """
    ends = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or not callable(ends) or drain_s == 0:
        yield
        return
    loop, is_asked = asyncio.get_running_loop(), False

    def asked(number: int, frame: FrameType | None) -> None:
        nonlocal is_asked
        if is_asked:
            ends(number, frame)
            return
        is_asked = True
        begin()
        logger.info("asked to end: not ready any more, ending in %g s", drain_s)
        loop.call_soon_threadsafe(loop.call_later, drain_s, ends, number, None)

    signal.signal(signal.SIGTERM, asked)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, ends)
