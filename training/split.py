"""Which questions the reader never saw: a fifth of every collection, by article, for the benches to ask."""

import zlib
from typing import Any

TRAINED_ON = ("squadshifts_wiki", "squadshifts_amazon", "squadshifts_reddit", "qamr", "scifact")
PARTS = 5  # one of so many is kept out


def was_kept_out(collection: str, article: dict[str, Any]) -> bool:
    """article: a line of the corpus of one of TRAINED_ON, `_id` and `title`."""
    return zlib.crc32(_family(collection, article).encode()) % PARTS == 0


def _family(collection: str, article: dict[str, Any]) -> str:
    """What must not be parted: paragraphs or sentences of one article."""
    if collection == "squadshifts_wiki":
        return article["title"]
    if collection == "qamr":  # Wiki1k_<site>_<article>_<paragraph>_<sentence>
        return "_".join(article["_id"].split("_")[:3])
    return article["_id"]
