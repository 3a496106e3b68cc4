"""Near-duplicates folded together, articles grouped: from ranked passages to the entries of a page.

positions, best first -> families of positions; the first of each family is shown
"""

from passage_index.near_duplicates import kin
from passage_index.snapshot import Pool


def families(pool: Pool, ranked: list[int], collapse: bool, group_by_article: bool) -> list[list[int]]:
    """Positions in the pool, best first; near-duplicates stand behind the best of their family.

    With grouping by article, later passages of an article that is already shown are left out.
    """
    relatives = kin(pool.signature) if collapse else [set()] * len(pool)
    found: list[list[int]] = []
    shown_articles: set[int] = set()
    taken: set[int] = set()
    rank = {position: place for place, position in enumerate(ranked)}
    for position in ranked:
        article = int(pool.article[position])
        if position in taken or (group_by_article and article in shown_articles):
            continue
        others = (relatives[position] & rank.keys()) - taken
        family = [position, *sorted(others, key=rank.__getitem__)]
        taken.update(family)
        found.append(family)
        shown_articles.add(article)
    return found
