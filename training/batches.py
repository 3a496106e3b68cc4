"""Groups -> the token ids that the network is trained on.

Each example is one question with PAIRS passages, the right one first. What is fixed in a group varies
here by the dice: which wrong passages, which of several answers, a title or a date in front or not, a
question with or without its small words; a lone sentence may get others round it.
"""

import datetime
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Encoding, Tokenizer

from passage_index.types import Span
from search_api.question import without_stop_words
from training.pairs import Group, Passage

PAIRS = 2
MAX_TOKENS = 256
BATCH_TOKENS = 4096
STEP = 16  # widths are multiples of it: torch keeps its kernels by shape
WINDOW = 2048  # examples sorted by length among each other, so that little is padded
HARD = 6  # the wrong passages that come first in our ranking; one of them is always drawn
TITLED, DATED, TERSE, SURROUNDED = 0.8, 0.3, 0.1, 0.5
SHORT_CHARS = 250  # a passage of one sentence or so


@dataclass(frozen=True, slots=True)
class Example:
    """A question and its texts, the right one first; span: where its answer stands in the first."""

    question: str
    texts: tuple[str, ...]
    span: Span | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Tensors of (n * PAIRS, tokens); answers: 1, 0, or -1 where not known; starts, ends: -1 for none."""

    ids: Any
    kinds: Any
    mask: Any
    readable: Any  # True for the tokens of the text below its title
    answers: Any  # (n * PAIRS,) float32
    starts: Any  # (n * PAIRS,) int64
    ends: Any


class Reading:
    """The tokenizer, cut and padded as the reader is used."""

    def __init__(self, tokenizer: Path) -> None:
        self.tokenizer = Tokenizer.from_file(str(tokenizer))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MAX_TOKENS, strategy="only_second")

    def encode(self, question: str, texts: Sequence[str]) -> list[Encoding]:
        """Question and text as pairs."""
        return self.tokenizer.encode_batch([(question[:400], text) for text in texts])


def headed(passage: Passage, date: str = "") -> tuple[str, int]:
    """The text as the reader gets it, as search_api.rerank.pair_text, and where the passage begins in it."""
    head = "".join(f"{part}\n" for part in (passage.title, date) if part)
    return head + passage.text, len(head)


def examples(groups: Sequence[Group], dice: random.Random) -> list[Example]:
    """One for each group that has a wrong passage, in an order of chance."""
    out = [_example(group, dice) for group in groups if len(group.wrong) >= PAIRS - 1]
    dice.shuffle(out)
    return out


def _example(group: Group, dice: random.Random) -> Example:
    hard = dice.sample(group.wrong[:HARD], 1)
    wrong = [*hard, *dice.sample([one for one in group.wrong if one not in hard], PAIRS - 2)]
    right, span = group.right, dice.choice(group.spans) if group.spans else None
    if span and len(right.text) < SHORT_CHARS and dice.random() < SURROUNDED:
        right, span = _surrounded(right, span, [one for one in group.wrong if one not in wrong], dice)
        wrong = [_surrounded(one, (0, 0), list(group.wrong), dice)[0] for one in wrong]
    titled = dice.random() < TITLED
    texts, shift = [], 0
    for number, passage in enumerate((right, *wrong)):
        date = str(_some_day(dice)) if dice.random() < DATED else ""
        text, begins = headed(passage if titled else Passage("", passage.text), date)
        texts.append(text)
        shift = begins if number == 0 else shift
    question = group.question
    if dice.random() < TERSE:
        question = without_stop_words(question).strip(" ?.") or question
    return Example(question, tuple(texts), (span[0] + shift, span[1] + shift) if span else None)


def _surrounded(
    passage: Passage, span: Span, others: Sequence[Passage], dice: random.Random
) -> tuple[Passage, Span]:
    """Among one to four other sentences."""
    drawn = [one.text for one in dice.sample(list(others), min(len(others), dice.randint(1, 4)))]
    before = drawn[: dice.randint(0, len(drawn))]
    shift = sum(len(text) + 1 for text in before)
    text = " ".join([*before, passage.text, *drawn[len(before) :]])
    return Passage(passage.title, text), (span[0] + shift, span[1] + shift)


def _some_day(dice: random.Random) -> datetime.date:
    return datetime.date(1995, 1, 1) + datetime.timedelta(days=dice.randint(0, 365 * 31))


def batches(examples: Sequence[Example], reading: Reading, dice: random.Random) -> list[Batch]:
    """Examples of like length together; the batches of a window in an order of chance."""
    out: list[Batch] = []
    for start in range(0, len(examples), WINDOW):
        encoded = [(one, reading.encode(one.question, one.texts)) for one in examples[start : start + WINDOW]]
        encoded.sort(key=lambda pair: max(map(len, pair[1])))
        window = [_batch(part) for part in _parts(encoded)]
        dice.shuffle(window)
        out += window
    return out


def _parts(encoded: list[Any]) -> Iterator[list[Any]]:
    part: list[Any] = []
    for pair in encoded:  # they grow, so the last is the longest
        if part and (len(part) + 1) * PAIRS * max(map(len, pair[1])) > BATCH_TOKENS:
            yield part
            part = []
        part.append(pair)
    if part:
        yield part


def _batch(part: list[tuple[Example, list[Encoding]]]) -> Batch:
    encodings = [encoding for _, group in part for encoding in group]
    width = -(-max(map(len, encodings)) // STEP) * STEP
    ids, kinds, mask = (np.zeros((len(encodings), width), dtype=np.int64) for _ in range(3))
    starts, ends = np.full((2, len(encodings)), -1, dtype=np.int64)
    answers = np.full(len(encodings), -1, dtype=np.float32)
    for row, encoding in enumerate(encodings):
        ids[row, : len(encoding)] = encoding.ids
        kinds[row, : len(encoding)] = encoding.type_ids
        mask[row, : len(encoding)] = 1
    for number, (example, group) in enumerate(part):
        if example.span is None:
            continue
        row = number * PAIRS
        answers[row : row + PAIRS] = 0
        answers[row] = 1
        first = group[0].char_to_token(example.span[0], 1)
        last = group[0].char_to_token(example.span[1] - 1, 1)
        if first is not None and last is not None:
            starts[row], ends[row] = first, last
    readable = (kinds == 1) & (mask == 1)
    tensors = (torch.from_numpy(one) for one in (ids, kinds, mask, readable, answers, starts, ends))
    return Batch(*tensors)
