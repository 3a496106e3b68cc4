"""Passages cut to the sentences round their best one, so that a reader has less to read.

A reader takes as long as the text that it is given has tokens, and what answers stands in a sentence or
two. Which sentence is best, the stored vectors and the words in common tell; nothing is encoded.
(Backend, Finding) -> passages of fewer sentences, with offsets in the same article
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from passage_index.backend import Backend
from passage_index.types import Scores, Span, StoredPassage
from search_api.finding import Finding

CHARS = 420  # of a window; a longer sentence stands alone
WORDS = 0.3  # weight of the question's words in a sentence beside its cosine


def narrowed(stored: StoredPassage, worth: Scores) -> StoredPassage:
    """The passage as if it had only the sentences round its best one: about `CHARS` characters.

    worth: (sentences,), how near each is to the question.
    """
    sentences = stored.passage.sentences
    first, last = _window(sentences, worth)
    start, end = sentences[first][0], sentences[last][1]
    part = replace(stored.passage, start=start, end=end, sentences=sentences[first : last + 1])
    return replace(stored, passage=part, text=stored.article.text[start:end])


def _window(sentences: Sequence[Span], worth: Scores) -> tuple[int, int]:
    """First and last sentence: the best one, then the better neighbour as long as there is room."""
    first = last = int(np.argmax(worth))
    while True:
        wider = [
            (float(worth[more]), (low, high))
            for more, low, high in ((first - 1, first - 1, last), (last + 1, first, last + 1))
            if 0 <= more < len(sentences) and sentences[high][1] - sentences[low][0] <= CHARS
        ]
        if not wider:
            return first, last
        first, last = max(wider)[1]


def worth(cosines: Scores, shares: Sequence[float]) -> Scores:
    """How near each sentence is to the question: (sentences,). shares: of the question's words, 0..1."""
    return np.asarray(cosines, dtype=np.float64) + WORDS * np.asarray(shares, dtype=np.float64)


def windows(snapshot: Backend, found: Finding, positions: Sequence[int]) -> list[StoredPassage]:
    """Passages of the pool, narrowed; whole where there is no vector."""
    rows = found.pool.rows[list(positions)]
    passages, out = found.texts.of(rows), []
    if found.vector is None:
        return passages
    idf = snapshot.lexical.idf(found.words.terms)
    total = sum(idf.values()) or 1.0
    held_by = snapshot.held_by(rows, idf.keys(), found.texts.of)
    for row, stored, held in zip(rows, passages, held_by, strict=True):
        shares = [sum(idf[term] for term in terms) / total for terms in held]
        out.append(narrowed(stored, worth(snapshot.sentence_cosines(found.vector, row), shares)))
    return out
