"""Main path 1: files of articles -> a committed generation of exactly these articles.

read, split          articles.py, chunking.py -> intake.py -> staging.py
encode               ahead.py, meanwhile: the journal first, then the encoder
write                write.py -> segment, word indexes
commit               passage_index/commits.py
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from indexer.ahead import Ahead
from indexer.articles import read_articles
from indexer.intake import nowhere, require_articles, take_in
from indexer.readers.records import Elsewhere
from indexer.report import BuildReport, Progress, now, silent
from indexer.space import require_space_for
from indexer.staging import Staging
from indexer.write import BuildOptions, Encoding, Run, fitted, write_segment, write_words
from passage_index import commits, directory
from passage_index.directory import Generation
from passage_index.encoder import Encoder
from passage_index.integrity import remember
from passage_index.lexical import ANALYZER
from passage_index.lexical_writer import LexicalWriters
from passage_index.manifest import Manifest
from passage_index.segment import Segment

__all__ = ["BuildOptions", "build"]


def build(
    paths: Sequence[Path],
    index: Path,
    encoder: Encoder,
    options: BuildOptions | None = None,
    progress: Progress = silent,
    elsewhere: Sequence[Elsewhere] = (),
) -> BuildReport:
    """Make a new generation of exactly the articles at `paths` and elsewhere, and commit it.

    Readers of an older generation are not disturbed. Nothing changes unless everything succeeded.
    Raises InputError, DuplicateArticle, RecordsRejected (strict), IndexLocked, WriteFailed.
    """
    options = options or BuildOptions()
    run = Run(options, BuildReport(), progress)
    encoding = Encoding(encoder, fitted(options.chunking, encoder))
    found = read_articles(paths, elsewhere)
    require_space_for(paths, index, encoder.identity.dim)
    with directory.writer_lock(index), commits.new_generation(index) as folder:
        staging = Staging(folder / "staging.sqlite")
        with Ahead(staging, encoding, run) as staged:
            take_in(found, staged, nowhere, encoding, run)
        require_articles(run.report)
        commit_staged(index, folder, staging, encoding, run, "build")
    return run.report


def commit_staged(
    index: Path, folder: Path, staging: Staging, encoding: Encoding, run: Run, command: str
) -> Generation:
    """A new generation of exactly what is staged, committed. Call under the writer's lock."""
    first_number, number = directory.free_numbers(index)
    target = folder / directory.SEGMENTS / directory.segment_name(number)
    record = write_segment(staging, target, first_number, encoding, run)
    staging.close()
    words = LexicalWriters(folder / directory.LEXICAL)
    with closing(Segment(target, record, encoding.encoder.identity.dim)) as segment:
        write_words(words, segment, run)
    with run.report.timed("words"):
        words.close()
    manifest = Manifest(
        generation=0,
        created_at=now(),
        encoder=encoding.encoder.identity,
        chunking=asdict(encoding.chunking),
        analyzer=ANALYZER,
        segments=(record,),
        next_passage_no=first_number + record.passages,
        next_segment=number + 1,
        build={**run.report.to_json(), "command": command},
    )
    with run.report.timed("commit"):
        committed = commits.commit(index, folder, manifest, run.options.keep)
        remember(committed, index, run.options.cache)
    run.report.generation = committed.manifest.generation
    return committed
