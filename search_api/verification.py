"""Is a citation what the article says? Compares a hash with the hash of the stored text.

Against the same state of the index or a later one: a quotation that stands elsewhere now has moved, one
that stands nowhere was changed. Knows nothing of HTTP. (article id, span, sha256) -> Verdict
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from passage_index.backend import Backend
from passage_index.types import Span, StoredPassage, sha256_text

Reason = Literal["matches", "moved", "differs", "out of range", "no such article"]

HASHED = 50_000_000  # characters that are hashed at most, looking for the new place of a quotation


@dataclass(frozen=True, slots=True)
class Verdict:
    """`quote` is what stands at `span`, None when there is no such place. moved: span is the new place."""

    reason: Reason
    quote: str | None = None
    span: Span | None = None

    @property
    def verified(self) -> bool:
        """True if the citation can be relied on as it is."""
        return self.reason == "matches"


def verify(snapshot: Backend, article_id: str, start: int, end: int, sha256: str) -> Verdict:
    """Compare `sha256` (hex digits) with that of `text[start:end]`. A place without a character is none."""
    article = snapshot.article(article_id)
    if article is None:
        return Verdict("no such article")
    wanted, inside = sha256.lower(), 0 <= start < end <= len(article.text)
    quote = article.text[start:end] if inside else None
    if quote is not None and sha256_text(quote) == wanted:
        return Verdict("matches", quote, (start, end))
    places = _places(snapshot.article_passages(article_id) or [], len(article.text), end - start)
    for place in places:
        if sha256_text(article.text[slice(*place)]) == wanted:
            return Verdict("moved", article.text[slice(*place)], place)
    return Verdict("differs", quote, (start, end)) if inside else Verdict("out of range")


def _places(passages: list[StoredPassage], characters: int, length: int) -> Iterator[Span]:
    """Where a quotation of that length may stand now; its sentences and passages first."""
    spans = [
        span for one in passages for span in (*one.passage.sentences, (one.passage.start, one.passage.end))
    ]
    yield from dict.fromkeys(span for span in spans if span[1] - span[0] == length)
    if length > 0:
        tried = min(characters - length + 1, HASHED // length)
        yield from ((first, first + length) for first in range(tried))
