"""MinHash signatures of passages: made once at ingest, compared inside a pool at query time.

Source: Broder 1997, through datasketch. Does not decide what a caller folds together.
text -> (64,) uint16
"""

import re
from functools import cache
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


class Kin:
    """From (n, 64) signatures, what gives for a position the others of its family.

    Only signatures that agree on one of 21 bands of three values are compared: a pair at the family
    threshold shares a band with probability .9998. A position that is not asked for costs nothing, so
    that hundreds of copies, of which one is shown, do not cost their square.
    """

    def __init__(self, signatures: npt.NDArray[np.uint16]) -> None:
        self._signatures = signatures
        used = SIGNATURE_LENGTH // _BAND * _BAND
        parts = signatures[:, :used].reshape(len(signatures), used // _BAND, _BAND).astype(np.uint64)
        bands = (parts << np.array([32, 16, 0], dtype=np.uint64)).sum(axis=2).T
        self._order = np.argsort(bands, axis=1, kind="stable")  # (bands, n)
        ordered = np.take_along_axis(bands, self._order, axis=1)
        place = np.arange(len(signatures))
        differs = np.ones_like(ordered, dtype=bool)  # from the one before, in the order
        differs[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
        begins = np.maximum.accumulate(np.where(differs, place, 0), axis=1)
        last = np.concatenate([differs[:, 1:], np.ones((len(bands), min(1, len(place))), dtype=bool)], axis=1)
        ends = np.minimum.accumulate(np.where(last, place + 1, len(place))[:, ::-1], axis=1)[:, ::-1]
        self._begins, self._ends = np.empty_like(begins), np.empty_like(ends)
        np.put_along_axis(self._begins, self._order, begins, axis=1)
        np.put_along_axis(self._ends, self._order, ends, axis=1)
        self._shared = (self._ends - self._begins > 1).T  # (n, bands): another one has the same band
        self.may_have: list[bool] = np.any(self._shared, axis=1).tolist()
        """Of each position: False where it surely has none."""

    def of(self, position: int) -> set[int]:
        """The others of its family."""
        if not self.may_have[position]:
            return set()
        others = np.unique(
            np.concatenate(
                [
                    self._order[band, self._begins[band, position] : self._ends[band, position]]
                    for band in np.flatnonzero(self._shared[position])
                ]
            )
        )
        alike = (self._signatures[others] == self._signatures[position]).mean(axis=1) >= FAMILY_SIMILARITY
        return set(others[alike].tolist()) - {position}
