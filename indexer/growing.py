"""The index grows: articles added, replaced, deleted, merged; one call, one generation.

    records to take in, ids to delete
    -> intake.py, living.py         what is new, changed, unchanged, gone
    -> write.py                     the new ones, encoded, as a fresh segment
    -> sealing.py                   tombstones, merge by the policy, commit

Readers of an older generation are not disturbed, and nothing changes unless everything succeeded.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.ahead import Ahead
from indexer.articles import read_articles
from indexer.chunking import Chunking
from indexer.intake import Found, GivingWay, require_articles, take_in
from indexer.living import LivingArticles
from indexer.merging import due
from indexer.readers.records import Elsewhere
from indexer.report import BuildReport, Progress, silent
from indexer.sealing import Change, seal
from indexer.space import require_space_for
from indexer.staging import Staging
from indexer.write import BuildOptions, Encoding, Run, write_segment
from passage_index import commits, directory, ladder
from passage_index.directory import Generation
from passage_index.encoder import Encoder, require_same_encoder
from passage_index.integrity import require_whole, stamps_file
from passage_index.lexical import ANALYZER, PASSAGES, counted_records


@dataclass(frozen=True, slots=True)
class Wish:
    """What one commit is asked to do.

    deleted, watched: asked for after everything found was read; `watched` is a new watched.json or
    None. An article that was replaced is not deleted too.
    """

    command: str
    found: Iterable[Found] = ()
    deleted: Callable[[], Iterable[str]] = tuple
    watched: Callable[[], bytes | None] = lambda: None
    of: int | None = None  # the generation that was looked at; nothing is done when there is a newer one


def add(
    paths: Sequence[Path],
    index: Path,
    encoder: Encoder,
    options: BuildOptions | None = None,
    progress: Progress = silent,
    elsewhere: Sequence[Elsewhere] = (),
) -> BuildReport:
    """Take in the articles at `paths` and elsewhere: new ones are added, changed ones replaced.

    Raises NotFound (no index), EncoderMismatch, InputError, DuplicateArticle, RecordsRejected (strict),
    IndexLocked, CorruptIndex, WriteFailed; the index is then as it was.
    """
    options = options or BuildOptions()
    require_same_encoder(directory.current(index).manifest.encoder, encoder.identity)
    found = read_articles(paths, elsewhere)
    require_space_for(paths, index, encoder.identity.dim)
    run = Run(options, BuildReport(), progress)
    grow(index, Wish("add", found), run, encoder)
    require_articles(run.report)
    return run.report


def delete(
    article_ids: Sequence[str], index: Path, options: BuildOptions | None = None, progress: Progress = silent
) -> BuildReport:
    """Take articles out, by id. Needs no encoder. Ids of no article stand in the report's `unknown`."""
    directory.current(index)  # the lock would make a folder where there is no index
    run = Run(options or BuildOptions(), BuildReport(), progress)
    grow(index, Wish("delete", deleted=lambda: article_ids), run)
    return run.report


def merge(
    index: Path, options: BuildOptions | None = None, force: bool = False, progress: Progress = silent
) -> BuildReport:
    """Make one segment of all, without tombstones, and the word indexes anew. Needs no encoder.

    Commits nothing where there is nothing to gain, unless forced.
    """
    directory.current(index)  # the lock would make a folder where there is no index
    run = Run(options or BuildOptions(), BuildReport(), progress)
    with directory.writer_lock(index), commits.new_generation(index) as folder:
        base = _whole(index, run)
        if force or worth_merging(base):
            seal(index, folder, base, Change("merge", GivingWay(), merge_all=True), run)
    return run.report


def tidy(index: Path, options: BuildOptions, progress: Progress = silent) -> BuildReport:
    """Merge what the policy asks for, and nothing else; commits nothing where it asks for nothing."""
    run = Run(replace(options, merge=True), BuildReport(), progress)
    if asks_for_merge(directory.current(index)):
        with directory.writer_lock(index), commits.new_generation(index) as folder:
            base = _whole(index, run)
            if asks_for_merge(base):
                seal(index, folder, base, Change("merge", GivingWay()), run)
    return run.report


def asks_for_merge(base: Generation) -> bool:
    """Whether the policy would merge anything of a generation as it is."""
    manifest = base.manifest
    counted = counted_records(base.folder / directory.LEXICAL / PASSAGES)
    return bool(due(manifest.segments, manifest.deleted, *counted).names)


def worth_merging(base: Generation) -> bool:
    """Whether a full merge would change anything but passage order in memory."""
    manifest = base.manifest
    _, counted_deleted = counted_records(base.folder / directory.LEXICAL / PASSAGES)
    several = len(manifest.segments) > 1 or manifest.deleted > 0
    dim = manifest.encoder.dim
    slow = any(ladder.outgrown(one.dense, one.passages, dim) for one in manifest.segments)
    return several or slow or counted_deleted > 0 or manifest.analyzer != ANALYZER or not manifest.knows_words


def grow(index: Path, wish: Wish, run: Run, encoder: Encoder | None = None) -> Generation | None:
    """One commit of what is wished, or None when that changes nothing. Fills the run's report.

    encoder: the index's own; only a wish that takes nothing in can do without.
    """
    with directory.writer_lock(index), commits.new_generation(index) as folder:
        base = _whole(index, run)
        if wish.of not in (None, base.manifest.generation):
            return None
        staging, fresh = Staging(folder / "staging.sqlite"), None
        with LivingArticles(base) as living:
            giving_way = GivingWay()
            if encoder is not None:
                encoding = Encoding(encoder, Chunking(**base.manifest.chunking))
                with Ahead(staging, encoding, run) as staged:
                    giving_way = take_in(wish.found, staged, living.find, encoding, run)
            _delete(wish.deleted(), living, giving_way, run.report)
        watched = wish.watched()
        if encoder is not None and len(staging):
            target = folder / directory.SEGMENTS / directory.segment_name(base.manifest.next_segment)
            fresh = write_segment(staging, target, base.manifest.next_passage_no, encoding, run)
        staging.close()
        if fresh is None and not giving_way and watched is None:
            return None
        return seal(index, folder, base, Change(wish.command, giving_way, fresh, watched), run)


def _whole(index: Path, run: Run) -> Generation:
    """The current generation, its files checked: a new one must not be grown from damage.

    Its next numbers are those that no generation has used: after a rollback that is more than it knows.
    """
    base = directory.current(index)
    cache = run.options.cache
    with run.report.timed("check"):
        require_whole(base, index, stamps_file(cache, index) if cache else None)
    next_passage_no, next_segment = directory.free_numbers(index)
    manifest = replace(base.manifest, next_passage_no=next_passage_no, next_segment=next_segment)
    return Generation(base.folder, manifest)


def _delete(
    article_ids: Iterable[str], living: LivingArticles, giving_way: GivingWay, report: BuildReport
) -> None:
    for article_id in dict.fromkeys(article_ids):
        found = living.find(article_id)
        if found is None:
            report.unknown.append(article_id)
        elif giving_way.add(found):
            report.deleted += 1
