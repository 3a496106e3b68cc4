"""What the commands say of themselves: examples that parse, no colours where none are wanted, completion."""

import os
import pty
import re
import select
import shlex
import subprocess
import sys
from typing import Any

import pytest

from manual.tables import commands

COLOUR = re.compile(rb"\x1b\[(?:[0-9]+;)*(?:3[0-7]|9[0-7]|38|4[0-7])[;m]")
ESCAPE = b"\x1b["
RUN = "import sys; sys.argv[0] = {name!r}; from {module}.__main__ import main; main()"
MODULES = {"indexer": "indexer", "search-api": "search_api"}
ENVIRONMENT = {
    key: value for key, value in os.environ.items() if not key.startswith(("SEARCH_", "NO_COLOR", "FORCE_"))
}


def command(program: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", RUN.format(name=program, module=MODULES[program]), *arguments]


def on_a_terminal(words: list[str], **environment: str) -> bytes:
    """What a command prints where stdout and stderr are a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, env={**ENVIRONMENT, "TERM": "xterm", **environment}
    ):
        os.close(theirs)
        said = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # how Linux says that the other end is closed
                break
            if not piece:
                break
            said += piece
    os.close(ours)
    return said


@pytest.mark.parametrize(("name", "parsed"), [*commands()], ids=[name for name, _ in commands()])
def test_every_command_has_help_an_example_and_a_text_for_each_option(name: str, parsed: Any) -> None:
    found = re.search(rf"Example: ({re.escape(name)}.*)", parsed.help)
    assert found, f"an Example in the docstring of `{name}`"
    options = {option for one in parsed.params for option in (*one.opts, *one.secondary_opts)}
    used = {word for word in shlex.split(found[1]) if word.startswith("--")}
    assert used <= options
    assert [one.name for one in parsed.params if not getattr(one, "hidden", False) and not one.help] == []


def test_colours_are_for_terminals_that_want_them() -> None:
    words = command("indexer", "info", "--help")
    assert COLOUR.search(on_a_terminal(words))
    assert not COLOUR.search(on_a_terminal(words, NO_COLOR="1"))
    piped = subprocess.run(words, capture_output=True, env=ENVIRONMENT, check=True, timeout=60)
    assert ESCAPE not in piped.stdout + piped.stderr


@pytest.mark.parametrize(
    ("program", "words", "expected"),
    [("indexer", "indexer bu", "build"), ("search-api", "search-api ver", "verify-citation")],
)
def test_bash_completes_commands(program: str, words: str, expected: str) -> None:
    variable = f"_{program.upper().replace('-', '_')}_COMPLETE"
    asked = {variable: "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "1"}
    done = subprocess.run(
        command(program),
        capture_output=True,
        text=True,
        env={**ENVIRONMENT, **asked},
        check=False,
        timeout=60,
    )
    assert done.stdout.split() == [expected]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("indexer", "biuld"), "Did you mean 'build'"),
        (("indexer", "info", "--jsno"), "--json"),
        (("search-api", "serch"), "'search'"),
    ],
)
def test_a_slip_is_told_what_was_meant(words: tuple[str, ...], hint: str) -> None:
    done = subprocess.run(
        command(*words), capture_output=True, text=True, env=ENVIRONMENT, check=False, timeout=60
    )
    assert done.returncode == 2 and done.stdout == ""
    assert hint in done.stderr and "--help" in done.stderr and "Traceback" not in done.stderr
