"""Makes tests/data/index-v1, the index that every later version must open: `python -m tests.old_index`.

Run it only while format 1 is in no release; afterwards the files are what they are, and a new format gets
a folder of its own beside this one.
"""

import shutil
from pathlib import Path

from indexer.build import BuildOptions, build
from indexer.growing import add, delete
from passage_index.directory import LOCK, TANTIVY_LOCKS
from tests.conftest import DATA
from tests.fakes import FakeEncoder
from tests.growing import folder_in_memory, written

FOLDER = DATA / "index-v1"

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


def make(folder: Path) -> None:
    """Two segments and a tombstone: everything that format 1 has but a watched folder."""
    options = BuildOptions(keep=1, merge=False)
    with folder_in_memory() as scratch:
        index, encoder = scratch / "index", FakeEncoder()
        build([written(scratch / "a.jsonl", [MILL, OWL])], index, encoder, options)
        add([written(scratch / "b.jsonl", [FERRY])], index, encoder, options)
        delete(["owl"], index, options)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(index, folder, ignore=shutil.ignore_patterns(LOCK, *TANTIVY_LOCKS))


if __name__ == "__main__":
    make(FOLDER)
