"""A small corpus of invented articles and the index made of it: what every fault is tried on.

    root/index      three generations were committed, two are kept; two segments and a tombstone
    root/cache      vectors journal and stamps
    root/*.jsonl    what the jobs read (jobs.py)

Every article holds a word of its own, so that a purge can be looked for in raw bytes.
"""

import json
import random
from pathlib import Path

from indexer.backup import backup
from indexer.build import BuildOptions, build
from indexer.growing import add, delete
from tests.fakes import FakeEncoder
from tests.growing import Record, record, written

_WORDS = (
    "river bridge harbour storm council lighthouse engineer repaired fell Tuesday ferry tide quay mason "
    "market school winter archive letter garden station signal cargo choir orchard mill"
).split()

FIRST, MORE, OTHER = range(24), range(24, 30), range(10, 40)
CHANGED, DELETED, PURGED = 3, 5, 7


def article(number: int, version: int = 1) -> Record:
    """An article as JSON lines have it: a pure function of its number and version."""
    dice = random.Random(f"{number} {version}")
    sentences = (" ".join(dice.choices(_WORDS, k=12)).capitalize() + "." for _ in range(dice.randint(3, 14)))
    text = f"Only the {own_word(number)} knew it in version {version}. " + " ".join(sentences)
    return record(number, text, f"2021-05-{number % 28 + 1:02}")


def own_word(number: int) -> str:
    """The word that stands in this article and nowhere else."""
    return f"quellworm{number:03}"


def make_world(root: Path) -> Path:
    """Write inputs, index, cache and backups below a new folder."""
    options = BuildOptions(cache=root / "cache")
    index, encoder = root / "index", FakeEncoder()
    inputs = {
        "first": [article(n) for n in FIRST],
        "grown": [article(n) for n in MORE],
        "more": [article(n) for n in range(30, 36)] + [article(CHANGED, 2), article(1)],
        "other": [article(n) for n in OTHER],
        "next": [article(90)],
    }
    for name, records in inputs.items():
        written(root / f"{name}.jsonl", records)
    folder = root / "watched"
    folder.mkdir()
    for number in (50, 51):
        (folder / f"{number}.txt").write_text(article(number)["text"], encoding="utf-8")
    build([root / "first.jsonl"], index, encoder, options)
    add([root / "grown.jsonl"], index, encoder, options)
    delete([f"a-{DELETED}"], index, options)
    backup(index, root / "backup")
    backup(index, root / "backup.tar")
    return root


def records_in(file: Path) -> list[Record]:
    """The articles of an input file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
