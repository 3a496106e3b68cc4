"""Run a transformer encoder: tokenise, batch by length, pool into passage and sentence vectors.

The token states come from OpenVINO (bf16 where the CPU has it, f32 elsewhere) or, where OpenVINO is
missing, from sentence-transformers under torch. One owner encodes, who gathers batches; the tokenizer
is never changed once it is made, for that is what it cannot take from two threads.
texts -> (n, dim) float32, unit length
"""

import importlib.util
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from tokenizers import Encoding, Tokenizer

from passage_index.convert import converted_folder, ensure_converted, is_whole, silent_openvino
from passage_index.encoder import DEFAULT_MODEL, EmbeddedPassage, EncoderIdentity, PassageVectors, unit
from passage_index.errors import InputError
from passage_index.model_files import default_cache, find_model
from passage_index.types import Span, Vectors

logger = logging.getLogger(__name__)

BATCH_TOKENS = 1280  # small batches won in the measurement: token states stay in the core's cache

# A question is padded to a multiple of so many tokens, so that those that wait together fit into one batch:
# it costs hardly more than one, for most of the time goes into reading the model's weights.
QUESTION_TOKENS = 16

TokenIds = npt.NDArray[np.int64]
States = npt.NDArray[np.float32]  # (batch, tokens, dim)
Sink = Callable[[States, Sequence[int]], None]


class Runtime(Protocol):
    """Batches of token ids -> token states, handed to `sink` with the batch's own positions."""

    def run(self, batches: Iterator[tuple[TokenIds, TokenIds, Sequence[int]]], sink: Sink) -> None:
        """Calls sink(states, positions) once a batch, in any order."""
        ...


_FIRST = threading.Lock()


def compiled(folder: Path, streams: int, threads: int | None = None) -> tuple[Any, str]:
    """A converted model as an AsyncInferQueue, and its precision: bf16 where the CPU has it, else f32.

    threads: at most, for all streams together; None for one a core.
    """
    openvino = silent_openvino()
    with _FIRST:
        # Its table of types is made at first use, and two threads at it at once wait for each other forever.
        openvino.Tensor(np.zeros(1, dtype=np.int64)).data  # noqa: B018
    core = openvino.Core()
    fast = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    precision = "bf16" if fast else "f32"
    options = {
        "INFERENCE_PRECISION_HINT": precision,
        "NUM_STREAMS": streams,
        "INFERENCE_NUM_THREADS": threads or os.cpu_count() or 1,
        # Kernels kept by shape: 5,000 by default, which grew past 1 GB in 20,000 passages. 64 is as fast.
        "CPU_RUNTIME_CACHE_CAPACITY": 64,
    }
    return openvino.AsyncInferQueue(
        core.compile_model(folder / "model.xml", "CPU", options), streams
    ), precision


class OpenVinoRuntime:
    """The converted model under OpenVINO."""

    def __init__(self, folder: Path, streams: int, threads: int | None = None) -> None:
        self._queue, self.precision = compiled(folder, streams, threads)

    def run(self, batches: Iterator[tuple[TokenIds, TokenIds, Sequence[int]]], sink: Sink) -> None:
        """See Runtime. An error in `sink` is raised here, not lost in OpenVINO's thread."""
        errors: list[BaseException] = []

        def done(request: Any, positions: Sequence[int]) -> None:
            try:
                sink(request.get_output_tensor(0).data, positions)
            except BaseException as error:
                errors.append(error)

        self._queue.set_callback(done)
        for ids, mask, positions in batches:
            self._queue.start_async({0: ids, 1: mask}, positions)
        self._queue.wait_all()
        if errors:
            raise errors[0]


class TorchRuntime:
    """The model under torch, loaded by sentence-transformers."""

    def __init__(self, model_folder: Path, device: str = "cpu") -> None:
        from sentence_transformers import SentenceTransformer

        self._device = device
        loaded: Any = SentenceTransformer(
            str(model_folder), device=device, local_files_only=True, model_kwargs={"use_safetensors": True}
        )
        self._model = loaded[0].auto_model
        self.precision = "f32"

    def run(self, batches: Iterator[tuple[TokenIds, TokenIds, Sequence[int]]], sink: Sink) -> None:
        """See Runtime."""
        import torch

        with torch.inference_mode():
            for ids, mask, positions in batches:
                inputs = {
                    "input_ids": torch.from_numpy(ids).to(self._device),
                    "attention_mask": torch.from_numpy(mask).to(self._device),
                }
                states = self._model(**inputs, return_dict=False)[0]
                sink(states.float().cpu().numpy(), positions)


