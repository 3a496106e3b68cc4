"""What was written, whole: for whoever does not read it as it comes.

Runs the check wherever it is told to, for it reads the index. (Writer | None, question) -> Written
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from passage_index.types import StoredPassage
from search_api.answers.writing.checking import Dropped, WrittenSentence
from search_api.answers.writing.writer import Check, Event, Note, Writer

NO_MODEL = "no language model is set here, so nothing was written; SEARCH_LLM_URL names one"


@dataclass(frozen=True, slots=True)
class Written:
    """The sentences that passed, how many did not, and what to tell of it."""

    sentences: tuple[WrittenSentence, ...]
    dropped: int
    model: str
    warnings: tuple[str, ...]

    @property
    def text(self) -> str:
        """The sentences, one behind the other."""
        return " ".join(one.text for one in self.sentences)


async def write(writer: Writer | None, question: str, read: Sequence[StoredPassage], check: Check) -> Written:
    """All that `events` gives, at its end."""
    sentences, dropped, warnings = [], 0, []
    async with aclosing(events(writer, question, read, check)) as happening:
        async for event in happening:
            if isinstance(event, WrittenSentence):
                sentences.append(event)
            elif isinstance(event, Dropped):
                dropped += 1
            else:
                warnings.append(event.text)
    return Written(tuple(sentences), dropped, writer.model if writer else "", tuple(warnings))


async def events(
    writer: Writer | None, question: str, read: Sequence[StoredPassage], check: Check
) -> AsyncGenerator[Event]:
    """As `Writer.events`, also where there is no writer."""
    if writer is None:
        yield Note(NO_MODEL)
        return
    async with aclosing(writer.events(question, read, check)) as happening:
        async for event in happening:
            yield event
