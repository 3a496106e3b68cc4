"""What the tests of addresses share: one article at an address, or why there is none."""

from typing import Any

from indexer.articles import Record, Rejected, read_articles
from indexer.web.fetching import MEBIBYTE, Limits
from indexer.web.manners import Visitor
from indexer.web.pages import web_sources
from passage_index.types import Article
from tests.reading import BODY

LIMITS = Limits(timeout_s=10.0, max_bytes=MEBIBYTE, allow_private=True)
TEXT = f"{BODY}\n\nIt stays shut until May."


def read(*asked: str, feeds: tuple[str, ...] = (), follow: int = 0, limits: Limits = LIMITS) -> list[Any]:
    return list(read_articles([], web_sources(asked, feeds, Visitor(limits, pause_s=0.0), follow)))


def only(address: str, limits: Limits = LIMITS) -> Article:
    (found,) = read(address, limits=limits)
    assert isinstance(found, Record), found
    return found.article


def reason(address: str, limits: Limits = LIMITS) -> str:
    """Why an address is rejected."""
    (found,) = read(address, limits=limits)
    assert isinstance(found, Rejected), found
    assert found.path == address
    return found.reason
