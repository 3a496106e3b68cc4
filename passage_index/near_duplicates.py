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
_BANDS = SIGNATURE_LENGTH // _BAND
_16, _32, _48 = (np.uint64(bits) for bits in (16, 32, 48))

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
        one, two, three = (signatures[:, i : _BANDS * _BAND : _BAND].astype(np.uint64) for i in range(_BAND))
        keys = np.arange(_BANDS, dtype=np.uint64) << _48 | one << _32 | two << _16 | three  # (n, bands)
        order = np.argsort(keys, axis=None)  # one sort for all bands
        ordered = keys.ravel()[order]
        begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)])
        lengths = np.diff(begins, append=len(ordered))
        self._owners = order // _BANDS  # positions, those with the same band side by side
        self._begins, self._lengths = np.empty_like(order), np.empty_like(order)
        self._begins[order], self._lengths[order] = np.repeat(begins, lengths), np.repeat(lengths, lengths)
        self._begins, self._lengths = (x.reshape(-1, _BANDS) for x in (self._begins, self._lengths))
        self.may_have: list[bool] = np.any(self._lengths > 1, axis=1).tolist()
        """Of each position: False where it surely has none."""

    def of(self, position: int) -> set[int]:
        """The others of its family."""
        if not self.may_have[position]:
            return set()
        begins, lengths = self._begins[position], self._lengths[position]
        shared = np.flatnonzero(lengths > 1)
        spans = zip(begins[shared].tolist(), lengths[shared].tolist(), strict=True)
        others = np.unique(np.concatenate([self._owners[begin : begin + n] for begin, n in spans]))
        alike = (self._signatures[others] == self._signatures[position]).mean(axis=1) >= FAMILY_SIMILARITY
        return set(others[alike].tolist()) - {position}
