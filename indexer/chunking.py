"""Packs the sentences of an article into passages: overlapping windows of whole sentences.

Input: an Article -> output: its passages and how many tokens the encoder will read of each.
Deliberately knows nothing of the encoder but how many tokens a text has, and nothing of files.

Windows are chosen by dynamic programming over the sentences: the sum over all passages of
`((words - target) / target)^2`, plus a charge for an end inside a paragraph, is as small as it can be.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise

from indexer.sentences import split_paragraphs, split_sentences
from passage_index.errors import InputError
from passage_index.types import Article, Passage, Span

CountTokens = Callable[[Sequence[str]], list[int]]  # tokens of each text, without special tokens

# Charges beside the squared deviation from the target: .08 is what 31 words too many or too few cost.
_INSIDE_PARAGRAPH = 0.08
_AFTER_HEADING = 0.20
_HEADING_WORDS = 12

# Scripts that put no blanks between words: Thai, Lao, Myanmar, Khmer, kana, Han.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u9fff\U00020000-\U0003ffff]")
_TITLE_PART = re.compile(r"\w+|[^\w\s]")
# A word that a tokenizer does not know may be one token at any length: a passage stays bounded all the same.
_LONGEST_TOKEN = 16
# The units between which a sentence over the limit is cut: words, and pieces of very long ones.
_UNIT = re.compile(r"[^\s；：，、]{0,15}\S\s*")
_CHARACTER = re.compile(r"\S\s*")
_CLAUSE_END = tuple(";:,—–；：，、")


@dataclass(frozen=True, slots=True)
class Chunking:
    """How articles are cut; recorded in the index manifest, for a change of it changes every passage.

    overlap_words: a last sentence at most this long is repeated at the start of the next passage.
    max_tokens: of the encoder, title, prefix and special tokens counted.
    title_words: at most so many words of the title stand in front of what is embedded.
    """

    target_words: int = 110
    overlap_words: int = 20
    max_tokens: int = 256
    title_words: int = 32


@dataclass(frozen=True, slots=True)
class SplitArticle:
    """The passages of an article, in order.

    tokens: of each passage's embedded text, prefix and special tokens included.
    cut_sentences: sentences longer than the limit, cut at clause or word boundaries.
    """

    passages: list[Passage]
    tokens: list[int]
    cut_sentences: int


def count_words(text: str) -> int:
    """Words between blanks; in scripts without them (Chinese, Japanese, Thai) two characters are a word."""
    return len(text.split()) + (0 if text.isascii() else len(_UNSPACED.findall(text)) // 2)


def embedded_text(article: Article, start: int, end: int, chunking: Chunking) -> tuple[str, int]:
    """What the encoder reads of a passage: title, then the passage; and where the passage begins in it.

    The encoder's own prefix is not in it. The title is cut to `title_words` and to about half of
    `max_tokens`; a passage that begins with the title does not get it twice. The second value is in
    code points, 0 where no title stands before the passage.
    """
    passage = article.text[start:end]
    head = _head(article.title, chunking.title_words, chunking.max_tokens // 2)
    title = head.rstrip(" .")
    if passage.startswith(title) and not passage[len(title) : len(title) + 1].isalnum():
        head = ""
    return head + passage, len(head)


def split_article(
    article: Article, count_tokens: CountTokens, chunking: Chunking, special_tokens: int = 2, prefix: str = ""
) -> SplitArticle:
    """Cut an article into passages of about `target_words` that the encoder reads whole.

    special_tokens, prefix: what the encoder puts around and before every text; both count.
    Every sentence is in a passage, none is cut unless it alone is over the limit (then between clauses,
    else words, else code points, and each piece is a sentence of its own). A passage repeats the last
    sentence of the one before where that is short; none lies inside another. No text, no passages.
    Raises InputError where title and special tokens leave no room. `count_tokens` is called twice: for
    all sentences, for all passages; again only to cut a sentence or to mend a sum that was too low. O(n).
    """
    text = article.text
    whole = split_sentences(text, article.language)
    if not whole:
        return SplitArticle([], [], 0)
    head = prefix + _head(article.title, chunking.title_words, chunking.max_tokens // 2)
    around, *tokens = count_tokens([head, *(text[start:end] for start, end in whole)])
    around += special_tokens
    room = chunking.max_tokens - around
    parts = [
        _Part(start, end, max(n, (end - start) // _LONGEST_TOKEN))
        for (start, end), n in zip(whole, tokens, strict=True)
    ]
    while True:
        parts = [piece for part in parts for piece in _fitting(article, part, room, count_tokens)]
        windows = _windows(parts, *_weights(text, parts), room, chunking)
        bounds = [(parts[first].start, parts[stop - 1].end) for first, stop in windows]
        texts = [prefix + embedded_text(article, start, end, chunking)[0] for start, end in bounds]
        totals = [n + special_tokens for n in count_tokens(texts)]
        if max(totals) <= chunking.max_tokens:
            break
        for (first, stop), total in zip(windows, totals, strict=True):
            if total > chunking.max_tokens:
                _charge(parts[first:stop], total - around)
    passages = [
        Passage(article.id, start, end, tuple((part.start, part.end) for part in parts[first:stop]))
        for (start, end), (first, stop) in zip(bounds, windows, strict=True)
    ]
    kept = {(part.start, part.end) for part in parts}
    return SplitArticle(passages, totals, sum(span not in kept for span in whole))


@dataclass(slots=True)
class _Part:
    """A sentence, or a piece of one that is over the limit."""

    start: int
    end: int
    tokens: int
    joint: int = 0  # tokens charged for standing behind another sentence, beyond its own


def _charge(parts: list[_Part], tokens: int) -> None:
    """Book what a passage over the limit has beyond the sum of its parts, so that it is not made again."""
    missing = tokens - sum(part.tokens + part.joint for part in parts) + parts[0].joint
    if len(parts) == 1:
        parts[0].tokens += missing
    for part in parts[1:]:
        part.joint += -(-missing // (len(parts) - 1))


@lru_cache(maxsize=64)
def _head(title: str, title_words: int, max_tokens: int) -> str:
    """The title as it stands before a passage, its separator included; a cautious guess at its tokens."""
    words: list[str] = []
    for word in title[: 8 * max_tokens].split()[:title_words]:
        # Half a token an ASCII letter, one a sign, one to three a character of another script.
        parts = _TITLE_PART.findall(word)
        cost = sum(max((len(part) + 1) // 2, len(part.encode()) - len(part)) for part in parts)
        max_tokens -= cost
        if max_tokens < 0:
            words += [] if words else [word[: (max_tokens + cost) // 3]]
            break
        words.append(word)
    joined = " ".join(words)
    return joined and joined + (" " if joined.endswith((".", "!", "?", "…")) else ". ")


def _weights(text: str, parts: list[_Part]) -> tuple[list[int], list[float]]:
    """The words of each part, and the charge for a passage that ends with it."""
    words = [count_words(text[part.start : part.end]) for part in parts]
    paragraph_starts = {end: start for start, end in split_paragraphs(text)}
    charges = [_INSIDE_PARAGRAPH] * len(parts)
    for at, part in enumerate(parts):
        if part.end in paragraph_starts:
            alone = paragraph_starts[part.end] == part.start
            heading = alone and words[at] <= _HEADING_WORDS and text[part.end - 1].isalnum()
            charges[at] = _AFTER_HEADING if heading else 0.0
    return words, charges


def _windows(
    parts: list[_Part], words: list[int], charges: list[float], room: int, chunking: Chunking
) -> list[tuple[int, int]]:
    """The passages, as half-open ranges of parts, that together cost least. O(parts x parts a window)."""
    target, overlap_words = chunking.target_words, chunking.overlap_words
    words_before = list(accumulate(words, initial=0))
    tokens_before = list(accumulate((part.tokens + part.joint for part in parts), initial=0))
    opened = [before + part.joint for before, part in zip(tokens_before, parts, strict=False)]
    best = [0.0] + [float("inf")] * len(parts)
    begun = [0] * (len(parts) + 1)
    for fresh in range(len(parts)):
        first = fresh - 1 if fresh and words[fresh - 1] <= overlap_words else fresh
        for stop in range(fresh + 1, len(parts) + 1):
            if tokens_before[stop] - opened[first] > room:
                first = fresh  # without the repeated sentence it may fit
                if tokens_before[stop] - opened[first] > room:
                    break
            length = words_before[stop] - words_before[first]
            cost = best[fresh] + (length / target - 1) ** 2 + charges[stop - 1]
            if cost < best[stop]:
                best[stop], begun[stop] = cost, fresh
            if length > 2 * target:
                break
    stops = [len(parts)]
    while begun[stops[-1]]:
        stops.append(begun[stops[-1]])
    windows: list[tuple[int, int]] = []
    last_first, fresh = -1, 0
    for stop in reversed(stops):
        repeats = last_first < fresh - 1 and words[fresh - 1] <= overlap_words
        first = fresh - 1 if repeats and tokens_before[stop] - opened[fresh - 1] <= room else fresh
        windows.append((first, stop))
        last_first, fresh = first, stop
    return windows


def _fitting(article: Article, part: _Part, room: int, count_tokens: CountTokens) -> list[_Part]:
    """The part itself where it fits, else its pieces: at most `room` tokens each, about equally long."""
    if part.tokens <= room:
        return [part]
    for pattern in (_UNIT, _CHARACTER):
        units = [match.span() for match in pattern.finditer(article.text, part.start, part.end)]
        tokens = [max(n, 1) for n in count_tokens([article.text[start:end] for start, end in units])]
        if len(units) > 1 and max(tokens) <= room:
            stops = _cut(article.text, units, tokens, room)
            spans = [(units[a][0], units[b - 1][1], sum(tokens[a:b])) for a, b in pairwise([0, *stops])]
            return [_Part(a, a + len(article.text[a:b].rstrip()), n) for a, b, n in spans]
    raise InputError(
        f"article {article.id!r}: title and special tokens leave {room} tokens for a passage;"
        " choose an encoder that reads longer texts or a smaller title_words"
    )


def _cut(text: str, units: list[Span], tokens: list[int], room: int) -> list[int]:
    """Where the pieces of an overlong sentence stop: behind a clause if one ends near, else behind a word."""
    before = list(accumulate(tokens, initial=0))
    # 0 behind a clause, 1 behind a word, 2 inside a word
    breaks = [
        0 if (unit := text[start:end]).rstrip().endswith(_CLAUSE_END) else 2 - unit[-1].isspace()
        for start, end in units
    ]
    stops = [0]
    while before[-1] - before[stops[-1]] > room or len(stops) == 1:
        first = stops[-1]
        left = before[-1] - before[first]
        share = left / max(-(-left // room), 2)
        last = min(bisect_right(before, before[first] + room) - 1, len(units) - 1)
        near = min(max(bisect_left(before, before[first] + share / 2), first + 1), last)
        ideal = before[first] + share
        stops.append(min((breaks[at - 1], abs(before[at] - ideal), at) for at in range(near, last + 1))[2])
    return [*stops[1:], len(units)]
