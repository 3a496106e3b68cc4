"""Saved searches: told once, whatever happens to the index between two runs, and never less than once."""

import email
import email.policy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from indexer.build import BuildOptions, build
from indexer.growing import add, delete, merge
from passage_index.commits import rollback
from passage_index.errors import IndexLocked, InputError, WriteFailed
from passage_index.snapshot import open_snapshot
from passage_index.types import sha256_text
from search_api.__main__ import app
from search_api.alerts import remembered, telling
from search_api.alerts.remembered import only_run
from search_api.alerts.saved import read_saved
from search_api.searcher import Searcher
from search_api.settings import Settings
from tests.fakes import FakeEncoder
from tests.growing import record, written

FERRY = "The ferry Lady Ansgard ran aground on a sandbank with 87 passengers aboard on Monday."
SEARCHES = """
[[search]]
name = "Ferries"
question = "ferry ran aground on a sandbank"
min_score = 0.1

[[search]]
name = "Goats"
question = "goats licensed on the island"
min_score = 0.1
filter = { language = "en" }
"""
START = [
    record(1, FERRY, "2024-02-12"),
    *(record(n, f"Weather report {n}: gale force {n}.") for n in range(50, 60)),
]


@pytest.fixture
def grown(tmp_path: Path) -> Callable[..., None]:
    """Adds records to the index, or deletes the ids given."""

    def change(*records: dict[str, str], gone: tuple[str, ...] = ()) -> None:
        if records:
            add(
                [written(tmp_path / "more.jsonl", records)], tmp_path / "index", FakeEncoder(), BuildOptions()
            )
        if gone:
            delete(list(gone), tmp_path / "index", BuildOptions())

    return change


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """The command, over the fake encoder: gives its result."""
    build([written(tmp_path / "in.jsonl", START)], tmp_path / "index", FakeEncoder(), BuildOptions())
    (tmp_path / "searches.toml").write_text(SEARCHES)
    monkeypatch.setattr(
        "search_api.searcher.open_searcher",
        lambda index, cache=None: Searcher(open_snapshot(index), FakeEncoder()),
    )

    def command(*options: str) -> Any:
        line = ["alerts", str(tmp_path / "searches.toml"), "--index", str(tmp_path / "index"), *options]
        return CliRunner().invoke(app, line, catch_exceptions=False)

    yield command


def told(result: Any) -> list[tuple[str, str]]:
    """(search, article id) of every JSON line."""
    rows = map(json.loads, result.stdout.splitlines())
    return [(row["search"], row["article_id"]) for row in rows]


def test_the_first_run_tells_nothing_and_the_next_what_came(run: Any, grown: Any) -> None:
    first = run()
    assert first.stdout == "" and "Ferries: 0 new; its first run" in first.stderr
    grown(record(2, "A second ferry, the Thora, ran aground on the same sandbank.", "2024-03-01"))
    assert told(run()) == [("Ferries", "a-2")]
    assert told(run()) == []  # nothing came since


def test_the_first_run_can_tell_all_that_is_there(run: Any) -> None:
    assert told(run("--first")) == [("Ferries", "a-1")]
    assert told(run("--first")) == []


def test_an_alert_can_be_checked(run: Any, grown: Any) -> None:
    run()
    text = "Nobody was hurt. A second ferry, the Thora, ran aground on the same sandbank. It rained."
    grown(record(2, text, "2024-03-01", url="https://example.org/thora", source="Courier"))
    row = json.loads(run().stdout)
    assert (
        row["quote"]
        == text[row["start"] : row["end"]]
        == "A second ferry, the Thora, ran aground on the same sandbank."
    )
    assert row["sha256"] == sha256_text(row["quote"]) and row["verified"] is True
    assert (row["url"], row["published_at"], row["generation"]) == (
        "https://example.org/thora",
        "2024-03-01",
        2,
    )
    assert row["score"] >= 0.1 and row["question"] == "ferry ran aground on a sandbank"


def test_a_copy_of_what_was_told_is_no_news(run: Any, grown: Any) -> None:
    run()
    grown(
        record(2, FERRY, "2024-02-13", source="Wire"),
        record(3, "The ferry Thora ran aground off Skerry, a sandbank."),
    )
    result = run()
    assert told(result) == [("Ferries", "a-3")] and "1 copies" in result.stderr
    grown(
        record(4, "The ferry Thora ran aground off Skerry, a sandbank."),
        record(5, "Ferry Una ran aground: sandbank again, she says."),
        record(6, "Ferry Una ran aground: sandbank again, she says."),
    )
    [row] = map(json.loads, run().stdout.splitlines())
    assert {row["article_id"], *row["copies"]} == {"a-5", "a-6"}  # two of one text: one alert


