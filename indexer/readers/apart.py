"""Asks a process of its own, which can be ended: JSON there, JSON back, or a fault in time.

Knows nothing of what is asked. module, question -> answer
"""

import atexit
import json
import os
import selectors
import subprocess
import sys
import time
from typing import Any

from indexer.readers.records import Unfit

_CHUNK = 1 << 16


class Apart:
    """One `python -m module`, begun when it is first asked, and again after its end. Not for two threads."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    def ask(self, question: dict[str, Any], timeout_s: float) -> Any:
        """The answer. Raises Unfit where none comes in time, or the process dies of the question."""
        process = self._running()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
            answer = _line(process.stdout.fileno(), time.monotonic() + timeout_s)
        except BaseException:  # also Ctrl-C: its answer must not be taken for that of the next question
            self.close()
            raise
        if answer is None:
            self.close()
            raise Unfit(f"not read within {timeout_s:g} s")
        if not answer.endswith(b"\n"):
            self.close()
            raise Unfit("the process that reads it died of it")
        return json.loads(answer)

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.communicate()

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process


def _line(descriptor: int, deadline: float) -> bytes | None:
    """Bytes up to a line end or the end of the stream; None where the deadline comes first."""
    pieces: list[bytes] = []
    with selectors.DefaultSelector() as waiting:
        waiting.register(descriptor, selectors.EVENT_READ)
        while not (pieces and pieces[-1].endswith(b"\n")):
            if not waiting.select(max(0.0, deadline - time.monotonic())):
                return None
            piece = os.read(descriptor, _CHUNK)
            if not piece:
                break
            pieces.append(piece)
    return b"".join(pieces)