class TransformerEncoder:
    """An Encoder over a Runtime."""

    def __init__(self, identity: EncoderIdentity, tokenizer: Path, runtime: Runtime) -> None:
        self.identity = identity
        self.runtime = runtime
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        # The packaged file pads and truncates to 128 tokens; both are decided here instead.
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.special_tokens = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        pads = (self._tokenizer.token_to_id(name) for name in ("[PAD]", "<pad>"))
        self._pad = next((pad for pad in pads if pad is not None), 0)
        self._unknown = {self._tokenizer.token_to_id(name) for name in ("[UNK]", "<unk>")} - {None}

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """See Encoder."""
        encodings = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encodings]

    def pieces(self, words: Sequence[str]) -> list[int]:
        """See Encoder."""
        encodings = self._tokenizer.encode_batch(list(words), add_special_tokens=False)
        return [0 if self._unknown & set(encoding.ids) else len(encoding) for encoding in encodings]

    def encode_questions(self, questions: Sequence[str]) -> Vectors:
        """See Encoder."""
        texts = [self.identity.query_prefix + text for text in questions]
        encodings = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        for encoding in encodings:  # cut before the special tokens go round it: the last one must not be lost
            encoding.truncate(self.identity.max_tokens - self.special_tokens)
        whole = [self._tokenizer.post_process(encoding) for encoding in encodings]
        return self._vectors(whole, QUESTION_TOKENS)

    def encode_passages(self, passages: Sequence[EmbeddedPassage]) -> list[PassageVectors]:
        """See Encoder."""
        prefix = self.identity.passage_prefix
        encodings = self._tokenizer.encode_batch([prefix + passage.text for passage in passages])
        longest = max(map(len, encodings), default=0)
        if longest > self.identity.max_tokens:
            raise InputError(f"a passage of {longest} tokens exceeds the limit of {self.identity.max_tokens}")
        if self.identity.pooling == "cls":
            return self._encode_sentences_alone(passages, encodings)
        results: list[PassageVectors | None] = [None] * len(passages)

        def pool(states: States, positions: Sequence[int]) -> None:
            for state, position in zip(states, positions, strict=True):
                spans = passages[position].sentences
                results[position] = _pool(state, encodings[position], spans, len(prefix))

        self.runtime.run(self._batches(encodings), pool)
        return [result for result in results if result is not None]

    def _encode_sentences_alone(
        self, passages: Sequence[EmbeddedPassage], encodings: list[Encoding]
    ) -> list[PassageVectors]:
        """For models pooled on their first token, whose other states are not comparable with it."""
        texts = [
            self.identity.passage_prefix + passage.text[start:end]
            for passage in passages
            for start, end in passage.sentences
        ]
        alone = self._tokenizer.encode_batch(texts)
        vectors, sentences = self._vectors(encodings), self._vectors(alone)
        edges = np.cumsum([len(passage.sentences) for passage in passages])[:-1]
        return [PassageVectors(*pair) for pair in zip(vectors, np.split(sentences, edges), strict=True)]

    def _vectors(self, encodings: list[Encoding], grain: int = 1) -> Vectors:
        """Passage-level pooling alone: (n, dim) float32, unit length. grain: as for `_batches`."""
        out = np.zeros((len(encodings), self.identity.dim), dtype=np.float32)
        first_only = self.identity.pooling == "cls"

        def pool(states: States, positions: Sequence[int]) -> None:
            for state, position in zip(states, positions, strict=True):
                out[position] = state[0] if first_only else state[: len(encodings[position])].mean(axis=0)

        self.runtime.run(self._batches(encodings, grain), pool)
        return unit(out)

    def _batches(
        self, encodings: list[Encoding], grain: int = 1
    ) -> Iterator[tuple[TokenIds, TokenIds, Sequence[int]]]:
        """Texts of equal length together, longest first; each made as long as the next multiple of `grain`.

        How much a text is padded depends on itself alone, so that its vector is a pure function of it, to
        the last bit, whatever else is in the batch: an index built at once and one built in parts hold
        the same vectors.
        """
        lengths = np.array([self._padded(len(encoding), grain) for encoding in encodings], dtype=np.int64)
        order = np.argsort(-lengths, kind="stable")
        edges = np.flatnonzero(np.diff(lengths[order])) + 1
        for group in np.split(order, edges):
            width = int(lengths[group[0]]) if len(group) else 1
            step = max(1, BATCH_TOKENS // width)
            for start in range(0, len(group), step):
                positions = [int(position) for position in group[start : start + step]]
                ids = np.full((len(positions), width), self._pad, dtype=np.int64)
                mask = np.zeros_like(ids)
                for row, position in enumerate(positions):
                    own = encodings[position].ids
                    ids[row, : len(own)], mask[row, : len(own)] = own, 1
                yield ids, mask, positions

    def _padded(self, length: int, grain: int) -> int:
        return max(length, min(-(-length // grain) * grain, self.identity.max_tokens))


def _pool(state: States, encoding: Encoding, sentences: tuple[Span, ...], shift: int) -> PassageVectors:
    """Means over all tokens, and over each sentence's own tokens. state: (padded tokens, dim).

    A sentence without a token of its own (a lone symbol) takes the passage's vector.
    """
    count = len(encoding)
    starts = np.array([offset[0] for offset in encoding.offsets]) - shift
    special = np.array(encoding.special_tokens_mask, dtype=bool)
    edges = np.array([span[0] for span in sentences])
    owner = np.searchsorted(edges, starts, side="right") - 1
    owner[special | (starts < 0)] = -1
    membership = (owner[None, :] == np.arange(len(sentences))[:, None]).astype(np.float32)
    whole = state[:count].mean(axis=0)
    parts = membership @ state[:count]
    parts[membership.sum(axis=1) == 0] = whole
    return PassageVectors(unit(whole), unit(parts))


def load_encoder(
    model: str = DEFAULT_MODEL,
    cache: Path | None = None,
    streams: int = 1,
    runtime: Literal["openvino", "torch", "auto"] = "auto",
    threads: int | None = None,
    device: str = "cpu",
) -> TransformerEncoder:
    """Find, convert if need be, and load a model.

    streams: batches encoded at once; 1 for a server's questions, one a core for indexing.
    threads: of OpenVINO, None for one a core. device: of torch, `cpu` or `cuda`.
    Raises EncoderUnavailable when the model cannot be found, trusted or converted.
    """
    files = find_model(model)
    if runtime == "auto":
        runtime = "openvino" if importlib.util.find_spec("openvino") else "torch"
    if runtime == "torch":
        logger.info("running %s under torch; OpenVINO is several times faster", files.identity)
        return TransformerEncoder(files.identity, files.tokenizer, TorchRuntime(files.folder, device))
    folder = ensure_converted(files, cache or default_cache())
    return TransformerEncoder(
        files.identity, folder / "tokenizer.json", OpenVinoRuntime(folder, streams, threads)
    )


def load_indexed_encoder(
    identity: EncoderIdentity,
    cache: Path | None = None,
    model: str | None = None,
    streams: int = 1,
    threads: int | None = None,
) -> TransformerEncoder:
    """The encoder that an index was built with; `streams` and `threads` as for `load_encoder`.

    Read from the converted models by its weights' hash, so that the model's own folder is not needed;
    `model` (or the index's own name for it) is looked for only when no converted model is there.
    """
    folder = converted_folder(cache or default_cache(), identity)
    if model is None and importlib.util.find_spec("openvino") and is_whole(folder):
        runtime = OpenVinoRuntime(folder, streams, threads)
        return TransformerEncoder(identity, folder / "tokenizer.json", runtime)
    return load_encoder(model or identity.name, cache, streams, threads=threads)
