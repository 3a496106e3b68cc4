"""Run a reader under OpenVINO: question and passages as pairs, one pair at a time, on all cores.

Each pair is read alone, so that what is said of a passage does not depend on the others. Any thread may
ask; one is served at a time. question + texts -> Readings
"""

import json
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Encoding, Tokenizer

from passage_index.convert import RECORD, made_once
from passage_index.errors import EncoderUnavailable
from passage_index.model_files import default_cache, file_sha256, find_reader, weights_sha256
from passage_index.transformer import compiled
from passage_index.types import Scores
from search_api.reader.convert import OWN, WEIGHTS
from search_api.reader.reading import Reading, reading

logger = logging.getLogger(__name__)

SHIPPED = "shipped"  # the name of the reader that comes with this package
WIDTH = 16  # tokens are padded to multiples of it: OpenVINO keeps its kernels by shape
QUESTION_CHARS = 400
STREAMS = 2
_ANEW = "install the package anew"
VERSION = 1  # of the conversion; part of the folder's name


@dataclass(frozen=True, slots=True)
class Text:
    """What is read: title and date in front, then the passage or a part of it, from `begin` on."""

    text: str
    begin: int


class ReaderModel:
    """Answers to PairModel too: its score is how surely a passage answers."""

    def __init__(self, folder: Path) -> None:
        """folder: a converted reader."""
        record = json.loads((folder / RECORD).read_text())
        self.max_tokens, self._judges = int(record["max_tokens"]), bool(record["judges"])
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.max_tokens, strategy="only_second")
        self._untruncated = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._untruncated.no_padding()
        self._untruncated.no_truncation()
        self._queue, self.precision = compiled(folder, STREAMS)
        self._turn = threading.Lock()

    def read(self, question: str, texts: Sequence[Text], deadline_s: float | None = None) -> list[Reading]:
        """What it makes of each text, in order; of the first ones only where `deadline_s` passes meanwhile.

        deadline_s: by time.monotonic. Offsets are code points of the texts; tokens before `begin` are
        never part of an answer.
        """
        asked = self._asked(question)
        encodings = self._tokenizer.encode_batch([(asked, one.text) for one in texts])
        found: dict[int, Reading] = {}
        errors: list[BaseException] = []

        def done(request: Any, position: int) -> None:
            try:
                outputs = [request.get_output_tensor(i).data[0] for i in range(1 + self._judges)]
                found[position] = self._reading(outputs, encodings[position], texts[position].begin)
            except BaseException as error:
                errors.append(error)

        wait_s = -1 if deadline_s is None else max(0.0, deadline_s - time.monotonic())
        if not self._turn.acquire(timeout=wait_s):
            return []
        try:
            self._queue.set_callback(done)
            for position, encoding in enumerate(encodings):
                if deadline_s is not None and time.monotonic() > deadline_s:
                    break
                self._queue.start_async(_inputs(encoding), position)
            self._queue.wait_all()
        finally:
            self._turn.release()
        if errors:
            raise errors[0]
        return [found[position] for position in range(len(found))]

    def score(self, question: str, texts: Sequence[str]) -> tuple[Scores, int]:
        """See PairModel. (n,)."""
        readings = self.read(question, [Text(text, 0) for text in texts])
        last = [int(one.ends.max(initial=0)) for one in readings]
        unread = sum(len(text.rstrip()) > end + WIDTH for text, end in zip(texts, last, strict=True))
        return np.array([one.answerable for one in readings]), unread

    def _asked(self, question: str) -> str:
        """As much of the question as leaves half of the tokens to the text."""
        asked = question[:QUESTION_CHARS]
        offsets = self._untruncated.encode(asked, add_special_tokens=False).offsets
        most = self.max_tokens // 2
        return asked[: offsets[most - 1][1]] if len(offsets) > most else asked

    def _reading(self, outputs: list[Any], encoding: Encoding, begin: int) -> Reading:
        spans = outputs[-1]
        judged = (float(outputs[0][0]), float(outputs[0][1])) if self._judges else None
        parts = zip(encoding.offsets, encoding.sequence_ids, strict=True)
        places = [
            (token, start, end)
            for token, ((start, end), part) in enumerate(parts)
            if part == 1 and start >= begin and end > start
        ]
        tokens, starts, ends = ([place[column] for place in places] for column in range(3))
        return reading(judged, spans[tokens], float(spans[0].sum()), starts, ends)


def _inputs(encoding: Encoding) -> dict[int, Any]:
    width = -(-len(encoding) // WIDTH) * WIDTH
    out = np.zeros((3, 1, width), dtype=np.int64)
    for row, values in enumerate((encoding.ids, encoding.type_ids, encoding.attention_mask)):
        out[row, 0, : len(encoding)] = values
    return dict(enumerate(out))


def load_reader(name: str = SHIPPED, cache: Path | None = None) -> ReaderModel:
    """The reader of that name, converted if need be: the shipped one, a path or a hub name.

    Raises EncoderUnavailable when it cannot be found, trusted or converted.
    """
    own = Path(str(files("search_api.reader") / "shipped")) if name == SHIPPED else Path(name)
    folder = _whole(own) if name == SHIPPED or (own / OWN).exists() else find_reader(name)
    digest = weights_sha256(folder)
    converted = (cache or default_cache()) / "readers" / f"{digest[:32]}-v{VERSION}"
    begun_s = time.monotonic()
    model = ReaderModel(made_once(converted, "search_api.reader.convert", folder))
    logger.info("reader %s loaded in %.1f s", name, time.monotonic() - begun_s)
    return model


def _whole(folder: Path) -> Path:
    """The folder of a reader of our own. Raises EncoderUnavailable if it is damaged."""
    try:
        wanted = json.loads((folder / OWN).read_text())["files"]
        damaged = [name for name, digest in wanted.items() if file_sha256(folder / name) != digest]
    except (OSError, ValueError, KeyError) as error:
        raise EncoderUnavailable(
            f"the reader in {folder} cannot be read: {error}; install the package anew"
        ) from error
    if damaged or WEIGHTS not in wanted:
        raise EncoderUnavailable(
            f"{', '.join(damaged)} in {folder} is not what was shipped; install the package anew"
        )
    return folder


if __name__ == "__main__":  # `make setup`: the shipped reader, into the user's cache
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    load_reader()
