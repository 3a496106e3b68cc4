"""What the three retrievers have in common: which searches they make, and what of a hit is metadata.

Knows no framework. Options -> hits -> metadata
"""

from collections.abc import Mapping
from typing import Any

from search_client.asynchronous import AsyncClient
from search_client.client import Client
from search_client.models import Hit


def found(base_url: str, api_key: str | None, query: str, k: int, options: Mapping[str, Any]) -> list[Hit]:
    """The k best hits. options: those of `Client.search`."""
    with Client(base_url, api_key=api_key) as client:
        return client.search(query, **{**options, "limit": k}).hits


async def found_later(
    base_url: str, api_key: str | None, query: str, k: int, options: Mapping[str, Any]
) -> list[Hit]:
    """The same, awaited."""
    async with AsyncClient(base_url, api_key=api_key) as client:
        return (await client.search(query, **{**options, "limit": k})).hits


def metadata(hit: Hit) -> dict[str, Any]:
    """What a citation needs: the passage's place and hash, and what is known of its article."""
    return {
        "article_id": hit.article_id,
        "title": hit.title,
        "url": hit.url,
        "source": hit.source,
        "published_at": hit.published_at,
        "language": hit.language,
        "start": hit.start,
        "end": hit.end,
        "sha256": hit.sha256,
        "score": hit.score,
    }
