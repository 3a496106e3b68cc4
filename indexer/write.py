"""Split articles -> a sealed segment -> the word indexes: the one path that build, add and merge share.

    staged articles in row order    the vectors journal first, then the encoder
    -> write_segment                texts, vectors, columns
    -> write_words                  tantivy, from the texts that were stored

Memory stays flat: articles lie in the staging file, vectors go to disk a window at a time. Commits nothing.
"""

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

from indexer.chunking import Chunking, embedded_text
from indexer.coverage import Coverage, Outcome
from indexer.report import BuildReport, Progress, silent
from indexer.staging import Staging
from passage_index.dense import encode_stored
from passage_index.encoder import EmbeddedPassage, Encoder
from passage_index.journal import Stored, VectorsJournal, journal_file
from passage_index.lexical_writer import LexicalWriters
from passage_index.segment import Segment, SegmentRecord, SegmentWriter
from passage_index.types import Article, Passage

logger = logging.getLogger(__name__)

WORTH_READING = 6_000_000  # bytes of a journal that are read through while one passage is encoded
WINDOW_PASSAGES = 1024  # encoded together, so that equal lengths meet; the most a crash can lose

Split = tuple[Article, list[Passage]]


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How to write. `cache` holds the vectors journal and which files were checked; None forgets both.

    chunking: of a new index; one that grows keeps its own. merge: by the policy, in the same commit.
    """

    cache: Path | None = None
    strict: bool = False
    keep: int = 2
    merge: bool = True
    coverage: Coverage | None = None
    chunking: Chunking = field(default_factory=Chunking)


@dataclass(frozen=True, slots=True)
class Run:
    """What every run of the writer is given, and where it reports to.

    journal: one that was filled for this run; it is read instead of the cache's, and goes with the run.
    """

    options: BuildOptions
    report: BuildReport = field(default_factory=BuildReport)
    progress: Progress = silent
    journal: Path | None = None

    def note(self, one: Outcome, text: str = "") -> None:
        """Write what became of a file or record into the coverage report, if there is one."""
        if self.options.coverage is not None:
            self.options.coverage.note(one, text)


@dataclass(frozen=True, slots=True)
class Encoding:
    """What makes passages and vectors of articles; the same for all of an index."""

    encoder: Encoder
    chunking: Chunking


def fitted(chunking: Chunking, encoder: Encoder) -> Chunking:
    """The chunking with this encoder's token limit."""
    return Chunking(**{**asdict(chunking), "max_tokens": encoder.identity.max_tokens})


def write_segment(
    staging: Staging, folder: Path, first_number: int, encoding: Encoding, run: Run
) -> SegmentRecord:
    """Encode what is staged, in row order, and seal it as a segment.

    Passages are numbered from `first_number` on, in row order.
    """
    done = 0
    with SegmentWriter(folder) as segment, _journal(folder, encoding, run) as journal:
        for window in _windows(staging.in_row_order()):
            with run.report.timed("encode"):
                vectors, encoded = stored_vectors(window, journal, encoding, run.report)
            run.report.resumed += sum(len(passages) for _, passages in window) - encoded
            with run.report.timed("write"):
                for (article, passages), stored in zip(window, vectors, strict=True):
                    segment.add(article, passages, stored, first_number + done)
                    done += len(passages)
            run.progress("encode", done, run.report.passages)
        with run.report.timed("write"):
            return segment.close()


@contextmanager
def _journal(folder: Path, encoding: Encoding, run: Run) -> Iterator[VectorsJournal]:
    """The journal in the cache; one that goes with the run without a cache, or where that costs less."""
    scratch = folder.with_name(f"{folder.name}.journal")
    identity = encoding.encoder.identity
    file = run.journal or journal_file(run.options.cache or scratch, identity)
    if run.journal is None and file.exists() and file.stat().st_size > run.report.passages * WORTH_READING:
        file = journal_file(scratch, identity)
    try:
        with VectorsJournal(file, identity) as journal:
            yield journal
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if run.journal is not None:
            run.journal.unlink(missing_ok=True)


def _windows(articles: Iterator[Split]) -> Iterator[list[Split]]:
    """Whole articles, about WINDOW_PASSAGES passages at a time."""
    window: list[Split] = []
    size = 0
    for article in articles:
        window.append(article)
        size += len(article[1])
        if size >= WINDOW_PASSAGES:
            yield window
            window, size = [], 0
    if window:
        yield window


def stored_vectors(
    window: list[Split], journal: VectorsJournal, encoding: Encoding, report: BuildReport
) -> tuple[list[list[Stored]], int]:
    """The stored vectors of every passage of a window, by article: the journal's, or encoded now.

    Of each passage (dim,) bf16, (sentences, dim) int8 and (sentences,) scales; and how many were encoded
    now. The report is told how long the encoder was busy.
    """
    embedded = [
        embedded_passage(article, passage, encoding.chunking)
        for article, parts in window
        for passage in parts
    ]
    keys = [journal.key(one) for one in embedded]
    stored = [journal.get(key) for key in keys]
    missing = [i for i, one in enumerate(stored) if one is None]
    begun_s = time.perf_counter()
    encoded = encoding.encoder.encode_passages([embedded[i] for i in missing])
    report.encoder_s += time.perf_counter() - begun_s
    for i, vectors in zip(missing, encoded, strict=True):
        new = stored[i] = encode_stored(vectors)
        journal.put(keys[i], new)
    journal.flush()
    whole = iter(one for one in stored if one is not None)
    return [list(islice(whole, len(parts))) for _, parts in window], len(missing)


def embedded_passage(article: Article, passage: Passage, chunking: Chunking) -> EmbeddedPassage:
    """What the encoder reads of a passage, with the passage's sentences in it."""
    text, offset = embedded_text(article, passage.start, passage.end, chunking)
    shift = offset - passage.start
    return EmbeddedPassage(text, tuple((start + shift, end + shift) for start, end in passage.sentences))


def write_words(words: LexicalWriters, segment: Segment, run: Run) -> None:
    """Add the texts of a sealed segment, all of it living, to the word indexes."""
    with run.report.timed("words"):
        row = 0
        for article, passages in segment.texts.articles():
            words.add(article, passages, int(segment.columns.passage_no[row]))
            row += len(passages)
            run.progress("words", row, segment.record.passages)
