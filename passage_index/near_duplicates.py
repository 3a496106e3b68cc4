"""MinHash signatures of passages: made once at ingest, compared inside a pool at query time.

Source: Broder 1997, through datasketch. Does not decide what a caller folds together.
text -> (64,) uint16
"""

import re
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from passage_index.columns import SIGNATURE_LENGTH

SHINGLE_WORDS = 3
FAMILY_SIMILARITY = 0.7  # estimated share of shingles in common from which passages are one family
_BAND = 3

Signature = npt.NDArray[np.uint16]  # (64,)

_WORD = re.compile(r"\w+")


@cache
def _empty() -> Any:
    """The sketch of nothing. datasketch brings SciPy, a third of a second; only ingest pays for it."""
    from datasketch import MinHash

    return MinHash(num_perm=SIGNATURE_LENGTH, seed=1)


def signature(text: str) -> Signature:
    """MinHash over runs of three words, case folded, low 16 bits: (64,). A pure function of the text."""
    words = _WORD.findall(text.casefold())
    count = max(len(words) - SHINGLE_WORDS + 1, 1)
    shingles = {" ".join(words[i : i + SHINGLE_WORDS]).encode() for i in range(count)}
    sketch = _empty().copy()
    sketch.update_batch(sorted(shingles))
    return (sketch.hashvalues & 0xFFFF).astype(np.uint16)


def kin(signatures: npt.NDArray[np.uint16]) -> list[set[int]]:
    """For each of (n, 64) signatures, the others of its family.

    Only signatures that agree on one of 21 bands of three values are compared: a pair at the family
    threshold shares a band with probability .9998.
    """
    used = SIGNATURE_LENGTH // _BAND * _BAND
    parts = signatures[:, :used].reshape(len(signatures), used // _BAND, _BAND).astype(np.uint64)
    bands = (parts << np.array([32, 16, 0], dtype=np.uint64)).sum(axis=2)
    pairs = {pair for band in bands.T for members in _alike(band) for pair in combinations(members, 2)}
    found: list[set[int]] = [set() for _ in signatures]
    for one, other in pairs:
        if (signatures[one] == signatures[other]).mean() >= FAMILY_SIMILARITY:
            found[one].add(other)
            found[other].add(one)
    return found


def _alike(values: npt.NDArray[np.uint64]) -> list[list[int]]:
    """Positions of values that stand more than once in (n,), together."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    return [np.flatnonzero(group == number).tolist() for number in np.flatnonzero(counts > 1)]
