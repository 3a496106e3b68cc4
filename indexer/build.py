"""Main path 1: files of articles -> a committed generation.

    read, split          articles.py, chunking.py -> staging.py
    encode               the journal first, then the encoder -> segment, lexical indexes
    commit               directory.py

Memory stays flat: articles lie in the staging file, vectors go to disk a window at a time.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from indexer.articles import Record, Rejected, Skipped, read_articles
from indexer.chunking import Chunking, embedded_text, split_article
from indexer.report import BuildReport
from indexer.staging import Staging
from passage_index import directory
from passage_index.dense import encode_stored
from passage_index.encoder import EmbeddedPassage, Encoder
from passage_index.errors import InputError, RecordsRejected
from passage_index.journal import Stored, VectorsJournal, journal_file
from passage_index.lexical import ANALYZER, ARTICLES, PASSAGES, LexicalWriter
from passage_index.manifest import Manifest
from passage_index.segment import SegmentRecord, SegmentWriter
from passage_index.types import Article, Passage

logger = logging.getLogger(__name__)

WINDOW_PASSAGES = 4096  # encoded together, so that equal lengths find each other

Progress = Callable[[str, int, int | None], None]  # stage, done, total if known
Split = tuple[Article, list[Passage]]


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How to build. `cache` holds the vectors journal; None encodes everything anew."""

    cache: Path | None = None
    strict: bool = False
    keep: int = 2
    chunking: Chunking = field(default_factory=Chunking)


def silent(_stage: str, _done: int, _total: int | None) -> None:
    """A Progress that shows nothing."""


def build(
    paths: Sequence[Path],
    index: Path,
    encoder: Encoder,
    options: BuildOptions | None = None,
    progress: Progress = silent,
) -> BuildReport:
    """Make a new generation of exactly the articles at `paths`, and commit it.

    Readers of an older generation are not disturbed. Nothing changes unless everything succeeded.
    Raises InputError, DuplicateArticle, RecordsRejected (strict), IndexLocked.
    """
    options = options or BuildOptions()
    chunking = _fitted(options.chunking, encoder)
    report = BuildReport()
    with directory.writer_lock(index), directory.new_generation(index) as folder:
        staging = Staging(folder / "staging.sqlite")
        _stage(read_articles(paths), staging, encoder, chunking, options.strict, report, progress)
        record, next_passage_no = _write(staging, folder, encoder, chunking, options, report, progress)
        staging.close()
        with report.timed("commit"):
            manifest = Manifest(
                generation=directory.next_generation(index),
                created_at=datetime.now(UTC).isoformat(timespec="seconds"),
                encoder=encoder.identity,
                chunking=asdict(chunking),
                analyzer=ANALYZER,
                segments=(record,),
                next_passage_no=next_passage_no,
                next_segment=2,
                build=report.to_json(),
            )
            directory.commit(index, folder, manifest, options.keep)
    return report


def _fitted(chunking: Chunking, encoder: Encoder) -> Chunking:
    """The chunking with this encoder's token limit."""
    return Chunking(**{**asdict(chunking), "max_tokens": encoder.identity.max_tokens})


def _stage(
    found: Iterable[Record | Rejected | Skipped],
    staging: Staging,
    encoder: Encoder,
    chunking: Chunking,
    strict: bool,
    report: BuildReport,
    progress: Progress,
) -> None:
    """Read and split every article; reject what cannot be indexed."""
    with report.timed("read and split"):
        for one in found:
            if isinstance(one, Skipped):
                report.skipped += 1
            elif isinstance(one, Rejected):
                place = one.path if one.line is None else f"{one.path}:{one.line}"
                line = report.reject(place, one.reason)
                logger.warning(line)
                if strict:
                    raise RecordsRejected(f"{line}; mend it, or build without --strict to go on past it")
            else:
                _stage_article(one.article, staging, encoder, chunking, report)
                progress("read and split", report.articles, None)
        report.duplicates = staging.repeated_texts()
    if report.articles == 0:
        raise InputError(
            f"no article could be indexed ({report.rejected} records rejected, {report.skipped} files passed over); "
            f"the index is as it was"
        )


def _stage_article(
    article: Article, staging: Staging, encoder: Encoder, chunking: Chunking, report: BuildReport
) -> None:
    split = split_article(
        article, encoder.count_tokens, chunking, encoder.special_tokens, encoder.identity.passage_prefix
    )
    staging.add(article, split.passages)
    report.articles += 1
    report.passages += len(split.passages)
    report.sentences += sum(len(passage.sentences) for passage in split.passages)
    report.tokens += sum(split.tokens)
    report.cut_sentences += split.cut_sentences
    report.undated += article.published is None
    report.languages[article.language or "unknown"] += 1


def _write(
    staging: Staging,
    folder: Path,
    encoder: Encoder,
    chunking: Chunking,
    options: BuildOptions,
    report: BuildReport,
    progress: Progress,
) -> tuple[SegmentRecord, int]:
    """Encode in row order and write the segment and the lexical indexes."""
    segment = SegmentWriter(folder / directory.SEGMENTS / "000001", first_passage_no=0)
    passages = LexicalWriter(folder / directory.LEXICAL / PASSAGES)
    articles = LexicalWriter(folder / directory.LEXICAL / ARTICLES)
    cache = options.cache or folder / "journal"
    done = 0
    with VectorsJournal(journal_file(cache, encoder.identity), encoder.identity) as journal:
        for window in _windows(staging.in_row_order()):
            vectors = _vectors(window, encoder, journal, chunking, report)
            with report.timed("write"):
                for (article, parts), stored in zip(window, vectors, strict=True):
                    first = segment.next_passage_no
                    segment.add(article, parts, stored)
                    articles.add(first, article.title, article.text)
                    for number, passage in enumerate(parts, start=first):
                        passages.add(number, article.title, article.text[passage.start : passage.end])
            done += sum(len(parts) for _, parts in window)
            progress("encode", done, report.passages)
    with report.timed("write"):
        passages.close()
        articles.close()
        return segment.close(), segment.next_passage_no


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


def _vectors(
    window: list[Split], encoder: Encoder, journal: VectorsJournal, chunking: Chunking, report: BuildReport
) -> list[list[Stored]]:
    """The stored vectors of every passage of a window, by article: the journal's, or encoded now."""
    embedded = [
        embedded_passage(article, passage, chunking) for article, parts in window for passage in parts
    ]
    keys = [journal.key(one) for one in embedded]
    stored = [journal.get(key) for key in keys]
    missing = [i for i, one in enumerate(stored) if one is None]
    report.resumed += len(stored) - len(missing)
    with report.timed("encode"):
        for i, vectors in zip(missing, encoder.encode_passages([embedded[i] for i in missing]), strict=True):
            new = stored[i] = encode_stored(vectors)
            journal.put(keys[i], new)
    journal.flush()
    whole = iter(one for one in stored if one is not None)
    return [list(islice(whole, len(parts))) for _, parts in window]


def embedded_passage(article: Article, passage: Passage, chunking: Chunking) -> EmbeddedPassage:
    """What the encoder reads of a passage, with the passage's sentences in it."""
    text, offset = embedded_text(article, passage.start, passage.end, chunking)
    shift = offset - passage.start
    return EmbeddedPassage(text, tuple((start + shift, end + shift) for start, end in passage.sentences))
