"""Shards -> one committed generation on this machine, with nothing encoded again.

Knows nothing of Ray. The vectors go to a journal of this run's own, from which they are taken in row
order, as those of any build are.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from indexer.build import commit_staged
from indexer.cluster.encoding import ShardRecord
from indexer.cluster.shards import MEND, ShardArticle, read_shard, shard_file
from indexer.report import Progress
from indexer.staging import Staging
from indexer.write import Encoding, Run, embedded_passage
from passage_index.errors import CorruptIndex
from passage_index.journal import VectorsJournal


def gather(
    shards: Sequence[ShardRecord], folder: Path, encoding: Encoding, index: Path, scratch: Path, run: Run
) -> None:
    """Make a generation of exactly the articles in the shards, and commit it. Under the writer's lock.

    folder: of the shards; scratch: of the new generation. The report has been told what was read.
    Raises CorruptIndex where a shard is not what it was when it was written, WriteFailed.
    """
    run = replace(run, journal=scratch / "vectors.journal")
    assert run.journal is not None
    staging = Staging(scratch / "staging.sqlite")
    done, total = 0, sum(one.passages for one in shards)
    with run.report.timed("gather"):
        with VectorsJournal(run.journal, encoding.encoder.identity) as journal:
            for record in shards:
                for one in whole_shard(record, folder):
                    staging.add(one.article, one.passages)
                    _keep(one, journal, encoding)
                done += record.passages
                run.progress("gather", done, total)
            journal.flush()
        run.report.duplicates = staging.repeated_texts()
    run.report.resumed -= total  # writing will take all of them for what an earlier run encoded
    commit_staged(index, scratch, staging, encoding, replace(run, progress=_renamed(run.progress)), "build")


def whole_shard(record: ShardRecord, folder: Path) -> list[ShardArticle]:
    """The articles of a shard. Raises CorruptIndex unless its bytes are those that the record names."""
    file = shard_file(folder, record.name)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CorruptIndex(f"the shard {file} cannot be read: {error.strerror}; {MEND}") from error
    if hashlib.sha256(content).hexdigest() != record.sha256:
        raise CorruptIndex(f"the shard {file} is not what was written: its SHA-256 differs; {MEND}")
    return read_shard(file, content)


def _keep(one: ShardArticle, journal: VectorsJournal, encoding: Encoding) -> None:
    for passage, stored in zip(one.passages, one.vectors or (), strict=True):
        journal.put(journal.key(embedded_passage(one.article, passage, encoding.chunking)), stored)


def _renamed(progress: Progress) -> Progress:
    """What write.py calls `encode` is writing here; the encoding has had its own line."""
    return lambda stage, done, total: progress("write" if stage == "encode" else stage, done, total)
