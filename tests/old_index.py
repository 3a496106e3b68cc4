"""Makes tests/data/index-v2, the newest of the indexes that every later version must open.

    python -m tests.old_index

Run it only while format 2 is in no release; afterwards the files are what they are, and a new format gets
a folder of its own. index-v1 was made in the same way by the version that wrote format 1.
"""

import shutil
from pathlib import Path

import pytest

from indexer.build import BuildOptions, build
from indexer.growing import add, delete
from passage_index import ladder
from passage_index.directory import LOCK, TANTIVY_LOCKS
from tests.conftest import DATA
from tests.fakes import FakeEncoder
from tests.growing import folder_in_memory, written

FOLDER = DATA / "index-v1"
FOLDER_2 = DATA / "index-v2"

MILL = {
    "_id": "mill",
    "title": "The mill turns again",
    "date": "2019-04",
    "source": "https://www.lindow.example/mill",
    "lang": "en",
    "desk": "local",
    "text": "The water mill at Lindow turns again after forty years. A carpenter, Ada Quill, rebuilt the wheel "
    "from oak. Flour from the mill is sold on Saturdays.",
}
FERRY = {
    "_id": "ferry/night",
    "title": "Night ferry stops",
    "date": "2020-11-03",
    "lang": "en",
    "text": "The night ferry to Harrow Island stops in December. The council found 11,000 crossings too few. "
    "Islanders may apply for a seat on the mail boat.",
}
OWL = {
    "_id": "owl",
    "text": "An owl nested in the clock tower. The clock was stopped so that it could sleep.",
}


def log(number: int) -> dict[str, str]:
    """One of many short articles."""
    text = f"Boat {number} left berth {number % 17} with {number * 7 % 90} crates and a crew of {number % 5 + 2}."
    return {"_id": f"log-{number:03}", "text": text}


def make(folder: Path) -> None:
    """Three segments and a tombstone: an exact one, and one of each further step of the ladder."""
    options = BuildOptions(keep=1, merge=False)
    logs = [log(number) for number in range(160)]
    with folder_in_memory() as scratch, pytest.MonkeyPatch.context() as patch:
        index, encoder = scratch / "index", FakeEncoder()
        build([written(scratch / "a.jsonl", [MILL, OWL])], index, encoder, options)
        patch.setattr(ladder, "EXACT_ROWS", 50)
        patch.setattr(ladder, "DEPTH", 20)
        add([written(scratch / "b.jsonl", [FERRY, *logs[:80]])], index, encoder, options)
        patch.setattr(ladder, "PQ_ROWS", 50)
        add([written(scratch / "c.jsonl", logs[80:])], index, encoder, options)
        delete(["owl"], index, options)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(index, folder, ignore=shutil.ignore_patterns(LOCK, *TANTIVY_LOCKS))


if __name__ == "__main__":
    make(FOLDER_2)