def test_what_was_deleted_and_came_back_is_told_once(run: Any, grown: Any) -> None:
    run()
    new = record(2, "A second ferry, the Thora, ran aground on the same sandbank.")
    grown(new)
    assert told(run()) == [("Ferries", "a-2")]
    grown(gone=("a-2",))
    assert told(run()) == []
    grown(new)
    assert told(run()) == []
    grown(gone=("a-2",))
    grown(record(2, "The ferry Thora is afloat again, after it ran aground on a sandbank: a correction."))
    assert told(run("--dry-run", "--changes")) == [("Ferries", "a-2")]
    assert told(run()) == []  # a new text is told only where that is asked for


def test_a_changed_article_is_told_again_on_request(run: Any, grown: Any) -> None:
    run()
    grown(
        record(1, "The ferry Lady Ansgard was towed off the sandbank; it ran aground on Sunday, not Monday.")
    )
    assert told(run("--changes")) == [("Ferries", "a-1")]
    assert told(run("--changes")) == []


def test_an_index_built_anew_or_merged_or_gone_back_tells_nothing_twice(
    run: Any, grown: Any, tmp_path: Path
) -> None:
    run()
    grown(record(2, "A second ferry, the Thora, ran aground on the same sandbank."))
    assert told(run()) == [("Ferries", "a-2")]
    merge(tmp_path / "index", BuildOptions(), force=True)
    assert told(run()) == []
    rollback(tmp_path / "index")
    assert told(run()) == []
    more = [
        *START,
        record(2, "A second ferry, the Thora, ran aground on the same sandbank."),
        record(3, "A third ferry ran aground, of Oslo, near a sandbank."),
    ]
    build([written(tmp_path / "again.jsonl", more)], tmp_path / "index", FakeEncoder(), BuildOptions())
    assert told(run()) == [("Ferries", "a-3")]


def test_a_search_that_is_new_or_asks_otherwise_begins_anew(run: Any, grown: Any, tmp_path: Path) -> None:
    run()
    file = tmp_path / "searches.toml"
    file.write_text(SEARCHES.replace("ferry ran aground on a sandbank", "weather gale force"))
    assert told(run()) == []
    state = json.loads((tmp_path / "searches.toml.state.json").read_text())
    seen = state["searches"]["Ferries"]["seen"]
    assert len(seen) > 5 and "a-1" not in seen
    file.write_text(SEARCHES.partition('[[search]]\nname = "Goats"')[0])
    run()
    assert set(json.loads((tmp_path / "searches.toml.state.json").read_text())["searches"]) == {"Ferries"}


