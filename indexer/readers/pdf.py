"""Reader of .pdf: a file -> one row with the text of its pages, in lines as long as its paragraphs.

`pdf_pages.py` finds the words; here lines become paragraphs, broken words whole, and what stands on
every page (running titles, page numbers) goes. A PDF of pictures has no text and is rejected.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from statistics import median

from indexer.dates import split_date_line
from indexer.readers.apart import Apart
from indexer.readers.normal_form import normalise_text, one_line
from indexer.readers.plain import split_title
from indexer.readers.records import MAX_RECORD_BYTES, Rejected, Row, Unfit
from indexer.readers.streams import open_regular

TIMEOUT_S = 120.0  # a file
REPEATED_PAGES = 3  # a line at the edge of so many pages, and of half of all, is no text of any
EDGE_LINES = 2
SHORT_LINE = (
    0.75  # of the page's usual one: a heading or the end of a paragraph, if what follows may begin one
)

_BROKEN = re.compile(r"([^\W\d_]{1,40})[-\u00ad\u2010]\n([^\W\d_]{1,40})( ?)")
_ENDS = (".", "!", "?", "…", ":", '"', "”", "’", ")", "»")
_DIGITS = re.compile(r"\d+")
# What programs write as a title by themselves.
_NO_TITLE = re.compile(
    r"microsoft (word|powerpoint|excel) - .*|untitled.*|document\d*"
    r"|.*\.(docx?|odt|rtf|tex|dvi|indd|pages|pdf)",
    re.IGNORECASE,
)


def read_pdf(path: Path) -> Iterator[Row | Rejected]:
    """The one row of a PDF. Raises Unfit, OSError."""
    with open_regular(path) as file:
        if file.seek(0, 2) > MAX_RECORD_BYTES:
            raise Unfit(f"larger than {MAX_RECORD_BYTES >> 20} MiB, the most one record may have")
    said = _reading().ask({"path": str(path.absolute())}, TIMEOUT_S)
    if "fault" in said:
        raise Unfit(said["fault"])
    pages = [normalise_text(page.encode("utf-8", "replace").decode()) for page in said["pages"]]
    if not any(pages):
        raise Unfit(
            f"no text: none of its {len(pages)} pages has any; a scan needs OCR first (ocrmypdf, for one)"
        )
    text, starts = joined(pages)
    title = one_line(said.get("title", ""))
    title = "" if _NO_TITLE.fullmatch(title) else title
    fields: dict[str, object] = {"author": said.get("author"), "subject": said.get("subject")}
    fields |= {"keywords": said.get("keywords"), "date": said.get("creation_date")}
    whole = len(text)
    published, text = split_date_line(text)
    if published:
        fields["date_in_text"] = str(published)
    if not title:
        title, text = split_title(text)
    cut = whole - len(text)  # what was taken stood at the beginning
    starts = [max(0, start - cut) for start in starts]
    yield Row(None, {**fields, "title": title, "text": text, "pages": len(pages), "page_starts": starts})


@lru_cache(maxsize=1)
def _reading() -> Apart:
    return Apart("indexer.readers.pdf_pages")


def joined(pages: Sequence[str]) -> tuple[str, list[int]]:
    """Pages in normal form -> their text in paragraphs, and where in it each page begins. O(n).

    A page that has no text begins where the next one does. A sentence that runs over two pages is whole.
    """
    known = Counter(word.lower() for page in pages for word in re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", page))
    pieces: list[str] = []
    starts: list[int | None] = []
    last, size = "", 0
    for page in _without_running_lines(pages):
        part = _paragraphs(_mended(page, known))
        if not part:
            starts.append(None)
            continue
        gap, drop = _seam(last, part, known) if last else ("", 0)
        if drop:
            pieces[-1] = pieces[-1][:-drop]
        starts.append(size + len(gap) - drop)
        pieces += (gap, part)
        size += len(gap) - drop + len(part)
        last = part
    return "".join(pieces), _filled(starts, size)


def _filled(starts: Sequence[int | None], size: int) -> list[int]:
    """Starts of which those of pages without text are the next one's, or the end."""
    filled: list[int] = []
    for start in reversed(starts):
        filled.append(start if start is not None else filled[-1] if filled else size)
    return filled[::-1]


def _seam(before: str, after: str, known: Counter[str]) -> tuple[str, int]:
    """(what goes between two pages, how many characters of the first go)."""
    last = before.rpartition("\n")[2]
    if last.endswith(_ENDS) or not after[:1].islower():
        return "\n\n", 0
    broken = _BROKEN.fullmatch(f"{_last_word(last)}\n{_first_word(after)}")
    if broken is None:
        return " ", 0
    return "", 0 if _is_compound(broken[1], broken[2], known) else 1


def _last_word(text: str) -> str:
    return text[-41:].rpartition(" ")[2]


def _first_word(text: str) -> str:
    found = re.match(r"[^\W\d_]{1,40}", text)
    return found[0] if found else ""


def _mended(page: str, known: Counter[str]) -> str:
    """A page whose words are not broken at line ends any more."""

    def mend(found: re.Match[str]) -> str:
        first, second, blank = found.groups()
        hyphen = "-" if not second[0].islower() or _is_compound(first, second, known) else ""
        return f"{first}{hyphen}{second}" + ("\n" if blank else "")  # the lines are as long as they were

    return _BROKEN.sub(mend, page)


def _is_compound(first: str, second: str, known: Counter[str]) -> bool:
    """Whether a word broken at a hyphen has it also where no line ends: then it was there before."""
    return known[f"{first}-{second}".lower()] > known[(first + second).lower()]


def _paragraphs(page: str) -> str:
    """Lines joined to paragraphs: one ends at a blank line, or a short one with no small letter after it."""
    lines = page.split("\n")
    usual = median([len(line) for line in lines if line] or [0])
    pieces: list[str] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        pieces.append(line.strip())
        if not line or not following:
            pieces.append("\n" if following or not line else "")
        elif len(line) < usual * SHORT_LINE and not following.lstrip()[0].islower():
            pieces.append("\n\n")
        else:
            pieces.append(" ")
    return normalise_text("".join(pieces))


def _without_running_lines(pages: Sequence[str]) -> list[str]:
    """Pages without the lines that stand at the edge of many: running titles, page numbers."""
    cut = [page.split("\n") for page in pages]
    counts: Counter[tuple[bool, str]] = Counter()
    for lines in cut:
        counts.update(_edges(lines))
    least = max(REPEATED_PAGES, len(pages) / 2)
    return ["\n".join(_trimmed(lines, counts, least)) for lines in cut]


def _edges(lines: Sequence[str]) -> set[tuple[bool, str]]:
    first = {(True, _shape(line)) for line in lines[:EDGE_LINES]}
    return first | {(False, _shape(line)) for line in lines[-EDGE_LINES:]}


def _shape(line: str) -> str:
    """A line with its numbers alike: page 7 of 9."""
    return _DIGITS.sub("#", line.strip())


def _trimmed(lines: list[str], counts: Counter[tuple[bool, str]], least: float) -> list[str]:
    begin, end = 0, len(lines)
    while begin < min(EDGE_LINES, end) and counts[True, _shape(lines[begin])] >= least:
        begin += 1
    while end > max(begin, len(lines) - EDGE_LINES) and counts[False, _shape(lines[end - 1])] >= least:
        end -= 1
    return lines[begin:end]
