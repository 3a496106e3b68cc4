"""Where a quote stands in a text: word for word, but for blanks and the shape of quotation marks.

(text, quote) -> span
"""

import re
import unicodedata

from passage_index.types import Span

LEAST_WORDS = 4  # fewer stand in too many places to prove anything

_SHAPES = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»″", '"'),
        **dict.fromkeys("‘’‚‛ʼ′`", "'"),
        **dict.fromkeys("‐‑‒–—―−", "-"),
    }
)
_WORD = re.compile(r"[^\W_]+")
_ENDS = " .,;:!?…\"'"


def place(text: str, quote: str) -> Span | None:
    """The first span of `text` that says the quote, None if none does. A stop at its end may be another."""
    wanted = _plain(quote)[0].strip()
    said, offsets = _plain(text)
    for tried in dict.fromkeys((wanted, wanted.rstrip(_ENDS))):
        at = said.find(tried)
        if tried and at >= 0:
            return offsets[at], offsets[at + len(tried) - 1] + 1
    return None


def is_long_enough(quote: str) -> bool:
    """Whether a quote has enough words to be one."""
    return len(_WORD.findall(quote)) >= LEAST_WORDS


def _plain(text: str) -> tuple[str, list[int]]:
    """The text with plain signs and single blanks, and where each of its signs stands in `text`."""
    signs: list[str] = []
    offsets: list[int] = []
    for i, sign in enumerate(text):
        shape = " " if sign.isspace() or unicodedata.category(sign) == "Zs" else sign.translate(_SHAPES)
        if shape == " " and signs and signs[-1] == " ":
            continue
        signs.append(shape)
        offsets.append(i)
    return "".join(signs), offsets
