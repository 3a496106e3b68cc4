"""What is looked at for the first passages only: repeats of an article, against counting them one by one."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from search_api.fusion import order
from search_api.ranking import MOST_REPEATS, repeats
from tests.pools import pool_of

ROWS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.1, 0.2, 0.2000001, 0.5])), max_size=12)


@given(ROWS)
def test_a_repeat_counts_the_better_passages_of_its_article(rows: list[tuple[int, float]]) -> None:
    ids = [f"id{number * 7 % 12:02}" for number in range(len(rows))]
    pool = pool_of(ids, article=[article for article, _ in rows])
    scores, above = np.array([score for _, score in rows]), Counter[int]()
    expected = np.zeros(len(rows))
    for position in order(scores, ids):
        article = rows[position][0]
        expected[position] = min(above[article], MOST_REPEATS)
        above[article] += 1
    assert repeats(pool, scores).tolist() == expected.tolist()
