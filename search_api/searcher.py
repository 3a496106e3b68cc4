"""Main path 2: a question -> ranked hits, for HTTP and the command line alike.

    question.py   words that matter       questions.py   its vector
    snapshot      pool with evidence      fusion.py      one order
    collapse, group, page                 highlights.py  what to mark

Holds no lock over a search and knows nothing of HTTP.
"""

import time
from pathlib import Path

import numpy as np

from passage_index.columns import Where
from passage_index.encoder import Encoder, require_same_encoder
from passage_index.errors import InputError
from passage_index.lexical import Words
from passage_index.near_duplicates import similar
from passage_index.snapshot import Pool, Snapshot, open_snapshot
from passage_index.transformer import load_indexed_encoder
from passage_index.types import Vectors
from search_api.fusion import Fused, fuse, order
from search_api.highlights import sentence_highlight, word_highlights
from search_api.hits import Duplicate, Hit, HitScores, SearchReply, SearchRequest
from search_api.question import parse_words
from search_api.questions import QuestionEncoder


class Searcher:
    """A snapshot and the encoder it was built with. Safe to share between threads."""

    def __init__(self, snapshot: Snapshot, encoder: Encoder) -> None:
        require_same_encoder(snapshot.manifest.encoder, encoder.identity)
        self.snapshot = snapshot
        self.questions = QuestionEncoder(encoder)

    def close(self) -> None:
        """Let go of files and thread."""
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
        fused = fuse(pool, request.mode)
        score = confidence(pool)
        families = _families(pool, fused, score, request)
        page = families[request.offset : request.offset + request.limit]
        hits = self._hits(page, pool, fused, score, words, vector, request.offset)
        return SearchReply(
            hits=hits,
            total=len(families),
            total_relation="gte" if len(pool) >= request.depth else "eq",
            generation=snapshot.generation,
            took_ms=round((time.perf_counter() - begun) * 1000, 2),
            warnings=self._warnings(request, where),
        )

    def _hits(
        self,
        page: list[list[int]],
        pool: Pool,
        fused: Fused,
        score: "np.ndarray[tuple[int], np.dtype[np.float64]]",
        words: Words,
        vector: Vectors | None,
        offset: int,
    ) -> tuple[Hit, ...]:
        """One hit a family, its best passage first. Texts are read for this page only."""
        members = [member for family in page for member in family]
        texts = dict(zip(members, self.snapshot.fetch(pool.rows[members]), strict=True)) if members else {}
        hits = []
        for rank, (first, *others) in enumerate(page, start=offset + 1):
            stored = texts[first]
            marks = word_highlights(stored, words, self.snapshot.lexical.terms)
            if vector is not None:
                best, _ = self.snapshot.best_sentence(vector, int(pool.rows[first]))
                marks.insert(0, sentence_highlight(stored, best))
            hits.append(
                Hit(
                    rank=rank,
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


def confidence(pool: Pool) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """How sure one may be that a passage answers, 0..1, comparable between questions. (n,)."""
    best = np.maximum(pool.dense, pool.sentence)
    return np.asarray(1 / (1 + np.exp(-(best - 0.45) * 9)))


def _families(pool: Pool, fused: Fused, score: object, request: SearchRequest) -> list[list[int]]:
    """Positions in the pool, best first; near-duplicates behind the best of their family.

    With grouping by article every later passage of an article is left out.
    """
    ranked = [
        position
        for position in order(fused.fused, pool.ids)
        if score[position] >= request.min_score  # type: ignore[index]
    ]
    families: list[list[int]] = []
    articles: set[int] = set()
    taken = np.zeros(len(pool), dtype=bool)
    for position in ranked:
        if taken[position] or (request.group_by_article and int(pool.article[position]) in articles):
            continue
        family = [position]
        if request.collapse:
            near = similar(pool.signature, pool.signature[position]) & ~taken
            family += [other for other in ranked if near[other] and other != position]
        taken[family] = True
        families.append(family)
        articles.add(int(pool.article[position]))
    return families


def _parts(pool: Pool, fused: Fused, position: int) -> HitScores:
    return HitScores(
        dense=float(pool.dense[position]),
        sentence=float(pool.sentence[position]),
        lexical=float(pool.lexical[position]),
        fused=round(float(fused.fused[position]), 6),
    )


def open_searcher(index: Path, cache: Path | None = None, model: str | None = None) -> Searcher:
    """Open the current generation and the encoder it was built with.

    Raises NotFound, CorruptIndex, FormatMismatch, EncoderMismatch or EncoderUnavailable.
    """
    from passage_index.model_files import default_cache

    cache = cache or default_cache()
    snapshot = open_snapshot(index, stamps_file(cache, index))
    return Searcher(snapshot, load_indexed_encoder(snapshot.manifest.encoder, cache, model))


def stamps_file(cache: Path, index: Path) -> Path:
    """Where this host remembers which files of an index it has checked."""
    import hashlib

    return cache / "checked" / f"{hashlib.sha256(str(index.resolve()).encode()).hexdigest()[:32]}.json"
