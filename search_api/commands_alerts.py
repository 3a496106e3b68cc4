"""The command `search-api alerts`: saved searches asked again, and what is new since the last run.

The state of a run is replaced only after its output is on its way: a run that dies is repeated, and tells
the same again rather than nothing.
"""

import os
import sys
from contextlib import closing, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passage_index.errors import InputError, WriteFailed
from passage_index.outputs import require_apart
from search_api.options import CacheOption, IndexOption, settings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from search_api.alerts.news import Followup

FORMATS = ("jsonl", "mail", "rss")


def alerts_command(
    searches: Annotated[
        Path, typer.Argument(help="Saved searches: TOML, or JSON lines (.jsonl).", metavar="SEARCHES")
    ],
    index: IndexOption,
    state: Annotated[
        Path | None, typer.Option("--state", help="What was told; SEARCHES.state.json unless given.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="`jsonl`, `mail` or `rss`.")] = "jsonl",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="A file to write in one step; stdout unless given."),
    ] = None,
    mail_from: Annotated[str | None, typer.Option("--mail-from", help="The message's sender.")] = None,
    mail_to: Annotated[str | None, typer.Option("--mail-to", help="The message's addressee.")] = None,
    link: Annotated[
        str, typer.Option("--link", help="Where a feed's own title leads: the address of your server.")
    ] = "http://127.0.0.1:8000/",
    first: Annotated[
        bool, typer.Option("--first", help="At a search's first run tell also what is there already.")
    ] = False,
    changes: Annotated[
        bool, typer.Option("--changes", help="Tell an article again when its text has changed.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Remember nothing: the next run tells the same.")
    ] = False,
    cache: CacheOption = None,
) -> None:
    """Tell the articles that saved searches have found since the last run.

    Example: search-api alerts searches.toml --index my-index
    """
    from search_api.alerts.news import Manner, as_record, followed_up
    from search_api.alerts.remembered import MOST_RECENT, only_run, read_state, write_state
    from search_api.alerts.saved import read_saved
    from search_api.alerts.telling import feed, json_lines, message
    from search_api.searcher import open_searcher

    _check(form, mail_from, mail_to)
    file = state or searches.with_name(f"{searches.name}.state.json")
    require_apart("--out", out, (searches, file, index))
    require_apart("--state", file, (searches, index))
    saved = read_saved(searches, settings_of(index=index))
    now = datetime.now(UTC).replace(microsecond=0)
    with nullcontext() if dry_run else only_run(file):
        remembered = read_state(file)
        with closing(open_searcher(index, cache)) as searcher:
            snapshot = searcher.snapshot
            begins_at = remembered.begins_at(index, snapshot.manifest)
            found = followed_up(searcher, saved, remembered, begins_at, Manner(first, changes))
            records = [
                as_record(one, hit, snapshot) | {"found_at": now.isoformat()}
                for one in found
                for hit in one.hits
            ]
            remembered.went_to(index, snapshot.manifest)
        remembered.recent = [*records, *remembered.recent]
        content = {
            "jsonl": lambda: json_lines(records),
            "mail": lambda: message(records, now, mail_from, mail_to),
            # Who reads a feed was not there at every run.
            "rss": lambda: feed(remembered.recent[:MOST_RECENT], now, link),
        }[form]()
        _put(out, content)
        if not dry_run:
            write_state(file, remembered)
    _say(found, dry_run)


def _check(form: str, mail_from: str | None, mail_to: str | None) -> None:
    if form not in FORMATS:
        raise InputError(f"--format is {form!r}; it can be {', '.join(FORMATS)}")
    if form != "mail" and (mail_from or mail_to):
        raise InputError("--mail-from and --mail-to are for --format mail")
    for option, address in (("--mail-from", mail_from), ("--mail-to", mail_to)):
        if address is not None and not (address.isprintable() and "@" in address):
            raise InputError(f"{option} is no address; write name@example.org")


def _put(out: Path | None, content: bytes) -> None:
    """On the disk, or given to whoever reads stdout, when this returns."""
    from search_api.alerts.remembered import replace_file

    if out is not None:
        replace_file(out, content)
        return
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise WriteFailed(
            f"nobody took what was to be told: {error.strerror}; the next run tells it"
        ) from error
    with suppress(OSError):  # a pipe, or a terminal
        os.fsync(sys.stdout.fileno())


def _say(found: "Sequence[Followup]", dry_run: bool) -> None:
    for one in found:
        told = f"{len(one.hits)} new" + (f", {one.copies} copies" if one.copies else "")
        began = "; its first run: what is there counts as told" if one.is_first and not one.hits else ""
        typer.echo(f"{one.search.name}: {told}{began}", err=True)
    if dry_run:
        typer.echo("nothing is remembered of this run", err=True)