def test_a_run_that_dies_before_its_end_is_told_again(
    run: Any, grown: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    grown(record(2, "A second ferry, the Thora, ran aground on the same sandbank."))
    before = (tmp_path / "searches.toml.state.json").read_bytes()
    with monkeypatch.context() as broken:
        broken.setattr(
            remembered.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device"))
        )
        with pytest.raises(WriteFailed, match="No space left"):
            run()
    assert (tmp_path / "searches.toml.state.json").read_bytes() == before
    assert [*tmp_path.glob(".*.part")] == []
    assert told(run()) == [("Ferries", "a-2")]


def test_a_dry_run_changes_nothing(run: Any, grown: Any, tmp_path: Path) -> None:
    run("--dry-run")
    assert not (tmp_path / "searches.toml.state.json").exists()
    run()
    before = (tmp_path / "searches.toml.state.json").read_bytes()
    grown(record(2, "A second ferry, the Thora, ran aground on the same sandbank."))
    for _ in range(2):
        assert told(run("--dry-run")) == [("Ferries", "a-2")]
    assert (tmp_path / "searches.toml.state.json").read_bytes() == before


def test_two_runs_at_once_are_kept_apart(run: Any, tmp_path: Path) -> None:
    with only_run(tmp_path / "searches.toml.state.json"), pytest.raises(IndexLocked, match="another run"):
        run()


def test_mail_is_a_message_that_a_parser_reads(run: Any, grown: Any) -> None:
    run()
    assert run("--format", "mail").stdout_bytes == b""  # nothing new, nothing to send
    grown(
        record(
            2,
            "A second ferry, the Þóra, ran aground on the same sandbank.",
            "2024-03-01",
            title="Ferry\nBcc: all@example.org",
        ),
        record(3, "Goats were licensed on the island by the council.", source="Skerry Letter"),
    )
    new = told(run("--dry-run"))
    raw = run(
        "--format", "mail", "--mail-from", "desk@example.org", "--mail-to", "me@example.org"
    ).stdout_bytes
    assert raw.isascii() and b"\r\n\r\n" in raw
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail["Subject"] == f"{len(new)} new articles: Ferries, Goats"
    assert {("Ferries", "a-2"), ("Goats", "a-3")} <= set(new)
    assert (mail["From"], mail["To"], mail["Bcc"]) == ("desk@example.org", "me@example.org", None)
    assert mail["Date"] and mail["Message-ID"] and mail.get_content_type() == "text/plain"
    body = mail.get_content()
    assert "“A second ferry, the Þóra, ran aground on the same sandbank.”" in body
    assert "Skerry Letter · undated" in body and "a-3 [0:" in body


def test_a_feed_keeps_what_earlier_runs_told(run: Any, grown: Any, tmp_path: Path) -> None:
    run()
    out = tmp_path / "feed.xml"
    for number, name in ((2, "Thora"), (3, "Una")):
        grown(
            record(
                number,
                f"Another ferry, the {name} & <co>, ran aground on a sandbank near \x0b Osmay {number}.",
                url=f"https://example.org/{name}",
            )
        )
        run("--format", "rss", "--out", str(out), "--link", "https://search.example.org/")
    channel = ElementTree.parse(out).getroot().find("channel")
    items = channel.findall("item")
    assert [one.findtext("link") for one in items] == ["https://example.org/Una", "https://example.org/Thora"]
    assert "the Una & <co>, ran aground" in items[0].findtext("description")
    assert (
        len({one.findtext("guid") for one in items}) == 2
        and channel.findtext("link") == "https://search.example.org/"
    )


def test_json_lines_are_a_form_of_saved_searches(tmp_path: Path) -> None:
    file = tmp_path / "searches.jsonl"
    file.write_text(
        '{"name": "a", "question": "goats", "source": ["Courier"], "date_from": "2023"}\n\n{"name": "b", "q": "b", "mode": "keyword"}\n'
    )
    first, second = read_saved(file, Settings())
    assert (
        first.request.sources == ("Courier",) and first.request.min_score == 0.3 and first.request.date_from
    )
    assert second.request.mode == "keyword" and second.request.group_by_article


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("s.toml", "", "holds no search"),
        ("s.toml", "[search]\nname = 'a'", r"only \[\[search\]\] tables"),
        ("s.toml", "x = 1", "not x"),
        ("s.toml", "[[search]", "is not TOML"),
        ("s.toml", "[[search]]\nquestion = 'a'", "search 1 needs a `name`"),
        ("s.toml", "[[search]]\nname = 'a'", "needs a `question`"),
        ("s.toml", "[[search]]\nname = 'a'\nquestion = '?'", "no word in it"),
        ("s.toml", "[[search]]\nname = 'a'\nquestion = 'b'\nmin_scor = 1", "not known here: min_scor"),
        (
            "s.toml",
            "[[search]]\nname = 'a'\nquestion = 'b'\nmin_score = 7",
            "min_score: Input should be less",
        ),
        (
            "s.toml",
            "[[search]]\nname = 'a'\nquestion = 'b'\nfilter = {source = {'$like' = 'x'}}",
            r"\$like is not known",
        ),
        (
            "s.toml",
            "[[search]]\nname = 'a'\nquestion = 'b'\n[[search]]\nname = 'a'\nquestion = 'c'",
            "names must differ",
        ),
        ("s.jsonl", '{"name": "a", "question": "b"}\n{', "s.jsonl:2 is not a JSON object"),
        ("s.jsonl", "[]", "s.jsonl:1 is no object"),
        ("s.jsonl", '{"name": "a\\nb", "question": "b"}', "needs a `name`, on one line"),
    ],
    ids=lambda one: "",
)
def test_a_file_that_is_wrong_is_told_with_its_place(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=words):
        read_saved(tmp_path / name, Settings())


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 1}', '{"version": 9}', "null"])
def test_a_state_that_is_none_is_told(run: Any, tmp_path: Path, content: str) -> None:
    (tmp_path / "searches.toml.state.json").write_text(content)
    with pytest.raises(InputError, match=r"state.json (is not a state of alerts|has version 9)"):
        run()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--format", "pdf"], "it can be jsonl, mail, rss"),
        (["--mail-to", "me@example.org"], "are for --format mail"),
        (["--format", "mail", "--mail-to", "me@example.org\nBcc: b@c.d"], "--mail-to is no address"),
        (["--out", "/nowhere/out.jsonl"], "cannot be written"),
    ],
    ids=lambda one: "",
)
def test_wrong_options_are_told(run: Any, options: list[str], words: str) -> None:
    with pytest.raises((InputError, WriteFailed), match=words):
        run(*options)


def test_the_message_of_many_searches_has_a_short_subject() -> None:
    from datetime import UTC, datetime

    one = {
        "question": "q",
        "title": "",
        "article_id": "x",
        "source": None,
        "published_at": None,
        "url": None,
        "quote": "a" * 700,
        "start": 0,
        "end": 700,
        "score": 0.5,
        "copies": ["y"],
    }
    records = [one | {"search": f"s{n}"} for n in range(5)]
    mail = email.message_from_bytes(
        telling.message(records, datetime(2026, 1, 1, tzinfo=UTC), None, None), policy=email.policy.default
    )
    assert mail["Subject"] == "5 new articles: s0, s1, s2 and 2 more"
    assert (
        "a" * 600 + "…”" in mail.get_content().replace("\n", "")
        and "+ 1 that say nearly the same" in mail.get_content()
    )
