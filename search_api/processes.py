"""Several processes that serve one address: each has the index mapped, and the system keeps one copy of it.

The first process serves nothing: it looks at the index, starts the others, starts again those that die, and
runs the one worker for writes. A write is seen by the process that took it at once, by the others at their
next look for a new generation. Settings -> running until it is told to end
"""

import asyncio
import logging
import os
import threading
import time
from tempfile import TemporaryDirectory

import uvicorn

from search_api.access import Access
from search_api.generations import Generations
from search_api.metrics import SHARED_FOLDER, Metrics
from search_api.server import server_options
from search_api.settings import Settings
from search_api.worker import keep_working

logger = logging.getLogger(__name__)

HEALTHCHECK_S = 30  # one that has much to do answers late, and is not dead


def serve_side_by_side(settings: Settings) -> None:
    """Serve with `settings.processes`. Raises as opening the index does."""
    looked = Generations(settings)  # before binding: a broken index must not look alive
    looked.open()
    looked.close()
    access = Access(settings, Metrics())  # as well: settings that would let anyone in
    if settings.worker and settings.backend == "embedded":
        threading.Thread(target=_work, args=(settings, access), name="worker", daemon=True).start()
    os.environ.update(_environment(settings))
    with TemporaryDirectory(prefix="search-metrics-") as shared:
        os.environ[SHARED_FOLDER] = shared  # before the others import the library that reads it
        _serve(settings)


def _serve(settings: Settings) -> None:
    uvicorn.run(
        "search_api.app:create_app_of_environment",
        factory=True,
        workers=settings.processes,
        timeout_worker_healthcheck=HEALTHCHECK_S,
        **server_options(settings),
    )


def _work(settings: Settings, access: Access) -> None:
    while not access.takes_writes:
        time.sleep(settings.poll_s)
    asyncio.run(keep_working(settings, lambda fault: None))  # the fault is logged where it is told


def _environment(settings: Settings) -> dict[str, str]:
    """What the command line said, for processes that read the environment alone."""
    said = {"INDEX": str(settings.index.resolve()), "HOST": settings.host, "PORT": str(settings.port)}
    said |= {"BACKEND": settings.backend} | (
        {"MILVUS_URI": settings.milvus_uri} if settings.milvus_uri else {}
    )
    said |= {"CACHE": str(settings.cache.resolve())} if settings.cache else {}
    said |= {"KEYS_FILE": str(settings.keys_file.resolve())} if settings.keys_file else {}
    said |= {"OPEN": str(settings.open), "PROCESSES": str(settings.processes)}
    return {f"SEARCH_{name}": value for name, value in (said | {"WORKER": "false"}).items()}
