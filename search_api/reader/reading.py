"""What a reader makes of one passage: whether it answers, and where, as numbers over its tokens.

Knows no model. tokens and their values -> spans of the text, with their shares
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from passage_index.types import Span

MOST_TOKENS = 30  # of an answer

Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Reading:
    """relevance, answerable: raw values, rising. starts, ends: code points of the tokens that can be marked.

    chances: (tokens, tokens), of an answer from one token to another; they sum to 1, or to 0 without a token.
    """

    relevance: float
    answerable: float
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    chances: Values

    def share(self, start: int, end: int) -> float:
        """The chance that the answer stands wholly within a part of the text, if it stands in it."""
        first, last = self._tokens(start, end)
        return float(self.chances[first:last, first:last].sum())

    def best(self, start: int, end: int) -> tuple[Span, float] | None:
        """The likeliest answer within a part of the text and its chance; None where no token is."""
        first, last = self._tokens(start, end)
        if first >= last:
            return None
        part = self.chances[first:last, first:last]
        begin, stop = np.unravel_index(int(part.argmax()), part.shape)
        span = int(self.starts[first + begin]), int(self.ends[first + stop])
        return span, float(part[begin, stop])

    def moved(self, shift: int) -> "Reading":
        """The same, its places so many code points further."""
        return replace(self, starts=self.starts + shift, ends=self.ends + shift)

    def _tokens(self, start: int, end: int) -> tuple[int, int]:
        return int(np.searchsorted(self.starts, start)), int(np.searchsorted(self.ends, end, side="right"))


def reading(
    judged: tuple[float, float] | None, spans: Values, nothing: float, starts: list[int], ends: list[int]
) -> Reading:
    """From raw values: spans (tokens, 2) of start and end; nothing: of the first token, for no answer.

    judged: relevance and answerable; a model without them is judged by its best span beside `nothing`.
    """
    sums = spans[:, 0, None] + spans[None, :, 1]
    count = len(spans)
    length = np.arange(count)[None, :] - np.arange(count)[:, None]
    sums = np.where((length >= 0) & (length < MOST_TOKENS), sums, -np.inf)
    top = float(sums.max()) if count else 0.0
    chances = np.exp(sums - top)
    chances /= chances.sum() or 1.0
    relevance, answerable = judged if judged else (top - nothing, top - nothing)
    first, last = np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64)
    return Reading(relevance, answerable, first, last, chances.astype(np.float32))
