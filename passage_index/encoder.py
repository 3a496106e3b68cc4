"""What an encoder is: text in, unit vectors out, and an identity that an index remembers.

Does not know how a model runs (transformer.py) or where its files lie (model_files.py).
model name + cache folder -> Encoder
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

import numpy as np

from passage_index.errors import EncoderMismatch
from passage_index.types import Span, Vectors

DEFAULT_MODEL = "all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class EncoderIdentity:
    """What decides whether two vectors can be compared. Stands in the manifest."""

    name: str
    weights_sha256: str
    dim: int
    max_tokens: int  # special tokens included
    pooling: Literal["mean", "cls"] = "mean"
    query_prefix: str = ""
    passage_prefix: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain dict for the manifest."""
        return asdict(self)

    def same_vectors(self, other: "EncoderIdentity") -> bool:
        """True if vectors of both can stand in one index; the name does not matter, the bytes do."""
        ours, theirs = self.to_json(), other.to_json()
        return all(ours[key] == theirs[key] for key in ours if key != "name")

    def __str__(self) -> str:
        return f"{self.name} ({self.dim} dims, weights {self.weights_sha256[:12]})"


@dataclass(frozen=True, slots=True)
class EmbeddedPassage:
    """The text an encoder reads of a passage (title in front), and its sentences as spans of that text."""

    text: str
    sentences: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class PassageVectors:
    """What one pass of the encoder gives for one passage.

    vector: (dim,) float32, unit length; sentences: (n sentences, dim) float32, unit length.
    """

    vector: Vectors
    sentences: Vectors


class Encoder(Protocol):
    """The seam that tests replace by a pure function of the text."""

    @property
    def identity(self) -> EncoderIdentity:
        """What the manifest records."""
        ...

    @property
    def special_tokens(self) -> int:
        """Tokens that the model adds to every text."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens not counted."""
        ...

    def pieces(self, words: Sequence[str]) -> list[int]:
        """Into how many tokens each word is cut, 0 where it holds what the tokenizer does not know.

        One for a word that the model has met often; about one a letter for what it was not trained on.
        Any thread may ask, whatever else is being encoded.
        """
        ...

    def encode_questions(self, questions: Sequence[str]) -> Vectors:
        """Questions -> (n, dim) float32, unit length. Text beyond the token limit is not read."""
        ...

    def encode_passages(self, passages: Sequence[EmbeddedPassage]) -> list[PassageVectors]:
        """Passages -> their vectors, in order. Raises InputError on a passage over the token limit."""
        ...


def require_same_encoder(index: EncoderIdentity, loaded: EncoderIdentity) -> None:
    """Raises EncoderMismatch, naming both, unless vectors of both can be compared."""
    if not index.same_vectors(loaded):
        raise EncoderMismatch(
            f"the index was built with {index}, but the encoder here is {loaded}; "
            f"name the index's own model with --model, or build a new index with this one"
        )


def unit(vectors: np.ndarray[Any, np.dtype[np.float32]]) -> Vectors:
    """Scale rows to length one; a zero row stays zero. (n, dim) -> (n, dim)."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
