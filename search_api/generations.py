"""The generations a service answers from: the one that its source names, and a few before it.

Each counts its users and is closed when it has been replaced and the last has left, so that a request
ends on the files it began with. Knows no request and no event loop; what opens or closes files here
is called on a thread. Source -> Opened
"""

import logging
import os
import time
from collections import deque
from dataclasses import replace
from threading import Lock

from passage_index.backend import Backend
from passage_index.encoder import EncoderIdentity
from passage_index.errors import ClusterUnavailable, SearchEngineError
from passage_index.model_files import default_cache
from passage_index.transformer import load_indexed_encoder
from search_api.hits import SearchRequest
from search_api.metrics import Metrics
from search_api.questions import QuestionEncoder
from search_api.reader.reader import Reader
from search_api.searcher import Searcher
from search_api.settings import Settings
from search_api.sources import source_of

logger = logging.getLogger(__name__)

LONGEST_RETRY_S = 60.0

_FIRST = SearchRequest("the first question is the slowest", limit=1)


class Opened:
    """A searcher and how many use it. Whoever enters must leave."""

    def __init__(self, searcher: Searcher, left: "deque[Searcher]") -> None:
        self.searcher = searcher
        self.last_used_s = time.monotonic()
        self._left = left
        self._users = 1  # the table it stands in
        self._lock = Lock()

    def enter(self) -> None:
        """One more user. Only where somebody is inside already: a user, or the table."""
        with self._lock:
            assert self._users > 0
            self._users += 1

    def leave(self) -> None:
        """One user less; the last one hands the searcher over to be closed. Never waits."""
        with self._lock:
            self._users -= 1
            is_last = self._users == 0
        if is_last:
            self._left.append(self.searcher)


