"""MinHash signatures of passages: made once at ingest, compared inside a pool at query time.

Source: Broder 1997, through datasketch. Does not decide what a caller folds together.
text -> (64,) uint16
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

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


def kin(signatures: npt.NDArray[np.uint16]) -> Callable[[int], set[int]]:
    """From (n, 64) signatures, what gives for a position the others of its family.

    Only signatures that agree on one of 21 bands of three values are compared: a pair at the family
    threshold shares a band with probability .9998. A position that is not asked for costs nothing, so
    that hundreds of copies, of which one is shown, do not cost their square.
    """
    used = SIGNATURE_LENGTH // _BAND * _BAND
    parts = signatures[:, :used].reshape(len(signatures), used // _BAND, _BAND).astype(np.uint64)
    bands = (parts << np.array([32, 16, 0], dtype=np.uint64)).sum(axis=2).T
    orders = np.argsort(bands, axis=1, kind="stable")
    places = [(band[order], order) for band, order in zip(bands, orders, strict=True)]

    def edges(side: Literal["left", "right"]) -> npt.NDArray[np.int64]:
        return np.array(
            [np.searchsorted(own, band, side) for (own, _), band in zip(places, bands, strict=True)]
        )

    begins, ends = edges("left"), edges("right")
    shared = (ends - begins > 1).T  # (n, bands): another one has the same band

    def of(position: int) -> set[int]:
        found = [
            places[band][1][begins[band, position] : ends[band, position]]
            for band in np.flatnonzero(shared[position])
        ]
        if not found:
            return set()
        others = np.unique(np.concatenate(found))
        alike = (signatures[others] == signatures[position]).mean(axis=1) >= FAMILY_SIMILARITY
        return set(others[alike].tolist()) - {position}

    return of
