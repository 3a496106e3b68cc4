"""The best sentences for a question, one of each article, best first: for lists of answers.

Where `asking.py` says yes or no, this gives what there is, with the confidence of the first. Copies of one
text count once. SearchRequest -> Sentences
"""

from dataclasses import dataclass, replace

from passage_index.types import StoredPassage
from search_api.answers.candidates import candidates
from search_api.answers.choice import ranked
from search_api.answers.citations import Citation, cite
from search_api.answers.confidence import confidence
from search_api.hits import SearchRequest
from search_api.searcher import Searcher


@dataclass(frozen=True, slots=True)
class CitedSentence:
    """A sentence with its proof, and the passage that it stands in."""

    citation: Citation
    stored: StoredPassage


@dataclass(frozen=True, slots=True)
class Sentences:
    """confidence: the chance that the first sentence answers, 0..1."""

    confidence: float
    best: tuple[CitedSentence, ...]
    warnings: tuple[str, ...]


def best_sentences(searcher: Searcher, request: SearchRequest, most: int) -> Sentences:
    """The `most` best, each read anew and compared. Raises InputError as a search does."""
    found = searcher.find(replace(request, mode="hybrid"))
    read = searcher.reader.read if searcher.reader else None
    sentences, warnings = candidates(searcher.snapshot, found, read)
    scored = ranked(sentences)
    best: list[CitedSentence] = []
    articles: set[str] = set()
    positions: set[int] = set()
    for one in scored:
        candidate = one.candidate
        if len(best) == most:
            break
        if candidate.stored.article.id in articles or not positions.isdisjoint(
            found.pool.kin.of(candidate.position)
        ):
            continue
        articles.add(candidate.stored.article.id)
        positions.add(candidate.position)
        best.append(CitedSentence(cite(searcher.snapshot, candidate, one.score), candidate.stored))
    told = (*found.warnings, *warnings)
    return Sentences(confidence(found, scored), tuple(best), told)
