"""More like this: what a stored passage, an article or a text is searched by, in place of a question.

Its meaning is one vector, the mean of its passages; its words are the few that tell it from the rest of
the corpus. Searches nothing itself. (passages of the index | text) -> Likeness
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from passage_index.backend import Backend, Handles, Lexicon, Pool
from passage_index.encoder import unit
from passage_index.errors import NotFound
from passage_index.lexical import Words
from passage_index.types import StoredPassage, Vectors
from search_api.hits import SearchRequest
from search_api.question import without_stop_words

DISTINCTIVE_WORDS = 10


@dataclass(frozen=True, slots=True)
class SimilarRequest:
    """What the hits are to be like: exactly one of passage_id, article_id and text."""

    search: SearchRequest  # its question is what the reply repeats, and the text if one is given
    passage_id: str | None = None
    article_id: str | None = None
    exclude_same_article: bool = True


@dataclass(frozen=True, slots=True)
class Source:
    """What a request names in the index."""

    vector: Vectors  # (dim,), unit length
    said: str  # title and text
    own: Handles  # passages that must not be among the hits, as a pool's rows


def source(snapshot: Backend, asked: SimilarRequest) -> Source | None:
    """What a request names in the index; None for a text. Raises NotFound on an unknown id."""
    if asked.article_id is None and asked.passage_id is None:
        return None
    named, kind = None, "article"
    article_id = asked.article_id
    if asked.passage_id is not None:
        named, kind = snapshot.passage(asked.passage_id), "passage"
        article_id = named.article.id if named else None
    rows = None if article_id is None else snapshot.rows_of_article(article_id)
    if rows is None:
        raise NotFound(f"no such {kind}")
    stored = snapshot.fetch(rows)
    if named is not None:
        its = rows[[one.passage.id == named.passage.id for one in stored]]
        stored, never = [named], its
    else:
        its, never = rows, rows[:0]
    vector = unit(snapshot.vectors(its).mean(axis=0))
    said = "\n".join([stored[0].article.title, *(one.text for one in stored)])
    return Source(vector, said, rows if asked.exclude_same_article else never)


def distinctive_words(text: str, lexical: Lexicon, own: Sequence[StoredPassage]) -> Words:
    """The words by which a text is told from the rest of the corpus: those of most weight by tf and idf.

    own: passages that are not to be found; a word that stands in no other one is left out.
    """
    counts = Counter(lexical.terms(without_stop_words(text)))
    held = Counter(term for one in own for term in set(lexical.terms(f"{one.article.title}\n{one.text}")))
    found_in = lexical.frequencies(counts)
    idf = lexical.idf(counts)
    weights = {term: count * idf[term] for term, count in counts.items() if found_in[term] > held[term]}
    best = sorted(weights, key=lambda term: (-round(weights[term], 6), term))
    return Words(tuple(best[:DISTINCTIVE_WORDS]))


def picked(pool: Pool, positions: npt.NDArray[Any]) -> Pool:
    """The pool with these of its passages, (m,), in this order."""
    size, changed = len(pool), {}
    for field in fields(pool):
        value = getattr(pool, field.name)
        if isinstance(value, np.ndarray) and len(value) == size:
            changed[field.name] = value[positions]
        elif isinstance(value, list):
            changed[field.name] = [value[int(i)] for i in positions]
    return replace(pool, **changed)
