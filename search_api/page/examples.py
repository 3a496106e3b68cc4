"""Questions to begin with, from the corpus itself.

Asks nothing and makes nothing up: names of articles, from all over the corpus. Backend -> passages
"""

from passage_index.backend import Backend
from passage_index.types import StoredPassage
from search_api.page.words import article_name

EXAMPLES = 3
EXAMPLE_CHARS = 110


def examples(snapshot: Backend) -> list[StoredPassage]:
    """Passages far apart; the names of their articles are questions that the corpus answers."""
    found: dict[str, StoredPassage] = {}
    for stored in snapshot.sample(4 * EXAMPLES):
        name = article_name(stored.article)
        if len(name) <= EXAMPLE_CHARS:
            found.setdefault(name, stored)
    spread, count = list(found.values()), min(EXAMPLES, len(found))
    return [spread[len(spread) * i // count] for i in range(count)]
