"""Questions to begin with, from the corpus itself.

Asks nothing and makes nothing up: names of articles, from all over the corpus. Snapshot -> passages
"""

import numpy as np

from passage_index.snapshot import Snapshot
from passage_index.types import StoredPassage
from search_api.page.words import article_name

EXAMPLES = 3
EXAMPLE_CHARS = 110


def examples(snapshot: Snapshot) -> list[StoredPassage]:
    """Passages far apart; the names of their articles are questions that the corpus answers."""
    rows = sum(segment.record.passages for segment in snapshot.segments)
    places = np.unique(np.linspace(0, max(rows - 1, 0), 4 * EXAMPLES).astype(np.int64))[:rows]
    found: dict[str, StoredPassage] = {}
    for stored in snapshot.fetch(places):
        name = article_name(stored.article)
        if len(name) <= EXAMPLE_CHARS and snapshot.passage(stored.passage.id):
            found.setdefault(name, stored)
    spread, count = list(found.values()), min(EXAMPLES, len(found))
    return [spread[len(spread) * i // count] for i in range(count)]
