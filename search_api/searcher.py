"""Main path 2: a question -> ranked hits, for HTTP and the command line alike.

    question.py   words that matter       questions.py   its vector
    snapshot      pool with evidence      ranking.py     one order
    collapse, group, page                 highlights.py  what to mark

Holds no lock over a search and knows nothing of HTTP.
"""

import hashlib
import time
from functools import lru_cache
from pathlib import Path

from passage_index.columns import Where
from passage_index.encoder import Encoder, require_same_encoder
from passage_index.errors import InputError
from passage_index.lexical import Words
from passage_index.model_files import default_cache
from passage_index.snapshot import Pool, Snapshot, open_snapshot
from passage_index.transformer import load_indexed_encoder
from passage_index.types import Scores, Vectors
from search_api.families import families
from search_api.fusion import calibrated, order
from search_api.highlights import sentence_highlight, word_highlights
from search_api.hits import Duplicate, Hit, HitScores, SearchReply, SearchRequest
from search_api.question import parse_words
from search_api.questions import QuestionEncoder
from search_api.ranking import rank

REMEMBERED_WORDS = 50_000  # whose index terms are kept, for highlights


class Searcher:
    """A snapshot and the encoder it was built with. Safe to share between threads."""

    def __init__(self, snapshot: Snapshot, encoder: Encoder | QuestionEncoder) -> None:
        """A QuestionEncoder serves other searchers too and is not closed with this one."""
        require_same_encoder(snapshot.manifest.encoder, encoder.identity)
        self.snapshot = snapshot
        self.questions = encoder if isinstance(encoder, QuestionEncoder) else QuestionEncoder(encoder)
        self._owns_questions = self.questions is not encoder
        self._terms_of_word = lru_cache(REMEMBERED_WORDS)(lambda word: tuple(snapshot.lexical.terms(word)))

    def close(self) -> None:
        """Let go of files and thread."""
        if self._owns_questions:
            self.questions.close()
        self.snapshot.close()

    def search(self, request: SearchRequest) -> SearchReply:
        """Rank passages for one question. Raises InputError on a question without a word or a bad range."""
        begun = time.perf_counter()
        _check(request)
        snapshot = self.snapshot
        words = parse_words(request.question, snapshot.lexical.terms)
        vector = None if request.mode == "keyword" else self.questions.encode(request.question)
        asked = Words((), (), words.required, words.excluded) if request.mode == "semantic" else words
        where = Where(request.date_from, request.date_to, request.sources)
        pool = snapshot.pool(vector, asked, where, request.depth)
        fused = rank(snapshot, pool, vector, words, request.mode)
        score = calibrated(pool, fused, request.mode)
        ranked = [i for i in order(fused, pool.ids) if score[i] >= request.min_score]
        entries = families(pool, ranked, request.collapse, request.group_by_article)
        page = entries[request.offset : request.offset + request.limit]
        hits = self._hits(page, pool, fused, score, words, vector, request.offset)
        return SearchReply(
            hits=hits,
            total=len(entries),
            total_relation="gte" if len(pool) >= request.depth else "eq",
            generation=snapshot.generation,
            took_ms=round((time.perf_counter() - begun) * 1000, 2),
            warnings=self._warnings(request, where),
        )

    def _hits(
        self,
        page: list[list[int]],
        pool: Pool,
        fused: Scores,
        score: Scores,
        words: Words,
        vector: Vectors | None,
        offset: int,
    ) -> tuple[Hit, ...]:
        """One hit a family, its best passage first. Texts are read for this page only."""
        members = [member for family in page for member in family]
        texts = dict(zip(members, self.snapshot.fetch(pool.rows[members]), strict=True)) if members else {}
        hits = []
        for place, (first, *others) in enumerate(page, start=offset + 1):
            stored = texts[first]
            marks = word_highlights(stored, words, self._terms_of_word)
            if vector is not None:
                best, _ = self.snapshot.best_sentence(vector, int(pool.rows[first]))
                marks.insert(0, sentence_highlight(stored, best))
            hits.append(
                Hit(
                    rank=place,
                    stored=stored,
                    score=float(score[first]),
                    scores=_parts(pool, fused, first),
                    highlights=tuple(marks),
                    duplicates=tuple(Duplicate(pool.ids[i], texts[i].article.id) for i in others),
                )
            )
        return tuple(hits)

    def _warnings(self, request: SearchRequest, where: Where) -> tuple[str, ...]:
        warnings = []
        if where.dated:
            warnings.append("articles without a date are left out of a search by date")
        limit = self.snapshot.manifest.encoder.max_tokens
        if request.mode != "keyword" and len(request.question) > limit:  # a token has at least a character
            tokens = self.questions.tokens(request.question)
            if tokens > limit:
                warnings.append(
                    f"only the first {limit} of the question's {tokens} tokens were compared by meaning"
                )
        return tuple(warnings)


def _check(request: SearchRequest) -> None:
    if not any(character.isalnum() for character in request.question):
        raise InputError("the question has no word in it; ask with at least one letter or digit")
    if request.date_from and request.date_to and request.date_from > request.date_to:
        raise InputError(f"date_from {request.date_from} lies after date_to {request.date_to}; swap them")


def _parts(pool: Pool, fused: Scores, position: int) -> HitScores:
    return HitScores(
        dense=float(pool.dense[position]),
        sentence=float(pool.sentence[position]),
        lexical=float(pool.lexical[position]),
        fused=round(float(fused[position]), 6),
    )


def open_searcher(index: Path, cache: Path | None = None, model: str | None = None) -> Searcher:
    """Open the current generation and the encoder it was built with.

    Raises NotFound, CorruptIndex, FormatMismatch, EncoderMismatch or EncoderUnavailable.
    """
    cache = cache or default_cache()
    snapshot = open_snapshot(index, stamps_file(cache, index))
    return Searcher(snapshot, load_indexed_encoder(snapshot.manifest.encoder, cache, model))


def stamps_file(cache: Path, index: Path) -> Path:
    """Where this host remembers which files of an index it has checked."""
    return cache / "checked" / f"{hashlib.sha256(str(index.resolve()).encode()).hexdigest()[:32]}.json"
