"""Questions in a table, answers in a table: every column kept, every answer cited, no cell a formula."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from passage_index.errors import InputError
from passage_index.types import sha256_text
from search_api.__main__ import app
from search_api.answers.several import Sentences, best_sentences
from search_api.batch_csv import COLUMNS, read_table, safe, write_answers
from search_api.hits import SearchRequest
from search_api.searcher import Searcher
from tests.conftest import ARTICLES
from tests.fakes import FakeEncoder

TEXTS = {one["_id"]: one["text"] for one in ARTICLES}


def table(tmp_path: Path, content: str | bytes, name: str = "q.csv") -> Path:
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def answered(searcher: Searcher, file: Path, most: int = 2) -> list[dict[str, str]]:
    """The rows of the answers, as a program reads them."""
    questions, out = read_table(file), io.StringIO()
    write_answers(questions, lambda q: (best_sentences(searcher, SearchRequest(q), most), True), out)
    text = out.getvalue().removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=questions.delimiter))


def test_each_question_has_its_best_sentences_with_their_proof(searcher: Searcher, tmp_path: Path) -> None:
    file = table(
        tmp_path, 'id,question,desk\n7,Which bridge was closed to lorries?,News\n8,"lamp, lighthouse",\n'
    )
    rows = answered(searcher, file)
    assert [(row["id"], row["rank"], row["desk"]) for row in rows] == [
        ("7", "1", "News"), ("7", "2", "News"), ("8", "1", ""), ("8", "2", ""),
    ]  # fmt: skip
    assert list(rows[0]) == ["id", "question", "desk", *COLUMNS]
    assert rows[0]["article_id"] in ("bridge", "bridge-copy") and rows[2]["article_id"] == "month"
    for row in rows:
        start, end = int(row["start"]), int(row["end"])
        quote = TEXTS[row["article_id"]][start:end]
        assert row["answer"] == " ".join(quote.split()) and row["sha256"] == sha256_text(quote)
        assert row["verified"] == "yes" and (row["confidence"] != "") is (row["rank"] == "1")
    assert 0 < float(rows[0]["confidence"]) <= 1


def test_the_best_sentences_are_of_different_articles_and_texts(searcher: Searcher) -> None:
    found = best_sentences(searcher, SearchRequest("Which bridge was closed to lorries?"), 10)
    ids = [one.stored.article.id for one in found.best]
    assert len(set(ids)) == len(ids) == 10
    assert not {"bridge", "bridge-copy"} <= set(ids)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tables_of_spreadsheets_are_read(tmp_path: Path, delimiter: str, encoding: str) -> None:
    text = "\r\n".join(
        (delimiter.join(("No", "Frage; или, was")), delimiter.join(("1", '"Скільки, років; ""x"""')))
    )
    quoted = text.replace("Frage; или, was", '"Frage; или, was"')
    found = read_table(table(tmp_path, quoted.encode(encoding)), "frage; или, WAS")
    assert (found.header, found.delimiter, found.has_bom) == (
        ("No", "Frage; или, was"),
        delimiter,
        encoding != "utf-8",
    )
    assert found.rows == (("1", 'Скільки, років; "x"'),) and found.asks == 1


def test_the_answers_are_written_as_the_questions_were(tmp_path: Path) -> None:
    questions = read_table(table(tmp_path, "question;rank\na;9\n".encode("utf-8-sig")))
    out = io.StringIO()
    write_answers(questions, lambda _: (Sentences(0.0, (), ()), False), out)
    lines = out.getvalue().split("\r\n")
    assert lines[0].startswith("\ufeffquestion;rank;found_rank;answered;answer;")
    assert lines[1] == "a;9;0;no;;0.0;;;;;;;;;"


def test_bad_rows_are_told_with_their_line(tmp_path: Path) -> None:
    found = read_table(table(tmp_path, 'id,question\n1,"two\nlines"\n2\n3,a,b\n\n4,  \n5,b\n'))
    assert [one.removeprefix(str(tmp_path)) for one in found.rejected] == [
        "/q.csv:4: 1 cells, the header has 2", "/q.csv:5: 3 cells, the header has 2",
        "/q.csv:7: no question in column 'question'",
    ]  # fmt: skip
    assert [row[0] for row in found.rows] == ["1", "5"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("a,b\n1,2\n", "no column question or q or query or text; it has a, b; .*--column"),
        (b"question\nna\xefve\n", "q.csv:2 is not UTF-8"),
        ('question\na\n"open\nand\nopen\n', "q.csv:3: the record that begins here is no CSV.*left open"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_table(table(tmp_path, content))


def test_a_single_column_asks_whatever_its_name(tmp_path: Path) -> None:
    assert read_table(table(tmp_path, "Was ist?\nGoats\n")).rows == (("Goats",),)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"), ("+cmd|x", "'+cmd|x"), ("-2+3", "'-2+3"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"), ("-3.5", "-3.5"), ("+7", "+7"), ("-1,5%", "-1,5%"), ("'=x", "''=x"), ("'tis", "'tis"),
        ("a=b", "a=b"), ("", ""), ("- a dash", "'- a dash"),
    ],
)  # fmt: skip
def test_formulas_are_defused(cell: str, written: str) -> None:
    assert safe(cell) == written


@given(st.text(alphabet="'=+-@\ta1.", max_size=8))
def test_a_defused_cell_can_be_had_back(cell: str) -> None:
    import re

    found = safe(cell)
    assert not re.match(r"[=@\t]", found)
    # The rule of docs/commands.md.
    assert (found[1:] if re.match(r"'+[=+\-@\t\r]", found) else found) == cell


def test_the_command_chooses_by_the_suffix(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search_api.opening.load_indexed_encoder", lambda *_: FakeEncoder())
    file, out = (
        table(tmp_path, 'question\nWhich bridge was closed?\n?!\n"=HYPERLINK(1) bridge"\nx,y\n'),
        tmp_path / "a.csv",
    )
    line = ["batch", str(file), "--index", str(index), "--out", str(out), "--depth", "1"]
    result = CliRunner().invoke(app, line, catch_exceptions=False)
    assert result.exit_code == 0 and "3 questions answered, 1 lines rejected" in result.stderr
    assert "q.csv:5: 2 cells, the header has 1" in result.stderr
    rows = list(csv.reader(io.StringIO(out.read_text(), newline="")))
    assert [row[:2] for row in rows[1:]] == [
        ["Which bridge was closed?", "1"], ["?!", "0"], ["'=HYPERLINK(1) bridge", "1"],
    ]  # fmt: skip
    told = json.loads(CliRunner().invoke(app, [*line, "--json"], catch_exceptions=False).stdout)
    assert (told["questions"], told["out"]) == (3, str(out)) and len(told["rejected"]) == 1
    assert sum(one["questions"] for one in told["warnings"]) >= 1
    for options, words in (
        (["--passages", "x"], "--passages and --rerank are for runs"),
        (["--format", "trec", "--column", "x"], "--column is for tables"),
        (["--format", "xls"], "it can be trec or csv"),
    ):
        with pytest.raises(InputError, match=words):
            CliRunner().invoke(app, [*line, *options], catch_exceptions=False)
