"""Encoding: passages a second beside sentence-transformers' own `encode`, and beside the processor itself.

Both encode the same passages in turn, in one process; a speed-up counts only at the same output, so the
worst cosine of a pair of vectors is given with it. How much of the processor the bare encoder reaches is
the operations of its matrix products a second, beside those of one large product in the same precision.
"""

import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from indexer.articles import Record, read_articles
from indexer.chunking import Chunking, split_article
from indexer.write import embedded_passage
from passage_index.encoder import EmbeddedPassage
from passage_index.model_files import find_model
from passage_index.transformer import TransformerEncoder

SIDE = 4096  # of the large product's matrices


def passages_of(articles: Path, encoder: TransformerEncoder, count: int) -> list[EmbeddedPassage]:
    """The first `count` passages, as the indexer makes them."""
    chunking = Chunking(max_tokens=encoder.identity.max_tokens)
    found: list[EmbeddedPassage] = []
    for record in read_articles([articles]):
        if isinstance(record, Record):
            parts = split_article(record.article, encoder.count_tokens, chunking).passages
            found += [embedded_passage(record.article, part, chunking) for part in parts]
        if len(found) >= count:
            break
    return found[:count]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """(seconds, result)."""
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def compare(
    passages: Sequence[EmbeddedPassage], encoder: TransformerEncoder, model: Path, rounds: int
) -> dict[str, Any]:
    """Encode in turn; rates, their ratio, cosines, and the bare encoder in each round as well."""
    from sentence_transformers import SentenceTransformer

    peer = SentenceTransformer(str(model), device="cpu", local_files_only=True)
    texts, precision = [passage.text for passage in passages], getattr(encoder.runtime, "precision", "")
    encoder.encode_passages(passages[:64])
    peer.encode(texts[:64])
    spent: dict[str, list[float]] = {"ours": [], "peer": [], "bare": [], "product": []}
    for number in range(rounds):
        seconds, ours = timed(lambda: encoder.encode_passages(passages))
        spent["ours"].append(seconds)
        seconds, theirs = timed(lambda: peer.encode(texts, show_progress_bar=False))
        spent["peer"].append(seconds)
        spent["bare"].append(bare(encoder, texts))
        spent["product"].append(large_product(precision))
        rates = ", ".join(f"{name} {len(texts) / spent[name][-1]:.1f}/s" for name in ("ours", "peer"))
        print(f"encoding, round {number + 1}: {rates}", flush=True)
    cosines = np.einsum("nd,nd->n", np.stack([one.vector for one in ours]), theirs)
    middle = {name: statistics.median(seconds) for name, seconds in spent.items()}
    lengths = [one + encoder.special_tokens for one in encoder.count_tokens(texts)]
    reached = operations(lengths, model) / middle["bare"] / 1e9
    able = 2 * SIDE**3 / middle["product"] / 1e9
    return {
        "passages": len(texts),
        "tokens_per_passage": round(statistics.mean(lengths), 1),
        "ours_per_s": round(len(texts) / middle["ours"], 1),
        "sentence_transformers_per_s": round(len(texts) / middle["peer"], 1),
        "ratio": round(middle["peer"] / middle["ours"], 2),
        "cosine_worst": round(float(cosines.min()), 6),
        "cosine_mean": round(float(cosines.mean()), 6),
        "precision": precision,
        "bare_per_s": round(len(texts) / middle["bare"], 1),
        "bare_gflops": round(reached),
        "product_gflops": round(able),
        "share_of_product": round(reached / able, 3),
    }


def bare(encoder: TransformerEncoder, texts: Sequence[str]) -> float:
    """Seconds of the runtime alone over these texts: no tokeniser, no pooling."""
    batches = list(encoder._batches(encoder._tokenizer.encode_batch(list(texts))))
    return timed(lambda: encoder.runtime.run(iter(batches), lambda _states, _positions: None))[0]


def large_product(precision: str) -> float:
    """Seconds of one product of two SIDE x SIDE matrices on all cores: the best of a few.

    precision: the encoder's. In bf16 it takes minutes on a processor that does not have it.
    """
    import torch

    torch.set_num_threads(os.cpu_count() or 1)
    one = torch.ones((SIDE, SIDE), dtype=torch.bfloat16 if precision == "bf16" else torch.float32)
    return min(timed(lambda: torch.mm(one, one))[0] for _ in range(5))


def operations(lengths: Sequence[int], model: Path) -> float:
    """Multiplications and additions in the matrix products of a BERT-like encoder over texts of these tokens.

    A layer and token: four projections and two of the inner layer, 2 operations a weight, and 4 * tokens
    * width for the attention.
    """
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    layers, width = config["num_hidden_layers"], config["hidden_size"]
    weights = 4 * width * width + 2 * width * config["intermediate_size"]
    return float(sum(layers * tokens * (2 * weights + 4 * tokens * width) for tokens in lengths))


def model_folder(name: str) -> Path:
    """The folder of the model that an index or encoder names."""
    return find_model(name).folder
