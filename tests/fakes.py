"""An encoder without a model: a bag of words hashed into 64 dims, a pure function of the text.

Texts that share words are near each other, so that a test can say which passage must come first.
"""

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from passage_index.encoder import EmbeddedPassage, EncoderIdentity, PassageVectors, unit
from passage_index.errors import InputError
from passage_index.types import Vectors

DIM = 64


class FakeEncoder:
    """Answers to the Encoder protocol."""

    identity = EncoderIdentity(name="fake", weights_sha256="0" * 64, dim=DIM, max_tokens=256)
    special_tokens = 2

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def pieces(self, words: Sequence[str]) -> list[int]:
        return [-(-len(word) // 3) for word in words]

    def encode_questions(self, questions: Sequence[str]) -> Vectors:
        return unit(np.stack([bag(question) for question in questions]))

    def encode_passages(self, passages: Sequence[EmbeddedPassage]) -> list[PassageVectors]:
        return [self._encode(passage) for passage in passages]

    def _encode(self, passage: EmbeddedPassage) -> PassageVectors:
        tokens = self.count_tokens([passage.text])[0] + self.special_tokens
        if tokens > self.identity.max_tokens:
            raise InputError(f"{tokens} tokens, the encoder reads {self.identity.max_tokens}")
        sentences = np.stack([bag(passage.text[start:end]) for start, end in passage.sentences])
        return PassageVectors(unit(bag(passage.text)[None])[0], unit(sentences))


def bag(text: str) -> Vectors:
    """(DIM,) float32: a word adds 1 or -1 to one dimension. `the` and `The` are one word."""
    vector = np.zeros(DIM, dtype=np.float32)
    for word in re.findall(r"\w+", text.casefold()):
        number = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
        vector[number % DIM] += 1 if number & 64 else -1
    return vector
