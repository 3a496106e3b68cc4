"""The normal form of a stored text: text -> text. Knows nothing of formats or articles."""

import re
import unicodedata

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff]")  # without tab and line ends
# Where a word may be broken, and the joiner that forbids it: no letters, and nobody types them.
_INVISIBLE = re.compile("[\u00ad\u200b\u2060]")
_BLANK_LINES = re.compile("\n{3,}")


def normalise_text(text: str) -> str:
    r"""A text in the form it is stored in: `"a \r\n\r\n\r\n\r\nb\0"` -> `"a\n\nb"`.

    NFC; every line end (also form feed, NEL and U+2028/9, which would glue words if dropped) is `\n`;
    control characters but tab, BOMs, soft hyphens and blanks of no width removed; no blanks at line
    ends, no two blank lines in a row, none around the text. Idempotent, O(n).
    """
    text = _LINE_ENDS.sub("\n", text)
    # Before NFC: a character between a letter and its accent would keep them apart.
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", without_controls(text)))
    text = "\n".join([line.rstrip() for line in text.split("\n")])
    return _BLANK_LINES.sub("\n\n", text).strip()


def without_controls(text: str) -> str:
    """A text without control characters and BOMs; tabs and line ends stay."""
    return _CONTROLS.sub("", text)


def one_line(text: str) -> str:
    """A title or name in normal form, every run of blanks a single space."""
    return " ".join(normalise_text(text).split())
