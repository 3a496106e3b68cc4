"""Indexing: a whole build of ours beside txtai over the same passages' texts with the same model.

Ours reads and splits articles, encodes passages and sentences, writes texts, vectors, words and columns,
and commits, without a vector from the journal. txtai gets the finished passages, encodes them, writes
texts, vectors and words, and saves. articles -> {"ours_per_s", "txtai_per_s", "ratio", ...}
"""

import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.held_out import written_articles
from bench.peers import Peer, PeerFailed, reported
from bench.scale import stored_vectors
from indexer.articles import Record, read_articles
from indexer.build import BuildOptions, build
from indexer.chunking import Chunking, split_article
from indexer.living import LivingArticles
from indexer.write import embedded_passage
from passage_index import directory
from passage_index.dense import from_bf16
from passage_index.directory import Generation
from passage_index.errors import InputError
from passage_index.rows import read_deleted
from passage_index.transformer import TransformerEncoder

SAMPLE = 200  # passages whose vectors are compared
LEAST_COSINE = 0.999


def first_articles(source: Path, encoder: TransformerEncoder, passages: int, file: Path) -> Path:
    """The first articles of `source` that make so many passages together, as a file of their own."""
    chunking, found, made = Chunking(max_tokens=encoder.identity.max_tokens), [], 0
    for record in read_articles([source]):
        if isinstance(record, Record):
            made += len(split_article(record.article, encoder.count_tokens, chunking).passages)
            found.append(record.article)
        if made >= passages:
            break
    return written_articles(file, found)


def built(articles: Path, folder: Path, encoder: TransformerEncoder) -> dict[str, Any]:
    """Our build into `folder`/index, every vector made anew: seconds, passages, and what went into stages."""
    folder.mkdir(parents=True)
    begun = time.perf_counter()
    report = build([articles], folder / "index", encoder, BuildOptions(cache=folder / "cache"))
    seconds = time.perf_counter() - begun
    return {
        "seconds": seconds,
        "passages": report.passages,
        "per_s": report.passages / seconds,
        "encoder_share": report.encoder_s / seconds,
        "stages": {stage: round(spent, 2) for stage, spent in report.seconds.items()},
    }


@dataclass(frozen=True, slots=True)
class Exported:
    """The passages of an index as files, in one order: texts as the encoder reads them, and vectors."""

    passages: Path  # {"id", "text"} a line
    vectors: Path  # (n, dim) float32
    count: int


def exported(index: Path, folder: Path) -> Exported:
    """All passages of an index of one segment that has nothing deleted. Raises InputError."""
    generation = directory.current(index)
    segments = len(generation.manifest.segments)
    if segments != 1 or len(read_deleted(generation.folder / directory.DELETED)):
        raise InputError(
            f"{index} has {segments} segments, or deleted articles; one segment of living ones is needed: "
            f"run `indexer merge --index {index}` first"
        )
    texts, vectors, count = folder / "passages.jsonl", folder / "vectors.npy", 0
    with texts.open("w", encoding="utf-8") as lines:
        for passage_id, text in passages_of(generation):
            lines.write(json.dumps({"id": passage_id, "text": text}, ensure_ascii=False) + "\n")
            count += 1
    np.save(vectors, from_bf16(np.asarray(stored_vectors(index).codes)), allow_pickle=False)
    return Exported(texts, vectors, count)


def passages_of(generation: Generation) -> Iterator[tuple[str, str]]:
    """(id, what the encoder reads) of every passage, in row order."""
    chunking = Chunking(**generation.manifest.chunking)
    with LivingArticles(generation) as living:
        for article, passages in living.articles():
            for passage in passages:
                yield passage.id, embedded_passage(article, passage, chunking).text


def cosines(txtai: Peer, given: Exported) -> dict[str, float]:
    """Of txtai's own vectors to ours, over a sample; raises PeerFailed where they are not the same."""
    vectors = np.load(given.vectors, mmap_mode="r", allow_pickle=False)
    rows = np.random.default_rng(1).permutation(len(vectors))[:SAMPLE]
    lines = given.passages.read_text(encoding="utf-8").splitlines()
    theirs = np.array(txtai.ask("encode", texts=[json.loads(lines[row])["text"] for row in rows])["vectors"])
    ours = vectors[rows] / np.linalg.norm(vectors[rows], axis=1, keepdims=True)
    each = np.einsum("nd,nd->n", ours, theirs / np.linalg.norm(theirs, axis=1, keepdims=True))
    if float(each.min()) < LEAST_COSINE:
        raise PeerFailed(f"txtai's vectors are others than ours: a cosine of {each.min():.4f}")
    return {"cosine_worst": round(float(each.min()), 6), "cosine_mean": round(float(each.mean()), 6)}


def compare(
    articles: Path, folder: Path, encoder: TransformerEncoder, txtai: Peer | None, failed: dict[str, str],
    rounds: int,
) -> dict[str, Any]:  # fmt: skip
    """Build in turn; passages a second of both and their ratio. The last round's indexes stay in `folder`.

    Without txtai's figures, and with the reason in `failed`, where it is None or fails.
    """
    ours: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    same: dict[str, float] = {}
    for number in range(rounds):
        here = folder / str(number)
        ours.append(built(articles, here, encoder))
        print(f"indexing, round {number + 1}: ours {ours[-1]['per_s']:.1f}/s", flush=True)
        if txtai and "txtai" not in failed:
            with reported(failed, "txtai"):
                given = exported(here / "index", here)
                done = txtai.ask("index", passages=str(given.passages), folder=str(here / "txtai"))
                same = same or cosines(txtai, given)
                theirs.append(done)
                rate = done["passages"] / done["seconds"]
                print(f"indexing, round {number + 1}: txtai {rate:.1f}/s", flush=True)
    (folder / str(rounds - 1)).rename(folder / "last")
    return {**figures(ours, theirs), **same}


def figures(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians of the rounds; without txtai's where it did not run."""
    rate = statistics.median(one["per_s"] for one in ours)
    out = {
        "passages": ours[0]["passages"],
        "rounds": len(ours),
        "ours_per_s": round(rate, 1),
        "encoder_share": round(statistics.median(one["encoder_share"] for one in ours), 3),
        "stages_s": ours[-1]["stages"],
    }
    if theirs:
        peer = statistics.median(one["passages"] / one["seconds"] for one in theirs)
        out |= {"txtai_per_s": round(peer, 1), "ratio": round(rate / peer, 2)}
    return out
