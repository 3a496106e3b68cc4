"""The articles of an index, encoded by another model, as a new index beside the old one.

Texts come from the store, so the files they were read from are not needed. Passages stay as they are
where the new encoder reads as many tokens as the old one and no passage is too long for its
tokenizer; else the article is split again. INDEX, encoder -> NEWDIR
"""

from collections.abc import Mapping
from pathlib import Path

from indexer.build import commit_staged
from indexer.chunking import Chunking, SplitArticle
from indexer.intake import split, stage
from indexer.living import LivingArticles
from indexer.report import BuildReport, Progress, silent
from indexer.space import require_space
from indexer.staging import Staging
from indexer.write import BuildOptions, Encoding, Run, embedded_passage, fitted
from passage_index import commits, directory
from passage_index.dense import SENTENCES, VECTORS
from passage_index.encoder import Encoder
from passage_index.errors import InputError
from passage_index.integrity import require_whole, stamps_file
from passage_index.manifest import FileRecord
from passage_index.types import Article, Passage


def reembed(
    index: Path, encoder: Encoder, to: Path, options: BuildOptions | None = None, progress: Progress = silent
) -> BuildReport:
    """Make a new index of the living articles of `index` with another encoder.

    Raises InputError when `to` holds an index, NotFound, CorruptIndex, IndexLocked, WriteFailed.
    """
    options = options or BuildOptions()
    old = directory.current(index)
    if directory.holds_index(to):
        raise InputError(f"{to} holds an index already; give a new folder with --to")
    require_whole(old, index, stamps_file(options.cache, index) if options.cache else None)
    require_space(to, _bytes(old.manifest.files, old.manifest.encoder.dim, encoder.identity.dim))
    before = Chunking(**old.manifest.chunking)
    encoding = Encoding(encoder, fitted(before, encoder))
    run = Run(options, BuildReport(), progress)
    hold = directory.Hold(old)
    try:
        with directory.writer_lock(to), commits.new_generation(to) as folder:
            staging = Staging(folder / "staging.sqlite")
            with run.report.timed("read and split"), LivingArticles(old) as living:
                for article, passages in living.articles():
                    stage(article, _parts(article, passages, before, encoding), staging, run.report)
                    run.report.added += 1
                    progress("read and split", run.report.articles, old.manifest.articles)
                run.report.duplicates = staging.repeated_texts()
            commit_staged(to, folder, staging, encoding, run, "reembed")
    finally:
        hold.close()
    return run.report


def _bytes(files: Mapping[str, FileRecord], dim: int, new_dim: int) -> int:
    """About what the new index takes: vectors by their length, the rest as it was."""
    vectors = sum(record.size for name, record in files.items() if name.endswith((VECTORS, SENTENCES)))
    return sum(record.size for record in files.values()) - vectors + vectors * new_dim // dim


def _parts(article: Article, passages: list[Passage], before: Chunking, encoding: Encoding) -> SplitArticle:
    """The passages as they are where the new encoder reads each of them whole, else new ones."""
    encoder = encoding.encoder
    if encoding.chunking == before:
        prefix = encoder.identity.passage_prefix
        texts = [prefix + embedded_passage(article, one, encoding.chunking).text for one in passages]
        tokens = [count + encoder.special_tokens for count in encoder.count_tokens(texts)]
        if max(tokens, default=0) <= encoder.identity.max_tokens:
            return SplitArticle(passages, tokens, 0)
    return split(article, encoding)
