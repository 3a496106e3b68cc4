"""One order from several legs: stable, without regard to who else is in the pool, ties by id."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passage_index.backend import Pool
from search_api.fusion import Mode, calibrated, fuse, order
from tests.pools import pool_of

COSINES = st.floats(-1, 1).map(lambda number: round(number, 2))
BM25 = st.just(0.0) | st.floats(0, 60).map(lambda number: round(number, 1))
MODES = st.sampled_from(["hybrid", "semantic", "keyword"])


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    ids = draw(st.lists(st.text("abc", min_size=1, max_size=4), unique=True, min_size=1, max_size=12))

    def scores(one: st.SearchStrategy[float]) -> list[float]:
        return draw(st.lists(one, min_size=len(ids), max_size=len(ids)))

    return pool_of(
        ids, scores(COSINES), scores(COSINES), scores(BM25), scores(BM25),
        terms=draw(st.integers(0, 8)), rarest_idf=draw(st.floats(0.3, 15)),
    )  # fmt: skip


def picked(pool: Pool, positions: list[int]) -> Pool:
    """The pool with these of its passages, in this order."""
    parts: dict[str, Any] = {
        name: getattr(pool, name)[positions] for name in ("dense", "sentence", "lexical", "article_lexical")
    }
    return pool_of([pool.ids[i] for i in positions], **parts, terms=pool.terms, rarest_idf=pool.rarest_idf)


def ranked(pool: Pool, mode: Mode) -> list[str]:
    return [pool.ids[i] for i in order(fuse(pool, mode), pool.ids)]


@given(pools(), MODES, st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_pool_s_own(pool: Pool, mode: Mode, random: Any) -> None:
    shuffled = random.sample(range(len(pool)), len(pool))
    assert ranked(picked(pool, shuffled), mode) == ranked(pool, mode)


@given(pools(), MODES, st.data())
def test_two_passages_keep_their_order_whoever_else_is_there(pool: Pool, mode: Mode, data: Any) -> None:
    some = data.draw(st.lists(st.integers(0, len(pool) - 1), unique=True, min_size=1))
    left = {pool.ids[i] for i in some}
    assert ranked(picked(pool, some), mode) == [one for one in ranked(pool, mode) if one in left]


@given(pools(), MODES, st.data())
def test_more_evidence_never_ranks_lower(pool: Pool, mode: Mode, data: Any) -> None:
    position = data.draw(st.integers(0, len(pool) - 1))
    before = ranked(pool, mode).index(pool.ids[position])
    for name in ("dense", "sentence", "lexical", "article_lexical"):
        better = picked(pool, list(range(len(pool))))
        getattr(better, name)[position] += 0.5
        assert ranked(better, mode).index(pool.ids[position]) <= before


@given(st.lists(st.text(max_size=3), unique=True, min_size=1), st.floats(-5, 5))
def test_ties_break_by_id(ids: list[str], score: float) -> None:
    assert [ids[i] for i in order(np.full(len(ids), score), ids)] == sorted(ids)


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.2000001, 0.3, -0.0, 0.0]), st.text(max_size=2))))
def test_the_order_is_that_of_pairs_of_rounded_score_and_id(rows: list[tuple[float, str]]) -> None:
    scores, ids = np.array([score for score, _ in rows]), [id_ for _, id_ in rows]
    by_pairs = sorted(range(len(ids)), key=lambda i: (-np.round(scores[i], 6), ids[i]))
    assert order(scores, ids) == by_pairs


def test_what_differs_beyond_six_digits_is_a_tie() -> None:
    assert order(np.array([0.5, 0.5000001, 0.50001]), ["a", "b", "c"]) == [2, 0, 1]
    assert order(np.empty(0), []) == []


def test_one_leg_alone_outside_hybrid_mode() -> None:
    pool = pool_of("abc", [0.9, 0.5, 0.1], [0.9, 0.5, 0.1], [0, 10, 20], [0, 10, 20])
    assert ranked(pool, "semantic") == ["a", "b", "c"] and ranked(pool, "keyword") == ["c", "b", "a"]
    other = pool_of("abc", [0.9, 0.5, 0.1], [0.9, 0.5, 0.1], [7, 3, 1], [1, 1, 4])
    assert fuse(other, "semantic").tolist() == fuse(pool, "semantic").tolist()
    other = pool_of("abc", [0.2, 0.2, 0.7], None, [0, 10, 20], [0, 10, 20])
    assert fuse(other, "keyword").tolist() == fuse(pool, "keyword").tolist()


def test_hybrid_takes_either_leg_where_the_other_is_silent() -> None:
    """A clear name hit, and a clear hit in meaning, both stand above what is middling in one leg."""
    pool = pool_of("nmx", [0.1, 0.7, 0.3], [0.1, 0.7, 0.3], [24, 0, 0], [24, 0, 0], terms=1)
    assert ranked(pool, "hybrid")[2] == "x"


@given(pools(), MODES)
def test_calibrated_scores_are_chances_in_the_same_order(pool: Pool, mode: Mode) -> None:
    fused = fuse(pool, mode)
    chances = calibrated(pool, fused, mode)
    assert ((chances >= 0) & (chances <= 1)).all() and len(chances) == len(pool)
    falling = chances[order(fused, pool.ids)]
    assert (np.diff(falling) <= 1.5e-6).all()  # one step of the rounding, among ties


def test_calibration_tells_a_good_first_hit_from_a_poor_one() -> None:
    good = pool_of("ab", [0.75, 0.3], [0.8, 0.3], [24, 2], [25, 5], terms=3)
    poor = pool_of("ab", [0.15, 0.1], [0.2, 0.1], [2, 0], [2, 0], terms=3)
    assert (
        calibrated(good, fuse(good, "hybrid"), "hybrid")[0]
        > 0.6
        > 0.2
        > calibrated(poor, fuse(poor, "hybrid"), "hybrid")[0]
    )


@pytest.mark.parametrize("mode", ["hybrid", "semantic", "keyword"])
def test_an_empty_pool_has_no_order(mode: Mode) -> None:
    pool = pool_of([])
    assert len(fuse(pool, mode)) == len(calibrated(pool, fuse(pool, mode), mode)) == 0
