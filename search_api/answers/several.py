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
    sentences = candidates(searcher.snapshot, found, read)
    scored = ranked(sentences.every)
    pool = found.pool
    best: list[CitedSentence] = []
    taken: set[int] = set()  # articles that are there, and those that have a copy of what is there
    for one in scored:
        candidate = one.candidate
        if len(best) == most:
            break
        if int(pool.article[candidate.position]) not in taken:
            best.append(CitedSentence(cite(searcher.snapshot, candidate, one.score), candidate.stored))
            family = {candidate.position, *pool.kin.of(candidate.position)}
            taken.update(int(pool.article[position]) for position in family)
    told = (*found.warnings, *sentences.warnings)
    return Sentences(confidence(found, scored), tuple(best), told)
