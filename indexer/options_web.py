"""The options of commands that also read addresses, and what they make of them. Knows Typer, asks nothing.

arguments and options -> paths, sources elsewhere
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passage_index.errors import InputError

if TYPE_CHECKING:
    from indexer.readers.records import Elsewhere

SourcesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        help="Files and folders of articles (a folder with all below it), and addresses (http://, https://) "
        "of pages, PDFs and feeds.",
        metavar="PATH|URL",
        show_default=False,
    ),
]
FeedOption = Annotated[
    list[str] | None,
    typer.Option("--feed", metavar="URL", help="The address of an RSS or Atom feed; can be given again."),
]
FollowOption = Annotated[
    int,
    typer.Option(
        min=0,
        help="Of so many entries of each feed, read the page that they link to, where robots.txt of its host "
        "allows it.",
    ),
]
TimeoutOption = Annotated[
    float, typer.Option(min=0.1, help="Seconds that one address may take, redirects included.")
]
MaxMbOption = Annotated[int, typer.Option(min=1, help="MiB that one address may send, packed or unpacked.")]
RedirectsOption = Annotated[int, typer.Option(min=0, help="Redirects that are followed, each checked anew.")]
PauseOption = Annotated[float, typer.Option(min=0, help="Seconds between two requests to one host.")]
UserAgentOption = Annotated[
    str | None, typer.Option(help="What to tell servers that we are.", show_default=False)
]
PrivateOption = Annotated[
    bool,
    typer.Option(
        "--allow-private",
        help="Also read addresses that are not of the open internet: private, loopback, link-local.",
    ),
]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def sources(
    given: Sequence[str] | None,
    feeds: Sequence[str] | None,
    follow: int,
    pause_s: float,
    *,
    timeout_s: float,
    max_mb: int,
    redirects: int,
    user_agent: str | None,
    allow_private: bool,
) -> "tuple[list[Path], list[Elsewhere]]":
    """What was given, parted into paths and addresses; no address is asked yet. Raises InputError."""
    given, feeds = list(given or ()), list(feeds or ())
    addresses = [one for one in given if _SCHEME.match(one)]
    paths = [Path(one) for one in given if not _SCHEME.match(one)]
    if not given and not feeds:
        raise InputError("nothing to read: name files or folders of articles, an address, or --feed URL")
    if not addresses and not feeds:
        return paths, []
    from indexer.readers.records import Unfit
    from indexer.web.fetching import MEBIBYTE, USER_AGENT, Limits, checked_address
    from indexer.web.manners import Visitor
    from indexer.web.pages import web_sources

    for one in (*addresses, *feeds):
        try:
            checked_address(one)
        except Unfit as fault:
            raise InputError(f"{one[:200]}: {fault}") from fault
    limits = Limits(timeout_s, max_mb * MEBIBYTE, redirects, allow_private, user_agent or USER_AGENT)
    return paths, web_sources(addresses, feeds, Visitor(limits, pause_s), follow)
