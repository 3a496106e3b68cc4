"""A cross-encoder under torch, loaded by sentence-transformers: the one place of the server that imports it.

Not thread-safe: one owner (rerank.py). Runs on as many cores as OMP_NUM_THREADS says, which `search-api`
sets to 1: two threads of torch that wait for each other on a busy machine take ten times as long.
question + texts -> (n,) raw scores
"""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from passage_index.model_files import find_reranker
from passage_index.types import Scores
from search_api.rerank import Reranker
from search_api.settings import Settings


class CrossEncoderModel:
    """Answers to PairModel."""

    def __init__(self, folder: Path) -> None:
        """folder: as `find_reranker` gives it, for that has checked it."""
        import torch
        from sentence_transformers import CrossEncoder
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]
        logging.getLogger("sentence_transformers").setLevel(logging.WARNING)  # tells of a "new" model
        able = torch.cpu.get_capabilities()
        has_bf16 = bool(able.get("amx_bf16") or able.get("avx512_bf16"))
        self._fast = partial(torch.autocast, "cpu", torch.bfloat16, enabled=has_bf16)
        self._model: Any = CrossEncoder(
            str(folder),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            activation_fn=torch.nn.Identity(),
            model_kwargs={"use_safetensors": True},
        )
        # In bf16 the last product would leave three digits, and ties where there are none.
        modules = self._model.named_modules()
        last = [name for name, one in modules if type(one) is torch.nn.Linear and one.out_features == 1]
        self._model.set_keep_in_fp32_modules(last)
        self.max_tokens = int(self._model.max_seq_length)

    def score(self, question: str, texts: Sequence[str]) -> tuple[Scores, int]:
        """See PairModel. (n,)."""
        pairs = [(question, text) for text in texts]
        whole = self._model.tokenizer([question] * len(texts), list(texts), truncation=False, verbose=False)
        unread = sum(len(tokens) > self.max_tokens for tokens in whole["input_ids"])
        with self._fast():
            found = self._model.predict(pairs, batch_size=len(pairs), show_progress_bar=False)
        return found.astype("float64"), unread


def open_reranker(settings: Settings) -> Reranker | None:
    """The reranker that the settings name, its model on the way, or None where they name none.

    Raises EncoderUnavailable when it cannot be found or trusted.
    """
    if settings.reranker is None:
        return None
    folder = find_reranker(settings.reranker)
    return Reranker(partial(CrossEncoderModel, folder), settings.rerank_timeout_s)