class Generations:
    """What is open of one index. `fault` says why the generation that CURRENT names is not served, if so."""

    def __init__(
        self,
        settings: Settings,
        given: Searcher | None = None,
        reader: Reader | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        """given: a searcher to begin with; it and its encoder stay its giver's to close.

        reader: what the searchers of the others read with. metrics: told of what their encoders do.
        """
        self.fault = ""
        self.lost = ""  # why what is open cannot be asked at this moment
        self.current: Opened | None = None
        self._settings, self._reader, self._metrics = settings, reader, metrics
        self._cache = settings.cache or default_cache()
        self._source = source_of(settings, self._cache)
        self._open: dict[int, Opened] = {}
        self._left: deque[Searcher] = deque()
        self._given = given
        self._uses: dict[QuestionEncoder, int] = {}
        self._served: bytes | None = None  # CURRENT, as it named what is served
        self._refused: bytes | None = None
        self._retry_at_s = self._delay_s = 0.0
        self._table = Lock()  # held for moments
        self._opening = Lock()  # held while files are opened; never taken by who holds the other
        if given is not None:
            self._uses[given.questions] = 1
            self._put(given, is_current=True)

    def follow(self) -> None:
        """Serve the generation that CURRENT names if it can be opened; a look at its bytes if it is served.

        One that cannot be opened is refused and tried again later, or when CURRENT changes; until then
        what was served before is served on. Never raises on account of the index.
        """
        with self._opening:
            try:
                raw = self._source.pointer()
                if raw == self._served and self.current is not None:
                    self._source.check(self.current.searcher.snapshot)
            except ClusterUnavailable as error:
                self._lose(str(error))
                return
            self.lost = ""
            if raw == self._served and self.current is not None:
                self.fault, self._refused = "", None
            elif raw != self._refused or time.monotonic() >= self._retry_at_s:
                self._try(raw)
            self._let_go()

    @property
    def pause_s(self) -> float:
        """How long to wait before `follow` is worth calling again."""
        until_retry_s = self._retry_at_s - time.monotonic() if self.fault else self._settings.poll_s
        return min(self._settings.poll_s, max(until_retry_s, 0.0))

    def open(self) -> None:
        """Open the current generation. Raises what stands in the way of it."""
        with self._opening:
            self._swap()

    def take(self, number: int | None = None) -> Opened | None:
        """The current generation, or an open one by its number, entered; None if it is not open."""
        with self._table:
            opened = self.current if number is None else self._open.get(number)
            if opened is not None:
                opened.enter()
                opened.last_used_s = time.monotonic()
            return opened

    def reopen(self, number: int) -> Opened:
        """A generation that is still on the disk, entered. Raises NotFound when it is not, or not whole."""
        with self._opening:
            opened = self.take(number)  # another request may have been quicker
            if opened is not None:
                return opened
            backend = self._source.reopen(number, self._newest())
            opened = self._put(self._searcher(backend), enter=True)
            self._let_go()
            return opened

    def close(self) -> None:
        """Close everything that nobody uses."""
        with self._opening:
            with self._table:
                leaving, self.current = list(self._open.values()), None
                self._open.clear()
            for opened in leaving:
                opened.leave()
            self._let_go()
            self._source.close()

    def _lose(self, reason: str) -> None:
        if not self.lost:
            logger.warning("nothing can be answered: %s", reason)
        self.lost = reason

    def _try(self, raw: bytes | None) -> None:
        try:
            self._swap()
        except SearchEngineError as error:
            self._refuse(raw, str(error))
        except Exception:
            logger.exception("a generation could not be opened")
            self._refuse(raw, "the index cannot be opened; the server's log tells why")
        else:
            self.fault, self._refused = "", None

    def _refuse(self, raw: bytes | None, reason: str) -> None:
        again = raw == self._refused and self._delay_s > 0
        self._delay_s = min(self._delay_s * 2, LONGEST_RETRY_S) if again else self._settings.retry_s
        self._retry_at_s = time.monotonic() + self._delay_s
        self._refused, self.fault = raw, reason
        served = self.current.searcher.snapshot.generation if self.current else None
        logger.warning("%s: %s", f"still serving generation {served}" if served else "not ready", reason)

    def _swap(self) -> None:
        begun = time.perf_counter()
        snapshot = self._source.open(self._newest())
        self._put(self._searcher(snapshot), is_current=True)
        logger.info(
            "serving generation %d: %d passages, opened in %.0f ms",
            snapshot.generation,
            snapshot.manifest.passages,
            (time.perf_counter() - begun) * 1000,
        )

    def _newest(self) -> Backend | None:
        return self.current.searcher.snapshot if self.current else None

    def _searcher(self, snapshot: Backend) -> Searcher:
        """A searcher whose first question is not slower than the others. Closes the snapshot if it fails."""
        try:
            questions = self._borrowed(snapshot.manifest.encoder)
        except BaseException:
            snapshot.close()
            raise
        try:
            searcher = Searcher(snapshot, questions, self._settings.answerable_from, self._reader)
            searcher.search(_FIRST if snapshot.has_words else replace(_FIRST, mode="semantic"))
        except BaseException:
            snapshot.close()
            self._give_back(questions)
            raise
        return searcher

    def _put(self, searcher: Searcher, is_current: bool = False, enter: bool = False) -> Opened:
        """Into the table; what is one too many leaves it."""
        snapshot, opened = searcher.snapshot, Opened(searcher, self._left)
        if enter:
            opened.enter()
        if is_current:
            self._served = self._source.pointer_of(snapshot)
        with self._table:
            replaced = self._open.pop(snapshot.generation, None)
            self._open[snapshot.generation] = opened
            if is_current:
                self.current = opened
        if replaced is not None:
            replaced.leave()
        return opened

    def _let_go(self) -> None:
        """Take out what is one too many, unused for long or gone from the disk; close what nobody uses."""
        oldest_s = time.monotonic() - self._settings.kept_for_s
        gone = {
            number for number, one in self._replaced() if not self._source.is_there(one.searcher.snapshot)
        }
        with self._table:
            before = sorted(self._replaced(), key=lambda pair: -pair[1].last_used_s)
            most = self._settings.kept_generations
            leaving = [
                (number, opened)
                for place, (number, opened) in enumerate(before)
                if place >= most or opened.last_used_s < oldest_s or number in gone
            ]
            for number, _ in leaving:
                del self._open[number]
        for _, opened in leaving:
            opened.leave()
        while self._left:
            searcher = self._left.popleft()
            if searcher is not self._given:
                searcher.close()
                self._give_back(searcher.questions)

    def _replaced(self) -> list[tuple[int, Opened]]:
        """What is open beside the current one. Only who opens and closes changes what is open."""
        return [(number, one) for number, one in self._open.items() if one is not self.current]

    def _borrowed(self, identity: EncoderIdentity) -> QuestionEncoder:
        """The encoder of an open generation if it is the same, else one loaded beside it."""
        with self._table:
            for questions in self._uses:
                if questions.identity.same_vectors(identity):
                    self._uses[questions] += 1
                    return questions
        # Of several processes each encodes on its share of the cores: none waits for another.
        threads = max((os.cpu_count() or 1) // self._settings.processes, 1)
        encoder = load_indexed_encoder(identity, self._cache, self._settings.model, threads=threads)
        questions = QuestionEncoder(encoder, self._metrics)
        with self._table:
            self._uses[questions] = 1
        return questions

    def _give_back(self, questions: QuestionEncoder) -> None:
        with self._table:
            self._uses[questions] -= 1
            is_last = self._uses[questions] == 0
            if is_last:
                del self._uses[questions]
        if is_last:
            questions.close()
