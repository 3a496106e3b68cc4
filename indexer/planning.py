"""What an index of some files will take, before any work: articles, passages, disk, memory, time, latency.

    a sample is read and split            sample.py, intake.py
    its passages are written, unencoded   -> bytes and seconds a passage, on this machine
    about 200 of them are encoded         -> passages a second, memory (trial.py)
    the small index is asked              -> milliseconds a question

What grows slower than the number of passages (words) or faster is said where it is computed.
PATHs, encoder -> Plan; Plan, the report of the build -> how far off it was
"""

import logging
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from indexer.chunking import Chunking, SplitArticle
from indexer.intake import Find, nowhere, split
from indexer.plans import Plan
from indexer.report import now
from indexer.sample import Stratum, sample
from indexer.trial import in_journal, ram_bytes, try_encoding
from indexer.write import Encoding, embedded_passage, fitted
from passage_index import commits, directory, ladder
from passage_index.columns import Where
from passage_index.dense import encode_stored, search_on_one_thread
from passage_index.encoder import Encoder, PassageVectors
from passage_index.lexical import ANALYZER, Words
from passage_index.lexical_writer import LexicalWriters
from passage_index.manifest import Manifest
from passage_index.passages import article_hash
from passage_index.segment import SegmentWriter
from passage_index.snapshot import Snapshot
from passage_index.types import Article

logger = logging.getLogger(__name__)

ENCODED = 200  # passages really encoded
QUESTIONS = 12  # asked of the small index
_BLOCK = 10  # passages of nearly equal length

# Measured on news, two cores; docs/growing.md says how.
_WORDS_GROWTH = -0.05  # power of the number of passages
_RAM_A_ROW = 430  # bytes while building: columns, tantivy's heap
_RAM_A_RECORD = 160  # of the journal's table
_RAM_GROWTH, _RAM_AT_MOST = (
    0.4,
    2.3,
)  # what encoding takes grows with the shapes met, and ends at so many times
_RAM_OF_A_SERVER = 350_000_000
_SERVED_A_ROW = 220  # bytes beside the vectors: columns and positions
_SCAN_MS = 2.0e-7  # of one dimension of one row
_CODES_MS = 8.0e-9  # the same where codes are scanned
_RESCORE_MS = 1.5  # and what they propose is scored
_STEP_S = 3.0e-5  # of one row, to make its codes and to measure their recall
_WORDS_MS = 4.5e-6  # of one row


def plan(
    paths: Sequence[Path],
    encoder: Encoder,
    cache: Path,
    chunking: Chunking | None = None,
    find: Find = nowhere,
) -> Plan:
    """What an index of the articles at `paths` will take. Takes seconds, whatever their number.

    chunking: of the index to be; the default one is taken if not given. find: looks an article up in
    the index they are to be added to; what stands there unchanged takes nothing. Raises InputError.
    """
    encoding = Encoding(encoder, fitted(chunking or Chunking(), encoder))
    begun = time.perf_counter()
    strata = sample(paths)
    drawn = [_split(_new(stratum, find), encoding) for stratum in strata]
    articles = sum(one.stratum.stands_for for one in drawn)
    passages = sum(one.passages for one in drawn)
    read_s = sum(one.passages / max(one.sampled, 1) * one.seconds for one in drawn)
    chosen = [
        embedded_passage(article, parts.passages[i], encoding.chunking)
        for article, parts, i in _chosen(drawn)
    ]
    trial = try_encoding(chosen, encoder)
    with tempfile.TemporaryDirectory(prefix="indexer-plan-") as folder:
        small = _write_small(drawn, Path(folder), encoding)
    ram = ram_bytes() - trial.ram_bytes
    known, records = in_journal(chosen, encoder, cache)
    logger.info("planned in %.1f s", time.perf_counter() - begun)
    rows, dim, to_encode = passages, encoder.identity.dim, passages * (1 - known)
    ram += trial.ram_of(to_encode) + round(rows * _RAM_A_ROW + (records + to_encode) * _RAM_A_RECORD)
    encode_s, quiet_s = (to_encode / rate for rate in (trial.passages_per_s, trial.quiet_per_s))
    coded = ladder.steps_for(round(rows), dim)[0] != ladder.EXACT
    search_bytes = ladder.code_bytes(round(rows), dim)
    build_s = read_s + encode_s + rows * (small.write_s + (_STEP_S if coded else 0.0))
    return Plan(
        made_at=now(),
        articles=round(articles),
        unchanged=round(sum(one.stands_for for one in strata) - articles),
        passages=round(passages),
        index_bytes=round(
            rows * small.segment_bytes + _words_bytes(rows, small) + (search_bytes if coded else 0)
        ),
        build_s=round(build_s, 1),
        quiet_s=round(build_s - encode_s + quiet_s, 1),
        encode_s=round(encode_s, 1),
        build_ram_bytes=ram,
        serve_ram_bytes=_RAM_OF_A_SERVER + search_bytes + round(rows * _SERVED_A_ROW),
        query_ms=round(small.query_ms + _dense_ms(rows, dim, coded) + rows * _WORDS_MS, 1),
        passages_per_s=round(trial.passages_per_s, 1),
        in_journal=round(known, 3),
        sampled_articles=sum(len(one.stratum.articles) for one in drawn),
        sampled_passages=sum(one.sampled for one in drawn),
    )


