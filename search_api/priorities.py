"""Which threads go first where there is not enough processor for all: the one that answers connections.

A search or an encoding takes milliseconds to hundreds of them, and a few are enough to keep every
processor busy. A connection then waited for its turn among them a dozen times: at each step of its
request. -> the priority of the calling thread, and garbage collection that does not stop it for long
"""

import gc
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

NICER = 2  # about two thirds of the event loop's share where both want all there is
NICEST = 19


def give_way() -> None:
    """The thread that calls, and all that it starts, come after the main thread.

    On Linux alone: elsewhere a priority belongs to the whole process.
    """
    if sys.platform != "linux":
        return
    with suppress(OSError):  # a sandbox may forbid it, and nothing depends on it
        main = os.getpriority(os.PRIO_PROCESS, os.getpid())
        os.setpriority(os.PRIO_PROCESS, 0, min(main + NICER, NICEST))


def aside(work: Callable[[], T]) -> T:
    """The result of `work`, by a thread that gives way: so do the threads that a library starts in it."""
    with ThreadPoolExecutor(1, initializer=give_way) as one:
        return one.submit(work).result()


def settle() -> None:
    """The process serves from now on. What is there now will stay, and is left out of the search for garbage.

    Modules and models are some hundred thousand objects, and to look through them stops every thread for
    a tenth of a second.
    """
    gc.collect()
    gc.freeze()
