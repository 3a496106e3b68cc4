"""The peer's end of a line: wishes from stdin, answers to stdout, all else that is printed to stderr.

Run by the peers' own Python, which has nothing of this project. {"do": name, ...} -> JSON
"""

import json
import os
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any


def serve(answers: dict[str, Callable[..., dict[str, Any]]]) -> None:
    """Answer until stdin ends. An error is an answer too."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)  # a library that prints does not get in between
        for line in sys.stdin:
            wish = json.loads(line)
            try:
                reply = answers[wish.pop("do")](**wish)
            except Exception as error:
                reply = {"error": f"{type(error).__name__}: {error}"}
            out.write(json.dumps(reply) + "\n")
            out.flush()


def versions(*packages: str) -> dict[str, str]:
    """Which of these packages are installed, with their versions."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
