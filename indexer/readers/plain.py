"""Reader of .txt: a file -> one row, with its front matter, its date line and its title taken apart."""

from collections.abc import Iterator
from pathlib import Path

from indexer.dates import split_date_line
from indexer.readers.front_matter import split_front_matter
from indexer.readers.normal_form import normalise_text
from indexer.readers.records import Rejected, Row
from indexer.readers.streams import decoded, whole

MAX_TITLE_CHARS = 120

_ENDS_A_SENTENCE = (".", "!", "?", "…", ":", ";", ",")


def read_plain(path: Path) -> Iterator[Row | Rejected]:
    """The one row of a text file. Raises Unfit, OSError."""
    yield Row(None, plain_fields(decoded(whole(path))))


def plain_fields(text: str) -> dict[str, object]:
    """The row of a plain text."""
    fields, text = split_front_matter(normalise_text(text))
    # A date line may stand before the title, where it would be taken for one, or after it.
    published, text = split_date_line(text)
    if published:
        fields["date_in_text"] = str(published)
    if not fields.get("title"):
        fields["title"], text = split_title(text)
    return {**fields, "text": text}


def split_title(text: str) -> tuple[str, str]:
    """A normalised text under a title -> (title, text below it), else ("", text).

    A title is a first line of at most 120 characters that does not end like a sentence, with a
    blank line below it.
    """
    line, blank, below = text.partition("\n\n")
    if not blank or "\n" in line or len(line) > MAX_TITLE_CHARS or line.endswith(_ENDS_A_SENTENCE):
        return "", text
    if not any(map(str.isalnum, line)):  # a rule
        return "", text
    return line, below
