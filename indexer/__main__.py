"""The command `indexer`: all commands together, and one exit code an error.

Data goes to stdout, progress and messages to stderr.
"""

import logging
import sys

import typer

from indexer import (
    commands_changing,
    commands_growing,
    commands_keeping,
    commands_publishing,
    commands_work,
)
from passage_index.errors import SearchEngineError

EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 4 locked by another process, 5 encoder or format does "
    "not fit, "
    "6 a file is damaged, 130 interrupted. More in docs/commands.md."
)

app = typer.Typer(
    help="Build and look after an index of articles.",
    epilog=EPILOG, no_args_is_help=True, add_completion=True,
    pretty_exceptions_enable=False,
)  # fmt: skip
app.add_typer(commands_growing.app)
app.add_typer(commands_changing.app)
app.add_typer(commands_keeping.app)
app.add_typer(commands_work.app)
app.add_typer(commands_publishing.app)


def main() -> None:
    """Entry point: one error tree, one exit code each."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("passage_index").setLevel(logging.INFO)
    for name in ("indexer.publishing", "indexer.watch", "indexer.web", "indexer.work"):
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        app()
    except SearchEngineError as error:
        print(f"indexer: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print(f"indexer: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except SystemExit as ended:  # typer takes Ctrl-C for itself and ends with 130, without a word
        if ended.code == 130:
            print("indexer: interrupted; the index is as its last commit left it", file=sys.stderr)
        raise


if __name__ == "__main__":
    main()
