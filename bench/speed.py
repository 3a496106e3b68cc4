"""`make bench`: passages encoded a second, beside sentence-transformers' own encode on the same passages.

Both run in turn, several times, in one process on one machine; the figure is the ratio of medians. The
cosine of every pair of vectors is given with it, for a speed-up counts only at the same output.

    python -m bench.speed [ARTICLES] [--passages N] [--rounds N]
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from indexer.articles import Record, read_articles
from indexer.chunking import Chunking, split_article
from indexer.write import embedded_passage
from passage_index.encoder import EmbeddedPassage
from passage_index.model_files import find_model
from passage_index.transformer import TransformerEncoder, load_encoder

DEFAULT_ARTICLES = (Path("../shared/data/news/articles.jsonl.gz"), Path("corpus"))


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


def compare(passages: list[EmbeddedPassage], encoder: TransformerEncoder, rounds: int) -> dict[str, Any]:
    """Encode in turn; rates, their ratio and the worst cosine."""
    from sentence_transformers import SentenceTransformer

    peer = SentenceTransformer(
        str(find_model("all-MiniLM-L6-v2").folder), device="cpu", local_files_only=True
    )
    texts = [passage.text for passage in passages]
    encoder.encode_passages(passages[:64])
    peer.encode(texts[:64])
    ours_s, peer_s = [], []
    for number in range(rounds):
        seconds, ours = timed(lambda: encoder.encode_passages(passages))
        ours_s.append(seconds)
        seconds, theirs = timed(lambda: peer.encode(texts, show_progress_bar=False))
        peer_s.append(seconds)
        print(
            f"round {number + 1}: ours {len(texts) / ours_s[-1]:.1f}/s, peer {len(texts) / peer_s[-1]:.1f}/s"
        )
    cosines = np.einsum("nd,nd->n", np.stack([one.vector for one in ours]), theirs)
    ours_rate, peer_rate = (len(texts) / statistics.median(one) for one in (ours_s, peer_s))
    return {
        "passages": len(texts),
        "tokens_per_passage": round(statistics.mean(encoder.count_tokens(texts)) + encoder.special_tokens, 1),
        "ours_per_s": round(ours_rate, 1),
        "sentence_transformers_per_s": round(peer_rate, 1),
        "ratio": round(ours_rate / peer_rate, 2),
        "cosine_worst": round(float(cosines.min()), 6),
        "cosine_mean": round(float(cosines.mean()), 6),
    }


def main() -> None:
    """Print the figures and write bench/results/speed-<commit>.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("articles", nargs="?", type=Path)
    parser.add_argument("--passages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    articles = arguments.articles or next(path for path in DEFAULT_ARTICLES if path.exists())
    encoder = load_encoder(streams=os.cpu_count() or 1)
    figures = compare(passages_of(articles, encoder, arguments.passages), encoder, arguments.rounds)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True
    ).stdout.strip()
    figures |= {"cores": os.cpu_count(), "machine": platform.machine(), "commit": commit}
    print(json.dumps(figures, indent=1))
    out = Path(__file__).parent / "results" / f"speed-{commit or 'unknown'}.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
