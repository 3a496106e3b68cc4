"""Near-duplicates folded together, articles grouped: from ranked passages to the entries of a page.

positions, best first -> families of positions; the first of each family is shown
"""

from passage_index.backend import Pool


def families(pool: Pool, ranked: list[int], collapse: bool, group_by_article: bool) -> list[list[int]]:
    """Positions in the pool, best first; near-duplicates stand behind the best of their family.

    With grouping by article, later passages of an article that is already shown are left out.
    """
    found: list[list[int]] = []
    shown_articles: set[int] = set()
    taken: set[int] = set()
    rank = {position: place for place, position in enumerate(ranked)}
    may_have = pool.kin.may_have if collapse else [False] * len(pool)
    articles = pool.article.tolist()
    for position in ranked:
        if position in taken or (group_by_article and articles[position] in shown_articles):
            continue
        family = [position]
        if may_have[position]:
            others = (pool.kin.of(position) & rank.keys()) - taken
            family += sorted(others, key=rank.__getitem__)
            taken.update(family)
        found.append(family)
        shown_articles.add(articles[position])
    return found


def is_thin(pool: Pool, depth: int, collapse: bool, group_by_article: bool) -> bool:
    """True if a pool of `depth` was cut off although folding and grouping leave few entries of it.

    Fewer than two thirds of `depth`, that is: at the usual depth more than the longest page has.
    """
    if len(pool) < depth or not (collapse or group_by_article):
        return False
    if not group_by_article and 3 * pool.kin.may_have.count(False) >= 2 * depth:
        return False  # so many stand alone for sure
    by_id = sorted(range(len(pool)), key=pool.ids.__getitem__)  # the same however the index came about
    return 3 * len(families(pool, by_id, collapse, group_by_article)) < 2 * depth
