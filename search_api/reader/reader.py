"""The reader of a service: loaded beside it, asked with a time limit, and never the reason of a failure.

(question, passages) -> Readings of the first of them, and what to warn of
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Protocol

from passage_index.errors import EncoderUnavailable, SearchEngineError
from passage_index.stages import staged
from passage_index.types import StoredPassage
from search_api.priorities import give_way
from search_api.reader.model import ReaderModel, Text, load_reader
from search_api.reader.reading import Reading
from search_api.rerank import pair_text

NONE = "none"

logger = logging.getLogger(__name__)


_USUAL = ("How long does it take?", [Text("A sentence of the usual kind, as long as they are. " * 9, 0)] * 8)


class PassageReader(Protocol):
    """The seam that tests replace."""

    def read(self, question: str, texts: Sequence[Text], deadline_s: float | None = None) -> list[Reading]:
        """See ReaderModel."""
        ...


class Reader:
    """Reads for any number of threads."""

    def __init__(self, load: Callable[[], PassageReader], timeout_s: float) -> None:
        """load: called once, on a thread of its own. timeout_s: of one `read`, waiting included."""
        self.fault = ""  # why there is none, once that is known
        self.each_ms = float("inf")  # to read a passage of usual length here, once that was tried
        self._timeout_s = timeout_s
        self._loaded: Future[PassageReader | None] = Future()
        threading.Thread(target=self._load, args=(load,), name="reader", daemon=True).start()

    def _load(self, load: Callable[[], PassageReader]) -> None:
        give_way()
        try:
            model = load()
            model.read(*_USUAL)  # the first is slower
            begun_s = time.monotonic()
            model.read(*_USUAL)
            self.each_ms = (time.monotonic() - begun_s) * 1000 / len(_USUAL[1])
            self._loaded.set_result(model)
        except Exception as error:
            self.fault = "the reader cannot be loaded"  # why is for the log: it may name a folder
            known = isinstance(error, SearchEngineError)
            logger.error("%s: %s", self.fault, error, exc_info=None if known else error)
            self._loaded.set_result(None)

    def model(self) -> ReaderModel:
        """The reader itself, when it is loaded. Raises EncoderUnavailable where there is none."""
        model = self._loaded.result()
        if not isinstance(model, ReaderModel):
            raise EncoderUnavailable(self.fault)
        return model

    def wait_until_loaded(self) -> None:
        """Return when there is a reader, or a fault."""
        self._loaded.result()

    @staged("read")
    def read(
        self, question: str, passages: Sequence[StoredPassage], within_s: float = float("inf")
    ) -> tuple[list[Reading], str]:
        """Of the first passages, as many as time allows; none where it cannot, and why. Never raises.

        within_s: less time than the reader's own limit. Offsets are code points of the article's text.
        """
        within_s = min(within_s, self._timeout_s)
        deadline_s = time.monotonic() + within_s
        try:
            model = self._loaded.result(within_s)
            found = model.read(question, [_text(one) for one in passages], deadline_s) if model else []
        except TimeoutError:
            return [], "the reader is not loaded yet; the answer was chosen without it"
        except Exception:
            logger.exception("reading failed")
            return [], "the reader failed; the answer was chosen without it"
        if not found and passages:
            reason = self.fault or f"the reader did not answer within {within_s:g} s"
            return [], f"{reason}; the answer was chosen without it"
        return [one.moved(_shift(passage)) for one, passage in zip(found, passages, strict=False)], ""


def _text(stored: StoredPassage) -> Text:
    text = pair_text(stored)
    return Text(text, len(text) - len(stored.text))


def _shift(stored: StoredPassage) -> int:
    """From the text that was read to the article's."""
    return stored.passage.start - _text(stored).begin


def open_reader(name: str, timeout_s: float, cache: Path | None = None) -> Reader | None:
    """The reader of that name (`load_reader`), on its way; None for `none`."""
    return None if name == NONE else Reader(partial(load_reader, name, cache), timeout_s)
