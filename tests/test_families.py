"""Near-duplicates folded, articles grouped: nothing lost, nothing twice, the best of a family shown."""

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from search_api.families import families
from tests.pools import pool_of


def like(groups: list[int]) -> np.ndarray:
    """Signatures that are equal inside a group and unlike between groups. (n,) -> (n, 64)."""
    base = np.random.default_rng(9).integers(0, 2**16, (max(groups, default=0) + 1, 64))
    return base[groups].astype(np.uint16)


def test_copies_stand_behind_the_best_of_their_family() -> None:
    pool = pool_of("abcde", signature=like([0, 1, 0, 1, 2]))
    assert families(pool, [3, 0, 1, 4, 2], collapse=True, group_by_article=False) == [[3, 1], [0, 2], [4]]
    assert families(pool, [2, 4, 0], collapse=True, group_by_article=False) == [[2, 0], [4]]


def test_without_folding_every_passage_stands_alone() -> None:
    pool = pool_of("abc", signature=like([0, 0, 0]))
    assert families(pool, [2, 0, 1], collapse=False, group_by_article=False) == [[2], [0], [1]]


def test_grouped_by_article_only_the_best_passage_of_each_is_shown() -> None:
    pool = pool_of("abcd", article=[7, 7, 8, 8], signature=like([0, 1, 2, 3]))
    assert families(pool, [1, 0, 3, 2], collapse=False, group_by_article=True) == [[1], [3]]
    assert families(pool, [1, 0, 3, 2], collapse=True, group_by_article=True) == [[1], [3]]


def test_a_copy_in_another_article_is_folded_where_articles_are_grouped() -> None:
    pool = pool_of("abcd", article=[7, 7, 8, 9], signature=like([0, 1, 0, 2]))
    assert families(pool, [0, 1, 2, 3], collapse=True, group_by_article=True) == [[0, 2], [3]]


def test_kinship_is_with_the_passage_shown_and_no_chain() -> None:
    """b is like a and like c, c is not like a: c is no copy of what is shown, so it stands for itself."""
    row = np.arange(64)
    ab, bc = row.copy(), row.copy()
    ab[:15] += 1000
    bc[:15] += 1000
    bc[20:35] += 1000
    pool = pool_of("abc", signature=np.stack([row, ab, bc]).astype(np.uint16))
    assert families(pool, [0, 1, 2], collapse=True, group_by_article=False) == [[0, 1], [2]]
    assert families(pool, [1, 0, 2], collapse=True, group_by_article=False) == [[1, 0, 2]]


@given(st.lists(st.integers(0, 3), max_size=12), st.randoms(use_true_random=False), st.booleans())
def test_every_ranked_passage_stands_in_one_family(
    groups: list[int], chance: random.Random, collapse: bool
) -> None:
    pool = pool_of([str(i) for i in range(len(groups))], signature=like(groups))
    ranked = chance.sample(range(len(groups)), chance.randint(0, len(groups)))
    found = families(pool, ranked, collapse, group_by_article=False)
    assert sorted(member for family in found for member in family) == sorted(ranked)
    assert [family[0] for family in found] == [i for i in ranked if i in {family[0] for family in found}]
    for family in found:
        assert len({groups[member] for member in family}) == 1
        assert [ranked.index(member) for member in family] == sorted(ranked.index(m) for m in family)
    if collapse:
        assert len(found) == len({groups[member] for member in ranked})
