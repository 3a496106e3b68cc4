"""Main path 2: a question -> ranked hits, for HTTP and the command line alike.

    question.py   words that matter       questions.py   its vector
    spelling.py   how the corpus spells them
    snapshot      pool with evidence      ranking.py     one order
    rerank.py     the first ones anew     finding.py     fold, group, spread
    showing.py    texts, marks, reasons

Holds no lock over a search and knows nothing of HTTP.
"""

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from passage_index.backend import Awaited, Backend, Pool
from passage_index.columns import Where
from passage_index.encoder import Encoder, require_same_encoder
from passage_index.errors import InputError
from passage_index.filters import METADATA, all_conditions, plain_name
from passage_index.holding import WordMemory
from passage_index.integrity import stamps_file
from passage_index.lexical import Words
from passage_index.model_files import default_cache
from passage_index.snapshot import open_snapshot
from passage_index.stages import stage, staged
from passage_index.transformer import load_indexed_encoder
from passage_index.types import Vectors
from search_api.answerability import ANSWERABLE_FROM, answer_probability
from search_api.facets import facets
from search_api.families import is_thin
from search_api.finding import Finding, entries, reranked
from search_api.fusion import calibrated, order, total
from search_api.highlights import terms_and_joined
from search_api.hits import SearchReply, SearchRequest
from search_api.legibility import is_legible
from search_api.question import parse_words
from search_api.questions import QuestionEncoder
from search_api.ranking import contributions
from search_api.reader.narrowing import windows
from search_api.reader.reader import Reader
from search_api.rerank import Reranker, require_reranker
from search_api.showing import shown
from search_api.similar import SimilarRequest, distinctive_words, picked, source
from search_api.spelling import Speller
from search_api.texts import Texts

DEEPER = 4  # times as many candidates, where too many of them are folded into few hits,
DEEPEST = 3200  # until there are so many of each leg


