"""Records on their way in: what is refused, what stands in the index already, what has to be split.

Reads and splits, numbers and encodes nothing. Records -> Staging and the articles that give way
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from indexer.articles import Record, Rejected, Skipped
from indexer.chunking import SplitArticle, split_article
from indexer.coverage import Outcome, is_empty
from indexer.living import LivingArticle
from indexer.report import REJECTED_KEPT, BuildReport
from indexer.write import Encoding, Run
from passage_index.errors import InputError, RecordsRejected
from passage_index.failpoints import failpoint
from passage_index.passages import article_hash
from passage_index.types import Article, Passage, PassageNos

logger = logging.getLogger(__name__)

Found = Record | Rejected | Skipped


class Staged(Protocol):
    """Where split articles wait for their rows: Staging, or Ahead before it."""

    def add(self, article: Article, passages: Sequence[Passage]) -> None:
        """Put an article there."""
        ...

    def repeated_texts(self) -> int:
        """How many have the text of another."""
        ...


Find = Callable[[str], LivingArticle | None]


def nowhere(_article_id: str) -> LivingArticle | None:
    """The Find of an index that holds nothing."""
    return None


@dataclass(frozen=True, slots=True)
class GivingWay:
    """Articles of the index that a new version replaces or that are deleted."""

    passages: dict[int, PassageNos] = field(default_factory=dict)  # by the number of the first one

    def add(self, article: LivingArticle) -> bool:
        """An article that gives way; False when it does already."""
        key = int(article.numbers[0])
        return self.passages.setdefault(key, article.numbers) is article.numbers

    def __len__(self) -> int:
        return len(self.passages)

    @property
    def numbers(self) -> PassageNos:
        """The numbers of all its passages, (n,), rising."""
        return np.sort(np.concatenate([np.empty(0, dtype=np.uint64), *self.passages.values()]))

    @property
    def article_keys(self) -> list[int]:
        """The number of each article's first passage."""
        return list(self.passages)


def take_in(found: Iterable[Found], staging: Staged, find: Find, encoding: Encoding, run: Run) -> GivingWay:
    """Split every article that is new or not as it stands in the index; reject what cannot be indexed.

    Raises RecordsRejected at the first rejected record when the run is strict.
    """
    giving_way = GivingWay()
    with run.report.timed("read and split"):
        for one in found:
            if isinstance(one, Skipped):
                run.report.skip(one.path, one.reason)
                run.note(Outcome(one.path, None, "skipped", one.reason))
            elif isinstance(one, Rejected):
                _reject(one, run)
            else:
                _take(one, staging, find(one.article.id), giving_way, encoding, run)
                run.progress("read and split", run.report.articles, None)
                failpoint("stage.article")
        run.report.duplicates = staging.repeated_texts()
    failpoint("stage.done")
    return giving_way


def _reject(one: Rejected, run: Run) -> None:
    place = one.path if one.line is None else f"{one.path}:{one.line}"
    line, is_told = run.report.reject(place, one.reason)
    if run.report.rejected == REJECTED_KEPT + 1:  # a file of nothing else must not take minutes to tell
        logger.warning("further rejected records are only counted; --report FILE lists them all")
    if is_told:
        logger.warning(line)
    run.note(Outcome(one.path, one.line, "empty" if is_empty(one.reason) else "rejected", one.reason))
    if run.options.strict:
        raise RecordsRejected(f"{line}; mend it, or run without --strict to go on past it")


def _take(
    record: Record,
    staging: Staged,
    standing: LivingArticle | None,
    giving_way: GivingWay,
    encoding: Encoding,
    run: Run,
) -> None:
    article, report = record.article, run.report
    if standing is not None and standing.hash == article_hash(article):
        report.unchanged += 1
        run.note(_outcome(record, "unchanged"), article.text)
        return
    parts = split(article, encoding)
    if not parts.passages:
        _reject(Rejected(record.path, record.line, "no sentence in its text"), run)
        return
    if standing is not None:
        giving_way.add(standing)
    report.added += standing is None
    report.replaced += standing is not None
    stage(article, parts, staging, report)
    run.note(_outcome(record, "replaced" if standing else "added", len(parts.passages)), article.text)


def _outcome(record: Record, outcome: str, passages: int = 0) -> Outcome:
    article = record.article
    return Outcome(
        record.path, record.line, outcome, "", article.id, article.title, passages, len(article.text)
    )


def split(article: Article, encoding: Encoding) -> SplitArticle:
    """The passages of an article, as this encoder reads them."""
    encoder = encoding.encoder
    return split_article(
        article,
        encoder.count_tokens,
        encoding.chunking,
        encoder.special_tokens,
        encoder.identity.passage_prefix,
    )


def stage(article: Article, parts: SplitArticle, staging: Staged, report: BuildReport) -> None:
    """Put a split article where it waits for its row, and count it."""
    staging.add(article, parts.passages)
    report.articles += 1
    report.passages += len(parts.passages)
    report.sentences += sum(len(passage.sentences) for passage in parts.passages)
    report.tokens += sum(parts.tokens)
    report.cut_sentences += parts.cut_sentences
    report.undated += article.published is None
    report.languages[article.language or "unknown"] += 1


def require_articles(report: BuildReport) -> None:
    """Raises InputError when nothing that was read can be indexed."""
    if report.articles + report.unchanged == 0:
        raise InputError(
            f"no article could be indexed ({report.rejected} records rejected, {report.skipped} files "
            f"passed over); the index is as it was"
        )
