"""MinHash signatures: near the exact Jaccard similarity; families as comparing all pairs finds them."""

from itertools import combinations

import numpy as np
import pytest

from passage_index.near_duplicates import FAMILY_SIMILARITY, Kin, signature

VOCABULARY = [f"word{number}" for number in range(3000)]


def shingles(text: str) -> set[tuple[str, ...]]:
    words = text.lower().replace(".", "").replace(",", "").split()
    return {tuple(words[i : i + 3]) for i in range(max(len(words) - 2, 1))}


def jaccard(one: str, other: str) -> float:
    return len(shingles(one) & shingles(other)) / len(shingles(one) | shingles(other))


def variants(seed: int) -> list[str]:
    """A text of 120 words and copies in which 1, 2, 4 .. 32 words are replaced."""
    random = np.random.default_rng(seed)
    words = random.choice(VOCABULARY, 120).tolist()
    made = [words]
    for changed in (1, 2, 4, 8, 16, 32):
        copy = list(words)
        for place in random.choice(120, changed, replace=False):
            copy[place] = str(random.choice(VOCABULARY))
        made.append(copy)
    return [" ".join(words) for words in made]


def brute_force(signatures: np.ndarray) -> list[set[int]]:
    near = (signatures[:, None] == signatures[None]).mean(axis=2) >= FAMILY_SIMILARITY
    return [set(np.flatnonzero(row).tolist()) - {i} for i, row in enumerate(near)]


def kins(signatures: np.ndarray) -> list[set[int]]:
    return list(map(Kin(signatures).of, range(len(signatures))))


def test_the_estimate_is_near_the_exact_similarity() -> None:
    errors = []
    for seed in range(25):
        texts = variants(seed)
        signatures = [signature(text) for text in texts]
        for (a, one), (b, other) in combinations(zip(signatures, texts, strict=True), 2):
            errors.append((a == b).mean() - jaccard(one, other))
    assert np.abs(errors).max() < 4 * (0.25 / 64) ** 0.5  # four standard errors of 64 draws at the worst
    assert abs(np.mean(errors)) < 0.02


def test_a_signature_reads_words_alone() -> None:
    text = "More than 11,000 residents may be evacuated from 53 settlements."
    same = "more than 11 000 RESIDENTS — may be evacuated, from 53 settlements"
    assert signature(text).tolist() == signature(same).tolist()
    assert signature(text).shape == (64,) and signature(text).dtype == np.uint16
    other = signature("Goats may be kept by every household on the island of Osk.")
    assert (signature(text) == other).mean() < 0.1


@pytest.mark.parametrize("text", ["", "…", "one", "one two", "東京"])
def test_the_shortest_texts_have_a_signature(text: str) -> None:
    assert signature(text).shape == (64,)


def test_kin_is_what_a_comparison_of_all_pairs_finds() -> None:
    signatures = np.stack([signature(text) for seed in range(40) for text in variants(seed)])
    found = kins(signatures)
    assert found == brute_force(signatures)
    assert sum(map(len, found)) > 300 and all(b // 7 == a // 7 for a, own in enumerate(found) for b in own)


def test_kin_is_found_at_the_threshold_and_not_below_it() -> None:
    one = np.arange(64, dtype=np.uint16)
    assert kins(np.stack([one, one])) == [{1}, {0}]
    near, far = one.copy(), one.copy()
    near[:19] += 1000  # 45 of 64 alike: .703
    far[:20] += 1000  # 44 of 64: .688
    assert kins(np.stack([one, near])) == [{1}, {0}]
    assert kins(np.stack([one, far])) == [set(), set()]


def test_kin_of_nothing_and_of_one() -> None:
    assert kins(np.empty((0, 64), dtype=np.uint16)) == []
    assert kins(signature("one two three four")[None]) == [set()]


def test_a_thousand_copies_cost_one_comparison() -> None:
    """And not a comparison of all pairs, which was seconds of a search."""
    copies = np.tile(np.arange(64, dtype=np.uint16), (5000, 1))
    assert Kin(copies).of(17) == set(range(5000)) - {17}
