"""How many slips of the pen lie between a word and many others, all at once.

A letter left out, put in, changed, or two neighbours exchanged (Damerau-Levenshtein, each place edited
once at most). Knows letters only. (word, words) -> (n,) counts
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


def edits(word: str, others: Sequence[str]) -> Counts:
    """The distance of `word` to each of n others, (n,). O(n * letters * letters), in NumPy."""
    width = max(map(len, others), default=0)
    if width == 0:
        return np.full(len(others), len(word), dtype=np.int64)
    letters = np.array(others, dtype=f"U{width}").view(np.uint32).reshape(len(others), width)
    asked = [ord(letter) for letter in word]
    # row[j] is the distance of the first i letters of `word` to the first j of each other: (width + 1, n)
    before = above = np.zeros((width + 1, len(others)), dtype=np.int64)
    row = np.repeat(np.arange(width + 1)[:, None], len(others), axis=1)
    for i, letter in enumerate(asked):
        before, above, row = above, row, np.empty_like(row)
        row[0] = i + 1
        for j in range(width):
            changed = above[j] + (letters[:, j] != letter)
            row[j + 1] = np.minimum(np.minimum(above[j + 1], row[j]) + 1, changed)
            if i and j:
                swapped = (letters[:, j] == asked[i - 1]) & (letters[:, j - 1] == letter)
                row[j + 1] = np.where(swapped, np.minimum(row[j + 1], before[j - 1] + 1), row[j + 1])
    return row[[len(other) for other in others], np.arange(len(others))]