def _dense_ms(rows: float, dim: int, coded: bool) -> float:
    return rows * dim * _CODES_MS + _RESCORE_MS if coded else rows * dim * _SCAN_MS


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A stratum, split."""

    stratum: Stratum
    parts: list[SplitArticle]
    sampled: int  # passages of the sampled articles
    passages: float  # of all it stands for
    seconds: float  # to read and split the sampled ones


def _new(stratum: Stratum, find: Find) -> Stratum:
    """What of a stratum does not stand in the index as it is."""
    new = []
    for article in stratum.articles:
        standing = find(article.id)
        if standing is None or standing.hash != article_hash(article):
            new.append(article)
    share = len(new) / max(len(stratum.articles), 1)
    return Stratum(new, stratum.stands_for * share, stratum.seconds)


def _split(stratum: Stratum, encoding: Encoding) -> _Drawn:
    begun = time.perf_counter()
    parts = [split(article, encoding) for article in stratum.articles]
    seconds = stratum.seconds + time.perf_counter() - begun
    sampled = sum(len(part.passages) for part in parts)
    whole = sampled * stratum.stands_for / max(len(stratum.articles), 1)
    return _Drawn(stratum, parts, sampled, whole, seconds)


def _chosen(drawn: list[_Drawn]) -> list[tuple[Article, SplitArticle, int]]:
    """(article, its parts, which passage) of about ENCODED passages, each stratum by its weight.

    Blocks of neighbours by length: a build finds many passages of equal length to encode together.
    """
    out = []
    total = sum(one.passages for one in drawn) or 1.0
    for one in drawn:
        pairs = zip(one.stratum.articles, one.parts, strict=True)
        every = [(article, parts, i) for article, parts in pairs for i in range(len(parts.passages))]
        every.sort(key=lambda entry: entry[1].tokens[entry[2]])
        blocks = max(round(ENCODED / _BLOCK * one.passages / total), 1)
        starts = np.linspace(0, max(len(every) - _BLOCK, 0), blocks + 2)[1:-1].round().astype(int)
        chosen = sorted({i for start in starts for i in range(start, min(start + _BLOCK, len(every)))})
        out += [every[i] for i in chosen]
    return out


@dataclass(frozen=True, slots=True)
class _Small:
    """What the sample's passages took, each."""

    passages: int
    segment_bytes: float
    words_bytes: float
    write_s: float
    query_ms: float  # of a question, in an index of `passages`


def _write_small(drawn: list[_Drawn], index: Path, encoding: Encoding) -> _Small:
    """A whole index of the sample, its vectors made up: what is written and asked costs the same."""
    begun = time.perf_counter()
    folder = index / directory.WRITING
    dim = encoding.encoder.identity.dim
    dice = np.random.default_rng(0)
    words = LexicalWriters(folder / directory.LEXICAL)
    pairs = [pair for one in drawn for pair in zip(one.stratum.articles, one.parts, strict=True)]
    pairs = list({article.id: (article, parts) for article, parts in pairs if parts.passages}.values())
    number = 0
    with SegmentWriter(folder / directory.SEGMENTS / "000001") as writer:
        for article, parts in pairs:
            made_up = [dice.normal(size=(1 + len(one.sentences), dim)) for one in parts.passages]
            vectors = [
                encode_stored(PassageVectors(one[0].astype("f4"), one[1:].astype("f4"))) for one in made_up
            ]
            writer.add(article, parts.passages, vectors, number)
            words.add(article, parts.passages, number)
            number += len(parts.passages)
        record = writer.close()
    words.close()
    seconds = time.perf_counter() - begun
    manifest = Manifest(
        0, now(), encoding.encoder.identity, asdict(encoding.chunking), ANALYZER, (record,), number, 2
    )
    committed = commits.commit(index, folder, manifest)
    sizes = {name: record.size for name, record in committed.manifest.files.items()}
    lexical = sum(size for name, size in sizes.items() if name.startswith(directory.LEXICAL))
    rows = max(number, 1)
    return _Small(
        number,
        (sum(sizes.values()) - lexical) / rows,
        lexical / rows,
        seconds / rows,
        _ask(index, committed, encoding.encoder, [article for article, _ in pairs]),
    )


def _ask(index: Path, generation: directory.Generation, encoder: Encoder, articles: list[Article]) -> float:
    """Median milliseconds of a question to the small index, its encoding included.

    Ranking and texts are left out; an encoder set up for many passages at once makes up for them.
    """
    search_on_one_thread()
    questions = [article.text[:80] for article in articles[:QUESTIONS]]
    spent = []
    with closing(Snapshot(index, generation)) as snapshot:
        for question in questions:
            begun = time.perf_counter()
            vector = encoder.encode_questions([question])[0]
            terms = tuple(dict.fromkeys(snapshot.lexical.terms(question)))[:8]
            snapshot.pool(vector, Words(terms), Where(), depth=200)
            spent.append(time.perf_counter() - begun)
    return float(np.median(spent)) * 1000 if spent else 0.0


def _words_bytes(rows: float, small: _Small) -> float:
    """The word indexes grow slower than the passages: a word's first occurrence costs more than its next."""
    return rows * small.words_bytes * max(rows / max(small.passages, 1), 1.0) ** _WORDS_GROWTH
