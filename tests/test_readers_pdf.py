"""PDFs read in: paragraphs, words broken at line ends, running titles, where pages begin, and refusals."""

import io
import os
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter

from indexer.articles import Rejected
from indexer.readers import pdf as reader
from indexer.readers.apart import Apart
from indexer.readers.pdf import joined
from passage_index.types import PartialDate
from tests.pdfs import pdf
from tests.reading import only, read, written

PAGE_ONE = [
    "The Lindow Post",
    "Inquiry into the Wend bridge",
    "The council of Lindow closed the old stone bridge over the Wend on Monday, after engi-",
    "neers had found cracks in two of its five piers. The well-known crossing carries about nine",
    "thousand lorries a week, and it is a well-",
    "known bottleneck.",
    "Repairs are to begin in May; nobody could say on Tuesday what they would cost, or whether the",
    "1",
]
PAGE_TWO = [
    "The Lindow Post",
    "region would pay for any of it. A vote was put off until the next meet-",
    "2",
]
PAGE_THREE = ["The Lindow Post", "ing in March.", "3"]
TEXT = (
    "Inquiry into the Wend bridge\n\n"
    "The council of Lindow closed the old stone bridge over the Wend on Monday, after engineers had found "
    "cracks in two of its five piers. The well-known crossing carries about nine thousand lorries a week, "
    "and it is a well-known bottleneck.\n\n"
    "Repairs are to begin in May; nobody could say on Tuesday what they would cost, or whether the region "
    "would pay for any of it. A vote was put off until the next meeting in March."
)
INFO = {"Title": "Report on the bridge", "Author": "Ada Quill", "CreationDate": "D:20210312230000-05'00'"}


def test_pages_are_joined_to_paragraphs_with_broken_words_mended(tmp_path: Path) -> None:
    article = only(written(tmp_path / "bridge.pdf", pdf([PAGE_ONE, PAGE_TWO, PAGE_THREE], INFO)))
    assert article.text == TEXT
    assert (article.id, article.title, article.language) == ("bridge.pdf", "Report on the bridge", "en")
    assert article.published == PartialDate.parse("2021-03-12")
    starts = article.metadata.pop("page_starts")
    assert [article.text[start : start + 6] for start in starts] == ["Inquir", "region", "ing in"]
    assert article.metadata == {"author": "Ada Quill", "pages": 3}


def test_a_title_that_a_program_wrote_is_none(tmp_path: Path) -> None:
    lines = ["Bridge closed", "", "The old stone bridge over the Wend was closed on Monday."]
    for title in ("Microsoft Word - report.doc", "untitled", "report final.docx"):
        article = only(written(tmp_path / "a.pdf", pdf([lines[2]], {"Title": title})))
        assert (article.title, article.text) == ("", lines[2])


def test_a_date_line_is_taken_out_and_page_starts_still_fit(tmp_path: Path) -> None:
    pages = [["12 March 2021", "The bridge was closed."], ["Repairs begin in May."]]
    article = only(written(tmp_path / "a.pdf", pdf(pages)))
    assert (str(article.published), article.text) == (
        "2021-03-12",
        "The bridge was closed.\n\nRepairs begin in May.",
    )
    assert article.metadata["page_starts"] == [0, 24]


def test_pages_without_text_begin_where_the_next_one_does() -> None:
    assert joined(["", "One.", "", "Two."]) == ("One.\n\nTwo.", [0, 0, 6, 6])
    assert joined(["One."]) == ("One.", [0])


def test_a_scan_is_rejected_and_told_what_to_do(tmp_path: Path) -> None:
    (found,) = read(written(tmp_path / "scan.pdf", pdf(["", ""])))
    assert found == Rejected(
        str(tmp_path / "scan.pdf"),
        None,
        "no text: none of its 2 pages has any; a scan needs OCR first (ocrmypdf, for one)",
    )


def encrypted(password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(["The bridge was closed on Monday."]))))
    writer.encrypt(password, owner_password="owner", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_password_is_said_to_be_needed_only_where_it_is(tmp_path: Path) -> None:
    assert only(written(tmp_path / "open.pdf", encrypted(""))).text == "The bridge was closed on Monday."
    (found,) = read(written(tmp_path / "shut.pdf", encrypted("secret")))
    assert found.reason == "the PDF is encrypted and needs a password; save a copy without one"


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: b"%PDF-1.4\n" + os.urandom(2000),
        lambda whole: whole[:60],
        lambda whole: whole.replace(b"/Type /Catalog", b"/Type /Nothing").replace(b"/Pages 2 0 R", b"/Pages 2 0 X"),
        lambda whole: whole.replace(b"/Kids [", b"/Kids [2 0 R "),
        lambda whole: whole.replace(b"/Parent 2 0 R", b"/Parent 5 0 R"),
    ],
)  # fmt: skip
def test_damaged_files_are_rejected_or_read_but_never_more(tmp_path: Path, damage: object) -> None:
    whole = pdf(["The bridge was closed on Monday."])
    (found,) = read(written(tmp_path / "a.pdf", damage(whole)))  # type: ignore[operator]
    if isinstance(found, Rejected):
        assert found.reason.startswith(("not readable as PDF: ", "no text: "))
    else:
        assert found.article.text == "The bridge was closed on Monday."


def test_a_reader_that_hangs_or_dies_costs_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "odd_reader.py"
    module.write_text(
        "import json, os, sys, time\n"
        "for line in sys.stdin:\n"
        "    path = json.loads(line)['path']\n"
        "    time.sleep(60 if 'slow' in path else 0)\n"
        "    if 'deadly' in path: os._exit(1)\n"
        "    print(json.dumps({'pages': ['A page.']}), flush=True)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    apart = Apart("odd_reader")
    monkeypatch.setattr(reader, "_reading", lambda: apart)
    monkeypatch.setattr(reader, "TIMEOUT_S", 5.0)
    names = ("a.pdf", "b-slow.pdf", "c-deadly.pdf", "d.pdf")
    for name in names:
        written(tmp_path / "in" / name, b"%PDF-")
    found = {Path(getattr(one, "path")).name: one for one in read(tmp_path / "in")}  # noqa: B009
    monkeypatch.setattr(reader, "TIMEOUT_S", 30.0)
    apart.close()
    assert found["b-slow.pdf"].reason == "not read within 5 s"
    assert found["c-deadly.pdf"].reason == "the process that reads it died of it"
    assert found["a.pdf"].article.text == found["d.pdf"].article.text == "A page."
