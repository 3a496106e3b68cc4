"""Log lines: one a record, in both forms, whatever stands in it."""

import json
import logging

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from search_api.app import create_app
from search_api.logs import JsonLines, TextLines, configure_logging, fields_of, plain
from search_api.searcher import Searcher
from search_api.settings import Settings

FORGED = "x\nstatus=200 route=/v1/search\r\x1b[2J\u2028\x85\u202eabc"


def record(message: str, error: Exception | None = None, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord(
        "n", logging.INFO, "f", 1, "%s", (message,), (type(error), error, None) if error else None
    )
    made.__dict__.update(extra)
    return made


@given(st.text())
def test_a_record_is_one_line_in_both_forms(text: str) -> None:
    assert len(TextLines().format(record(text)).splitlines()) <= 1
    line = JsonLines().format(record(text))
    assert len(line.splitlines()) == 1 and line.isascii()
    assert json.loads(line)["message"] == text
    assert plain(plain(text)) == plain(text)


def test_no_character_moves_the_cursor_or_turns_the_text() -> None:
    assert plain(FORGED) == (r"x\nstatus=200 route=/v1/search\r\x1b[2J\u2028\x85\u202eabc")
    assert plain("Ізюм, 北京, é 🙂") == "Ізюм, 北京, é 🙂"


def test_lines_of_a_traceback_are_marked_as_such() -> None:
    lines = TextLines().format(record("failed", ValueError(FORGED))).splitlines()
    assert lines[0] == "failed" and len(lines) > 1
    assert all(line.startswith("  | ") for line in lines[1:])
    assert json.loads(JsonLines().format(record("failed", ValueError("a\nb"))))["error"] == "ValueError: a\nb"


def test_fields_are_told_apart() -> None:
    assert fields_of({"a": 1, "b": "x y", "c": 'say "no"', "d": ""}) == 'a=1 b="x y" c="say \\"no\\"" d=""'
    fields = {"status": 200, "route": "/v1/search"}
    line = json.loads(JsonLines().format(record("m", fields=fields)))
    assert line["message"] == "m" and line["status"] == 200 and line["route"] == "/v1/search"


def test_the_question_is_logged_only_if_asked_for(
    settings: Settings, searcher: Searcher, caplog: pytest.LogCaptureFixture
) -> None:
    for log_questions in (False, True):
        caplog.clear()
        changed = settings.model_copy(update={"log_questions": log_questions})
        with TestClient(create_app(changed, searcher)) as client, caplog.at_level(logging.INFO):
            client.get("/v1/search", params={"q": "goats\nstatus=500"})
        (line,) = [one for one in caplog.records if one.name == "search_api.requests"]
        assert ("goats" in line.getMessage()) is log_questions
        told = TextLines().format(line)
        assert told.count("\n") == 0
        if log_questions:
            assert 'question="goats\\\\nstatus=500"' in told or 'question="goats\\nstatus=500"' in told


def test_the_line_tells_what_each_stage_took(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "search_api.requests"):
        client.get("/v1/search?q=weather")
    (line,) = [one for one in caplog.records if one.name == "search_api.requests"]
    stages = {
        "queue_ms",
        "parse_ms",
        "encode_ms",
        "filter_ms",
        "dense_ms",
        "lexical_ms",
        "rank_ms",
        "show_ms",
    }
    assert stages <= line.fields.keys()


def test_the_form_can_be_changed_and_others_handlers_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    root, others = logging.Logger("root"), logging.NullHandler()
    monkeypatch.setattr(logging, "root", root)
    monkeypatch.setattr(logging.Logger, "root", root)
    monkeypatch.setattr(
        logging, "getLogger", lambda name=None: root if name is None else logging.Logger(name)
    )
    configure_logging("text")
    configure_logging("json")
    assert [type(one.formatter) for one in root.handlers] == [JsonLines]
    root.handlers = [others]
    configure_logging("json")
    assert root.handlers == [others] and others.formatter is None
