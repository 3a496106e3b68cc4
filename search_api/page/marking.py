"""Texts for the page: cut where highlights begin and end, so that a template only escapes and nests.

Knows no HTML. text + spans in code points -> runs of pieces
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from passage_index.types import Passage, Span

_BETWEEN_PARAGRAPHS = re.compile(r"\n[^\S\n]*\n\s*")


@dataclass(frozen=True, slots=True)
class Piece:
    """Text that is wholly a matching word, or wholly not."""

    text: str
    is_word: bool


@dataclass(frozen=True, slots=True)
class Run:
    """Pieces that stand together in the marked sentence, or together outside it."""

    pieces: tuple[Piece, ...]
    is_marked: bool


def runs(text: str, start: int, marked: Sequence[Span], words: Sequence[Span] = ()) -> list[Run]:
    """Cut `text`, which stands at `start` of its article, by spans that count from the article's start.

    Spans may overlap and reach beyond the text. The runs' texts joined are the text.
    Example: runs("a bc", 0, [], [(2, 4)]) == [Run((Piece("a ", False), Piece("bc", True)), False)]
    """
    marked, words = _inside(marked, start, len(text)), _inside(words, start, len(text))
    edges = sorted({0, len(text)}.union(*marked, *words))
    cuts = [
        (_covered(marked, left, right), Piece(text[left:right], _covered(words, left, right)))
        for left, right in pairwise(edges)
    ]
    return [
        Run(tuple(piece for _, piece in group), is_marked)
        for is_marked, group in groupby(cuts, key=lambda cut: cut[0])
    ]


def paragraphs(text: str, start: int, marked: Sequence[Span], words: Sequence[Span] = ()) -> list[list[Run]]:
    """The paragraphs of a text, as blank lines divide it, each as `runs`; a mark may cross several."""
    return [runs(text[left:right], start + left, marked, words) for left, right in _paragraph_spans(text)]


def is_wrapped(text: str, passages: Iterable[Passage]) -> bool:
    """True if single line ends are only where a line was full: some sentence goes on across one."""
    sentences = (text[start:end] for passage in passages for start, end in passage.sentences)
    return any("\n" in sentence.replace("\n\n", "") for sentence in sentences)


def _paragraph_spans(text: str) -> Iterator[Span]:
    start = 0
    for gap in _BETWEEN_PARAGRAPHS.finditer(text):
        if gap.start() > start:
            yield start, gap.start()
        start = gap.end()
    if start < len(text):
        yield start, len(text)


def _inside(spans: Sequence[Span], start: int, length: int) -> list[Span]:
    """The parts of spans that lie in the text, counted from its own start."""
    clipped = ((max(left - start, 0), min(right - start, length)) for left, right in spans)
    return [(left, right) for left, right in clipped if left < right]


def _covered(spans: Sequence[Span], left: int, right: int) -> bool:
    return any(start <= left and right <= end for start, end in spans)
