"""Saved searches: told once, whatever happens to the index between two runs, and never less than once."""

import email
import email.policy
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from shutil import rmtree
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
from search_api.alerts import remembered
from search_api.alerts.remembered import only_run
from search_api.searcher import Searcher
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


def test_what_came_after_a_rollback_is_told(run: Any, grown: Any, tmp_path: Path) -> None:
    run()
    grown(record(2, "A second ferry, the Thora, ran aground on the same sandbank."))
    assert told(run()) == [("Ferries", "a-2")]
    rollback(tmp_path / "index")
    grown(record(3, "A third ferry ran aground, of Oslo, near a sandbank."))
    assert told(run()) == [("Ferries", "a-3")]


def test_an_index_made_anew_in_the_same_folder_is_another_one(run: Any, tmp_path: Path) -> None:
    run()
    rmtree(tmp_path / "index")
    new = [record(2, "A second ferry, the Thora, ran aground on the same sandbank."), *START]
    new += [record(n, f"Weather report {n}: gale force {n}.") for n in range(60, 70)]
    build([written(tmp_path / "again.jsonl", new)], tmp_path / "index", FakeEncoder(), BuildOptions())
    assert told(run()) == [("Ferries", "a-2")]


def test_an_index_that_was_moved_is_the_same(
    run: Any, grown: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    state = json.loads((tmp_path / "searches.toml.state.json").read_bytes())
    (tmp_path / "index").rename(tmp_path / "elsewhere")
    read = remembered.read_state(tmp_path / "searches.toml.state.json")
    with closing(open_snapshot(tmp_path / "elsewhere")) as snapshot:
        assert read.begins_at(tmp_path / "elsewhere", snapshot.manifest) == state["mark"] > 0
        read.manifest = ""  # as an older program wrote it: by its place alone
        assert read.begins_at(tmp_path / "elsewhere", snapshot.manifest) == 0


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
