"""Is a citation what the article says? Compares a hash with the hash of the stored text.

Knows nothing of HTTP; the command line asks the same. (article id, span, sha256) -> Verdict
"""

from dataclasses import dataclass
from typing import Literal

from passage_index.snapshot import Snapshot
from passage_index.types import sha256_text

Reason = Literal["matches", "differs", "out of range", "no such article"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`quote` is what stands at the cited place, None when there is no such place."""

    reason: Reason
    quote: str | None = None

    @property
    def verified(self) -> bool:
        """True if the citation can be relied on."""
        return self.reason == "matches"


def verify(snapshot: Snapshot, article_id: str, start: int, end: int, sha256: str) -> Verdict:
    """Compare `sha256` (hex digits) with that of `text[start:end]`. A place without a character is none."""
    article = snapshot.article(article_id)
    if article is None:
        return Verdict("no such article")
    if not 0 <= start < end <= len(article.text):
        return Verdict("out of range")
    quote = article.text[start:end]
    return Verdict("matches" if sha256_text(quote) == sha256.lower() else "differs", quote)