class Searcher:
    """A snapshot and the encoder it was built with. Safe to share between threads."""

    def __init__(
        self,
        snapshot: Backend,
        encoder: Encoder | QuestionEncoder,
        answerable_from: float = ANSWERABLE_FROM,
        reader: Reader | None = None,
    ) -> None:
        """A QuestionEncoder serves other searchers too and is not closed with this one.

        answerable_from: the chance of an answer from which a reply says that there is one.
        reader: reads passages for answers; not used by a search.
        """
        self._answerable_from = answerable_from
        self.reader = reader
        require_same_encoder(snapshot.manifest.encoder, encoder.identity)
        self.snapshot = snapshot
        self.questions = encoder if isinstance(encoder, QuestionEncoder) else QuestionEncoder(encoder)
        self._owns_questions = self.questions is not encoder
        self._speller = Speller(snapshot, self.questions.pieces)
        self._terms_of_word = partial(terms_and_joined, terms=snapshot.lexical.terms)
        self._memory = WordMemory(self._terms_of_word)

    def close(self) -> None:
        """Let go of files and thread."""
        self._speller.close()
        if self._owns_questions:
            self.questions.close()
        self.snapshot.close()

    def search(self, request: SearchRequest, reranker: Reranker | None = None) -> SearchReply:
        """Rank passages for one question.

        Raises InputError on a question without a word, a bad range, or `rerank` without a reranker.
        """
        if not request.rerank:
            return self.show(self.find(request))
        reranker = require_reranker(reranker)
        found = self.find_to_judge(request, reranker)
        return self.show(reranked(found, reranker.judge(request.question, found.candidates)))

    def find_to_judge(self, request: SearchRequest, reranker: Reranker) -> Finding:
        """As `find`; a reranker that judges beside the score is given the best sentences of each passage."""
        found = self.find(request)
        if not reranker.reads_windows:
            return found
        first = found.fused_order[: request.rerank]
        return replace(found, candidates=tuple(windows(self.snapshot, found, first)))

    def find(self, request: SearchRequest) -> Finding:
        """The first half of `search`: a ranked pool, and what a reranker is to judge."""
        begun_s = time.perf_counter()
        _check(request)
        self._check_words(request)
        snapshot = self.snapshot
        unread = self._unread(request)
        if unread and request.mode == "hybrid":
            request = replace(request, mode="keyword")
        encoding = None if request.mode == "keyword" else self.questions.submit(request.question)
        with stage("parse"):
            spelled = self._speller.respelled(
                request.question, parse_words(request.question, snapshot.lexical.terms), request.mode
            )
        words = spelled.words
        asked = Words((), (), words.required, words.excluded) if request.mode == "semantic" else words
        where = _where(request)
        awaited = (lambda: encoding.result().vector) if encoding else None
        request, pool = self._deep_enough(request, awaited, asked, where)
        vector = awaited() if awaited else None
        warnings = (*unread, *self._warnings(request, where))
        return replace(self._ranked(request, pool, vector, words, warnings, begun_s), spelled=spelled)

    def _deep_enough(
        self, request: SearchRequest, vector: Vectors | Awaited | None, words: Words, where: Where
    ) -> tuple[SearchRequest, Pool]:
        """A pool, and the request with its depth: deeper than asked where too much of it is folded away.

        Whether it is does not depend on the page, so that pages fit together.
        """
        while True:
            pool = self.snapshot.pool(vector, words, where, request.depth)
            folded = is_thin(pool, request.depth, request.collapse, request.group_by_article)
            if not folded or request.depth >= DEEPEST:
                return request, pool
            request = replace(request, depth=request.depth * DEEPER)

    def similar(self, asked: SimilarRequest) -> SearchReply:
        """Rank passages by their likeness to a passage, an article or a text.

        Raises InputError on a text without a word or a bad range, NotFound on an unknown id.
        """
        begun_s = time.perf_counter()
        request, snapshot = asked.search, self.snapshot
        _check_days(request)
        like = source(snapshot, asked)
        if like is None:
            _check(request)
        else:
            request = replace(request, question="")
        own = snapshot.fetch(like.own) if like else []
        said = like.said if like else request.question
        unread = self._unread(replace(request, question=said))
        if unread:
            request = replace(request, mode="keyword")
        vector = None if unread else like.vector if like else self.questions.encode(said)
        words, where = distinctive_words(said, snapshot.lexical, own), _where(request)
        if not snapshot.has_words:
            words = Words(())
        # As many more as must not be shown, so that a long article does not fill its own pool.
        deeper = replace(request, depth=request.depth + len(own))
        deeper, pool = self._deep_enough(deeper, vector, words, where)
        request = replace(deeper, depth=deeper.depth - len(own))
        if like:
            pool = picked(pool, np.flatnonzero(~np.isin(pool.rows, like.own)))
        warnings = (*unread, *self._warnings(request, where))
        return self.show(
            replace(self._ranked(request, pool, vector, words, warnings, begun_s), asked=said),
            is_question=False,
        )

    def _ranked(
        self,
        request: SearchRequest,
        pool: Pool,
        vector: Vectors | None,
        words: Words,
        warnings: tuple[str, ...],
        begun_s: float,
    ) -> Finding:
        texts = Texts(self.snapshot)
        with stage("rank"):
            parts = contributions(self.snapshot, pool, vector, words, request.mode, texts)
            fused = total(parts)
            ranked = order(fused, pool.ids)
        return Finding(
            request=request,
            asked=request.question,
            words=words,
            vector=vector,
            pool=pool,
            parts=parts,
            fused=fused,
            score=calibrated(pool, fused, request.mode),
            fused_order=ranked,
            ranked=ranked,
            candidates=tuple(texts.of(pool.rows[ranked[: request.rerank]])),
            warnings=warnings,
            texts=texts,
            begun_s=begun_s,
        )

    @staged("show")
    def show(self, found: Finding, is_question: bool = True) -> SearchReply:
        """The second half of `search`: fold, group, cut the page, and read the texts of its hits."""
        request, snapshot = found.request, self.snapshot
        every = entries(found, lambda positions: snapshot.vectors(found.pool.rows[positions]))
        page = every[request.offset : request.offset + request.limit]
        chance = answer_probability(found.pool, found.parts, request.mode) if is_question else None
        return SearchReply(
            hits=shown(snapshot, found, page, self._terms_of_word, self._memory),
            total=len(every),
            total_relation="gte" if len(found.pool) >= request.depth else "eq",
            facets=facets(snapshot, found.pool, [entry.members[0] for entry in every], request.facets),
            generation=snapshot.generation,
            answerable=None if chance is None else chance >= self._answerable_from,
            answer_probability=chance,
            took_ms=round((time.perf_counter() - found.begun_s) * 1000, 2),
            warnings=found.warnings,
            interpretations=found.spelled.interpretations if found.spelled else (),
            did_you_mean=found.spelled.did_you_mean if found.spelled else None,
        )

    def _check_words(self, request: SearchRequest) -> None:
        if request.mode != "semantic" and not self.snapshot.has_words:
            raise InputError(
                f"mode {request.mode} needs words, which the cluster behind this server does not count "
                "(Milvus before 2.5); ask with mode=semantic"
            )

    def _unread(self, request: SearchRequest) -> tuple[str, ...]:
        """What to say where the model cannot read the question, if it cannot."""
        if request.mode == "keyword" or is_legible(request.question, self.questions.pieces):
            return ()
        told = (
            f"the model {self.snapshot.manifest.encoder.name} was not trained on the script of this question"
        )
        if request.mode == "semantic":
            return (f"{told}: what it finds by meaning is arbitrary",)
        return (f"{told}: the answer is by words alone, and by names in other spellings",)

    def _warnings(self, request: SearchRequest, where: Where) -> tuple[str, ...]:
        warnings = []
        if where.leaves_out_undated:
            warnings.append("articles without a date are left out of a search by date")
        fields = {one.field for one in all_conditions(where.filter)} if where.filter else set()
        unknown = sorted(one for one in fields if one.startswith(METADATA) and not self.snapshot.knows(one))
        warnings += [f"no article has {plain_name(field)}" for field in unknown]
        limit = self.snapshot.manifest.encoder.max_tokens
        if request.mode != "keyword" and len(request.question) > limit:  # a token has at least a character
            tokens = self.questions.tokens(request.question)
            if tokens > limit:
                warnings.append(
                    f"only the first {limit} of the question's {tokens} tokens were compared by meaning"
                )
        return tuple(warnings)


def _where(request: SearchRequest) -> Where:
    return Where(request.date_from, request.date_to, request.sources, request.as_of, request.filter)


def _check(request: SearchRequest) -> None:
    if not any(character.isalnum() for character in request.question):
        raise InputError("the question has no word in it; ask with at least one letter or digit")
    _check_days(request)


def _check_days(request: SearchRequest) -> None:
    if request.date_from and request.date_to and request.date_from > request.date_to:
        raise InputError(f"date_from {request.date_from} lies after date_to {request.date_to}; swap them")


def open_searcher(index: Path, cache: Path | None = None, model: str | None = None) -> Searcher:
    """Open the current generation and the encoder it was built with.

    Raises NotFound, CorruptIndex, FormatMismatch, EncoderMismatch or EncoderUnavailable.
    """
    cache = cache or default_cache()
    snapshot = open_snapshot(index, stamps_file(cache, index))
    return Searcher(snapshot, load_indexed_encoder(snapshot.manifest.encoder, cache, model))
