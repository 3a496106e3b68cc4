"""What an index of some files will take, before any work: articles, passages, disk, memory, time, latency.

    a sample is read and split            sample.py, intake.py
    its passages are written, unencoded   -> bytes and seconds a passage, on this machine
    about 200 of them are encoded         -> passages a second
    the small index is asked              -> milliseconds a question

What grows slower than the number of passages (words) or faster is said where it is computed.
PATHs, encoder -> Plan; Plan, the report of the build -> how far off it was
"""

import logging
import resource
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
from indexer.write import Encoding, embedded_passage, fitted
from passage_index import commits, directory
from passage_index.columns import Where
from passage_index.dense import encode_stored, search_on_one_thread
from passage_index.encoder import Encoder, PassageVectors
from passage_index.journal import VectorsJournal, journal_file, key_of
from passage_index.lexical import ANALYZER, LexicalWriters, Words
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
_RAM_A_ROW = 900  # bytes while building: columns, the journal's table
_RAM_OF_A_BUILD = 250_000_000  # beside what planning has taken: tantivy's heaps, a window of vectors
_RAM_OF_A_SERVER = 350_000_000
_SERVED_A_ROW = 220  # bytes beside the vectors: columns and positions
_SCAN_MS = 2.0e-7  # of one dimension of one row
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
    encoded = _encode(_chosen(drawn), encoding, cache)
    with tempfile.TemporaryDirectory(prefix="indexer-plan-") as folder:
        small = _write_small(drawn, Path(folder), encoding)
    logger.info("planned in %.1f s", time.perf_counter() - begun)
    rows, dim = passages, encoder.identity.dim
    encode_s = passages * (1 - encoded.known) / encoded.passages_per_s
    return Plan(
        made_at=now(),
        articles=round(articles),
        unchanged=round(sum(one.stands_for for one in strata) - articles),
        passages=round(passages),
        index_bytes=round(rows * small.segment_bytes + _words_bytes(rows, small)),
        build_s=round(read_s + encode_s + rows * small.write_s, 1),
        encode_s=round(encode_s, 1),
        build_ram_bytes=_peak_ram() + round(rows * _RAM_A_ROW) + _RAM_OF_A_BUILD,
        serve_ram_bytes=_RAM_OF_A_SERVER + round(rows * (2 * dim + _SERVED_A_ROW)),
        query_ms=round(small.query_ms + rows * dim * _SCAN_MS + rows * _WORDS_MS, 1),
        passages_per_s=round(encoded.passages_per_s, 1),
        in_journal=round(encoded.known, 3),
        sampled_articles=sum(len(one.stratum.articles) for one in drawn),
        sampled_passages=sum(one.sampled for one in drawn),
    )


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
class _Encoded:
    passages_per_s: float
    known: float  # share of the passages that the journal has


def _encode(chosen: list[tuple[Article, SplitArticle, int]], encoding: Encoding, cache: Path) -> _Encoded:
    embedded = [
        embedded_passage(article, parts.passages[i], encoding.chunking) for article, parts, i in chosen
    ]
    if not embedded:
        return _Encoded(1.0, 0.0)
    file = journal_file(cache, encoding.encoder.identity)
    known = 0
    if file.exists():
        with VectorsJournal(file, encoding.encoder.identity) as journal:
            known = sum(journal.get(key_of(one)) is not None for one in embedded)
    encoding.encoder.encode_passages(embedded[:_BLOCK])  # the first call is slower than any other
    begun = time.perf_counter()
    encoding.encoder.encode_passages(embedded)
    return _Encoded(len(embedded) / (time.perf_counter() - begun), known / len(embedded))


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


def _peak_ram() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
