"""MinHash signatures of passages: made once at ingest, compared inside a pool at query time.

Source: Broder 1997, through datasketch. Does not decide what a caller folds together.
text -> (64,) uint16
"""

import re

import numpy as np
import numpy.typing as npt
from datasketch import MinHash

from passage_index.columns import SIGNATURE_LENGTH

SHINGLE_WORDS = 3
FAMILY_SIMILARITY = 0.7  # estimated share of shingles in common from which passages are one family

Signature = npt.NDArray[np.uint16]  # (64,)

_WORD = re.compile(r"\w+")
_EMPTY = MinHash(num_perm=SIGNATURE_LENGTH, seed=1)


def signature(text: str) -> Signature:
    """MinHash over runs of three words, case folded, low 16 bits. A pure function of the text."""
    words = _WORD.findall(text.casefold())
    count = max(len(words) - SHINGLE_WORDS + 1, 1)
    shingles = {" ".join(words[i : i + SHINGLE_WORDS]).encode() for i in range(count)}
    sketch = _EMPTY.copy()
    sketch.update_batch(sorted(shingles))
    return (sketch.hashvalues & 0xFFFF).astype(np.uint16)


def similar(signatures: npt.NDArray[np.uint16], one: Signature) -> npt.NDArray[np.bool_]:
    """Which of (n, 64) signatures belong to the family of `one`. (n,)."""
    return np.asarray((signatures == one).mean(axis=-1) >= FAMILY_SIMILARITY)
