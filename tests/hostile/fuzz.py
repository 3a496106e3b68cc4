"""`make fuzz`: atheris on every reader and parser, for some seconds each; what it finds becomes a test.

    python -m tests.hostile.fuzz [--seconds N] [TARGET...]     its inputs are kept outside the repository

A target takes bytes and may refuse them by an error of ours; whatever else it raises, hangs or eats up ends
the run with the input that did it. Instruments our own modules; what they call is run as it is.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["indexer", "passage_index", "search_api"]):
    from indexer.articles import READERS
    from indexer.chunking import Chunking, split_article
    from indexer.dates import parse_published, split_date_line
    from indexer.readers.assembly import article_from_row
    from indexer.readers.markup import fragment_text
    from indexer.readers.normal_form import normalise_text
    from indexer.readers.records import Row, Unfit
    from passage_index.errors import SearchEngineError
    from passage_index.filters import parse_filter
    from passage_index.manifest import parse_manifest
    from passage_index.model_files import default_cache
    from passage_index.types import Article
    from search_api.question import free_words, parse_words, without_stop_words
    from search_api.reading.dates import event_dates
    from search_api.reading.expectation import expected
    from search_api.reading.quantities import quantities
    from search_api.reading.spans import spans

SCRATCH = Path(tempfile.mkdtemp(prefix="fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))


def text_of(data: bytes) -> str:
    """A text as it is stored: any characters, in normal form."""
    return normalise_text(data.decode("utf-8", "ignore"))


def reader(suffix: str) -> Callable[[bytes], None]:
    """The reader of a format, and what becomes of its rows."""
    file = SCRATCH / f"a{suffix}"

    def read(data: bytes) -> None:
        file.write_bytes(data)
        for row in READERS[suffix](file):
            if isinstance(row, Row):
                try:
                    article = article_from_row(row, "fallback")
                except Unfit:
                    continue
                assert article.text == normalise_text(article.text)
                json.dumps(article.metadata, allow_nan=False).encode()

    return read


def split(data: bytes) -> None:
    """Passages slice back to the text, and no sentence is lost."""
    text = text_of(data)
    article = Article(id="a", text=text, title="A title", language="en")
    found = split_article(article, lambda texts: [len(one.split()) for one in texts], Chunking())
    covered = {at for one in found.passages for start, end in one.sentences
               for at in range(one.start + start, one.start + end)}  # fmt: skip
    assert {at for at, character in enumerate(text) if not character.isspace()} <= covered


def filtered(data: bytes) -> None:
    """A filter as it comes over HTTP."""
    parse_filter(json.loads(data))


def asked(data: bytes) -> None:
    """A question as it comes over HTTP."""
    question = data.decode("utf-8", "ignore")[:1000]
    parse_words(question, lambda text: text.lower().split())
    for start, end in free_words(question):
        assert 0 <= start < end <= len(question)
    without_stop_words(question)
    expected(question)


def understood(data: bytes) -> None:
    """What answers read in a passage."""
    text = text_of(data)[:4000]
    for one in event_dates(text, None):
        assert text[one.start : one.end].strip()
    quantities(text)
    spans(text, expected("How many people were killed in 2021?"))


TARGETS: dict[str, Callable[[bytes], Any]] = {
    **{suffix[1:]: reader(suffix) for suffix in READERS if suffix not in (".markdown", ".htm", ".ndjson")},
    "fragment": lambda data: fragment_text(data.decode("utf-8", "ignore")),
    "passages": split,
    "dates": lambda data: (parse_published(data.decode("utf-8", "ignore")), split_date_line(text_of(data))),
    "filter": filtered,
    "question": asked,
    "understood": understood,
    "manifest": lambda data: parse_manifest(data, "manifest.json"),
}
REFUSALS = (Unfit, SearchEngineError, json.JSONDecodeError, RecursionError, UnicodeDecodeError)


def run(name: str, seconds: int, corpus: Path) -> None:
    """Fuzz one target in this process, until the time is over or something is found."""
    target = TARGETS[name]

    def once(data: bytes) -> None:
        try:
            target(data)
        except REFUSALS as error:
            if isinstance(error, RecursionError | UnicodeDecodeError | json.JSONDecodeError):
                assert name == "filter", error  # the server's own parser stands before it

    folder = corpus / name
    folder.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-max_len=4096"]
    atheris.Setup(
        [sys.argv[0], str(folder), f"-artifact_prefix={folder}-", "-print_final_stats=1", *limits], once
    )
    atheris.Fuzz()


def main() -> None:
    """Each target in a process of its own; ends with 1 where one found something."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=30, help="a target")
    parser.add_argument("--corpus", type=Path, default=default_cache() / "fuzz")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        run(given.targets[0], given.seconds, given.corpus)
    failed = []
    for name in given.targets or TARGETS:
        command = [sys.executable, "-m", "tests.hostile.fuzz", name, "--here"]
        command += ["--seconds", str(given.seconds), "--corpus", str(given.corpus)]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
        runs = next((line for line in done.stderr.splitlines() if "number_of_executed_units" in line), "")
        sys.stdout.write(f"{name:12} {'failed' if done.returncode else 'sound'} {runs.split()[-1:]} inputs\n")
        sys.stdout.flush()
        if done.returncode:
            failed.append(name)
            sys.stderr.write(done.stderr[-3000:])
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
