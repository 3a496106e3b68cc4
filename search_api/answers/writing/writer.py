"""A written answer, sentence by sentence: asks the model, checks each sentence as soon as it is whole.

    screening.py   passages that speak to a model are left out     prompt.py     what it is told
    endpoint.py    the text as it arrives                          drafts.py     sentences with citations
    checking.py    what may be shown                               quotes.py, support.py   by which rules

Whatever goes wrong becomes a Note; nothing is raised. Knows nothing of HTTP towards whoever asks.
(question, passages) -> WrittenSentence | Dropped | Note, in the order they come
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from passage_index.types import StoredPassage
from search_api.answers.writing.checking import Dropped, WrittenSentence
from search_api.answers.writing.drafts import Draft, Drafts
from search_api.answers.writing.endpoint import Endpoint, ModelFault
from search_api.answers.writing.prompt import messages
from search_api.answers.writing.screening import addresses_model
from search_api.settings import Settings

logger = logging.getLogger(__name__)

AT_ONCE = 4  # answers that are written at the same time,
WAITING = 16  # and that may wait for their turn, each within its time limit
CHARACTERS_A_TOKEN = 8  # more than any model needs on the whole

Check = Callable[[Draft, Sequence[StoredPassage]], Awaitable[WrittenSentence | Dropped]]


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence for whoever asked: why nothing was written, or not all."""

    text: str


Event = WrittenSentence | Dropped | Note


class Writer:
    """Writes for any number of requests. Close it, or its connections stay."""

    def __init__(self, settings: Settings) -> None:
        """Raises InputError where the settings cannot be used."""
        self._endpoint = Endpoint(settings)
        self.model = self._endpoint.model
        self._passages, self._limit_s = settings.llm_passages, settings.llm_timeout_s
        self._most_characters = CHARACTERS_A_TOKEN * settings.llm_max_tokens
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._taken = 0

    async def close(self) -> None:
        """Let go of the connections."""
        await self._endpoint.close()

    async def events(
        self, question: str, read: Sequence[StoredPassage], check: Check
    ) -> AsyncGenerator[Event]:
        """Write from the first of the passages. Close it to stop the model. Raises nothing of its own.

        read: best first, none where the articles do not say; check: of a sentence, given the passages.
        """
        if not read:
            yield Note("nothing was written, for the articles do not say")
            return
        given, screened = _material(read, self._passages)
        if screened:
            yield Note(f"{screened} of the passages speak to a language model and were not given to it")
        if not given:
            yield Note("nothing was written, for no passage was left to write from")
            return
        kept = dropped = 0
        noted = False
        async with aclosing(self._written(question, given, check)) as written:
            async for event in written:
                kept += isinstance(event, WrittenSentence)
                dropped += isinstance(event, Dropped)
                noted |= isinstance(event, Note)
                yield event
        if not kept and dropped:
            yield Note(f"none of the {dropped} sentences that the language model wrote passed the check")
        elif not kept and not noted:
            yield Note("the language model wrote nothing")

    async def _written(
        self, question: str, given: Sequence[StoredPassage], check: Check
    ) -> AsyncGenerator[Event]:
        """Never yields inside a time limit: that would end whoever reads this."""
        deadline_s = asyncio.get_running_loop().time() + self._limit_s
        try:
            async with self._turn(deadline_s), aclosing(self._drafts(question, given, deadline_s)) as drafts:
                async for draft in drafts:
                    if isinstance(draft, Note) or draft.is_refusal:
                        told = "the language model found no answer in the passages"
                        yield draft if isinstance(draft, Note) else Note(told)
                        continue
                    async with asyncio.timeout_at(deadline_s):
                        outcome = await check(draft, given)
                    yield outcome
        except ModelFault as fault:
            yield Note(f"the language model {fault}")
        except TimeoutError:
            yield Note(f"the language model did not finish within {self._limit_s:g} s")
        except Exception:
            logger.exception("writing an answer failed")
            yield Note("the language model's text could not be checked")

    async def _drafts(
        self, question: str, given: Sequence[StoredPassage], deadline_s: float
    ) -> AsyncGenerator[Draft | Note]:
        drafts, count, note = Drafts(), 0, None
        async with aclosing(self._endpoint.pieces(messages(question, given))) as pieces:
            while note is None:
                try:
                    async with asyncio.timeout_at(deadline_s):
                        piece = await anext(pieces, None)
                except ModelFault as fault:
                    note = Note(f"the language model {fault}")
                    break
                if piece is None:
                    break
                count += len(piece)
                for draft in drafts.take(piece):
                    yield draft
                if count > self._most_characters:
                    note = Note(f"the language model wrote more than {self._most_characters} characters")
        for draft in drafts.rest(is_whole=note is None):
            yield draft
        if note is not None:
            yield note

    @asynccontextmanager
    async def _turn(self, deadline_s: float) -> AsyncIterator[None]:
        """A place among those that are written at once. Raises ModelFault where too many wait for one."""
        if self._taken >= AT_ONCE + WAITING:
            raise ModelFault("has too much to do")
        self._taken += 1
        try:
            async with asyncio.timeout_at(deadline_s):
                await self._turns.acquire()
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._taken -= 1


def open_writer(settings: Settings) -> Writer | None:
    """The writer that the settings name, None where they name none. Raises InputError."""
    if settings.llm_url is None:
        if settings.llm_key is not None or settings.llm_key_file is not None:
            logger.warning("a key for a language model is set, but not SEARCH_LLM_URL; nothing is written")
        return None
    return Writer(settings)


def _material(read: Sequence[StoredPassage], most: int) -> tuple[list[StoredPassage], int]:
    """The first passages that speak to readers, and how many before them do not."""
    given: list[StoredPassage] = []
    screened = 0
    for one in read:
        if len(given) == most:
            break
        if addresses_model(one):
            screened += 1
        else:
            given.append(one)
    return given, screened
