"""Written answers when the endpoint is slow, broken, busy or gone, or the client is."""

import json
import logging
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from passage_index.errors import InputError
from search_api.answers.writing import writer
from search_api.app import create_app
from tests.growing import until
from tests.live import connected
from tests.model_stub import BREAK, FOREVER, HANG, Stub, raw, status
from tests.written_cases import ASKED, ASKED_0, GOOD, KEY, Serve, ask, served, settings_of, streamed, warned


def test_a_sentence_is_sent_before_the_model_has_ended(ferry_index: Path, stub: Stub) -> None:
    stub.script = [stub.said(GOOD, " And", HANG)]
    with (
        served(ferry_index, stub) as base,
        httpx2.stream("GET", f"{base}/v1/ask/stream", params=ASKED_0) as reply,
    ):
        for line in reply.iter_lines():
            if line.startswith("data:") and "The ferry carried 87 passengers." in line:
                break
        assert not stub.stopped.is_set()
    assert stub.stopped.wait(60), "a client that goes away stops the model"


def test_a_client_that_goes_away_while_waiting_stops_the_model(ferry_index: Path, stub: Stub) -> None:
    stub.script = [stub.said(GOOD, HANG)]
    with served(ferry_index, stub) as base:
        address = httpx2.URL(f"{base}/v1/ask", params={**ASKED_0, "write": True})
        line = connected(address.port, b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % address.raw_path)
        assert stub.begun.wait(60)
        line.close()
        assert stub.stopped.wait(60)
        assert httpx2.get(f"{base}/v1/search", params={"q": "ferry"}, timeout=60).status_code == 200


@pytest.mark.parametrize(
    ("script", "warning"),
    [
        (lambda stub: status(500), "the language model answered with status 500"),
        (lambda stub: status(401), "the language model answered with status 401"),
        (lambda stub: status(429, {"Retry-After": "86400"}), "the language model answered with status 429"),
        (lambda stub: status(301, {"Location": "http://127.0.0.1:9/"}), "the language model answered with status 301"),
        (lambda stub: raw(b"data: {not json\n\n"), "the language model answered in a form that cannot be read"),
        (lambda stub: raw(b'data: {"choices": [{"delta": {"content": 7}}]}\n\n'), "the language model answered in a form that cannot be read"),
        (lambda stub: raw(b"data: " + b"[" * 100_000 + b"\n\n"), "the language model answered in a form that cannot be read"),
        (lambda stub: raw(b"x", **{"Content-Encoding": "gzip"}), "the language model answered in a form that cannot be read"),
        (lambda stub: raw(b"<html>no model here</html>", "text/html"), "the language model wrote nothing"),
        (lambda stub: stub.said(), "the language model wrote nothing"),
        (lambda stub: stub.said("  \n"), "the language model wrote nothing"),
        (lambda stub: stub.said("NO ANSWER."), "the language model found no answer in the passages"),
        (lambda stub: stub.said("and so on ", FOREVER), "the language model wrote more than 1600 characters"),
        (lambda stub: stub.said(b": still here\n\n", FOREVER), "the language model sent more than it was asked for"),
        (lambda stub: stub.said(b"x" * 1000, FOREVER), "the language model sent more than it was asked for"),
        (lambda stub: stub.said("The ferry", BREAK), "the language model broke off"),
        (lambda stub: stub.said("The ferry carried", finish="length"), "the language model was cut off at 200 tokens"),
    ],
)  # fmt: skip
def test_whatever_the_endpoint_does_the_answer_stands_with_a_warning(
    opened: Serve, stub: Stub, script: Callable[[Stub], Any], warning: str
) -> None:
    stub.script = [script(stub)]
    client = opened()
    assert warned(client) == warning
    assert streamed(client)[1:-1] == [("warning", {"warning": warning})]


@pytest.mark.parametrize("hung", [(HANG,), (GOOD, " And", HANG)])
def test_a_model_that_hangs_is_given_up_and_what_it_wrote_before_is_kept(
    opened: Serve, stub: Stub, hung: tuple[Any, ...]
) -> None:
    stub.script = [stub.said(*hung)]
    body = ask(opened(llm_timeout_s=3.0))
    assert body["warnings"] == ["the language model did not finish within 3 s"]
    kept = [one["text"] for one in body["written"]["sentences"]] if body["written"] else []
    assert kept == (["The ferry carried 87 passengers."] if len(hung) > 1 else [])
    assert stub.stopped.wait(60)


def test_what_was_checked_before_a_break_is_kept(opened: Serve, stub: Stub) -> None:
    stub.script = [stub.said(GOOD, " The captain", finish="length")]
    body = ask(opened())
    assert body["written"]["text"] == "The ferry carried 87 passengers." and body["written"]["dropped"] == 0
    assert body["warnings"] == ["the language model was cut off at 200 tokens"]


def test_a_busy_endpoint_is_asked_again_and_a_refusing_one_is_not(opened: Serve, stub: Stub) -> None:
    stub.script = [status(429, {"Retry-After": "0"}), status(503), stub.said(GOOD)]
    client = opened()
    assert ask(client)["written"]["text"] == "The ferry carried 87 passengers." and len(stub.asked) == 3
    stub.asked.clear()
    stub.script = [status(400)]
    assert warned(client).endswith("status 400") and len(stub.asked) == 1


def test_an_endpoint_that_is_not_there_is_told(opened: Serve) -> None:
    assert warned(opened(llm_url="http://127.0.0.1:9/v1")) == "the language model cannot be reached"


def test_an_endpoint_that_does_not_stream_is_read_too(opened: Serve, stub: Stub) -> None:
    choice = {"message": {"role": "assistant", "content": GOOD}, "finish_reason": "stop"}
    stub.script = [raw(json.dumps({"choices": [choice]}).encode(), "application/json")]
    assert ask(opened())["written"]["text"] == "The ferry carried 87 passengers."


def test_signs_that_are_not_shown_are_left_out(opened: Serve, stub: Stub) -> None:
    stub.script = [stub.said("The fe\u202er\ud800ry\x00 carried 87 passengers", GOOD[31:])]
    (event,) = [data for name, data in streamed(opened()) if name == "sentence"]
    assert event["text"] == "The ferry carried 87 passengers."


def test_only_so_many_answers_are_written_or_wait(
    opened: Serve, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "AT_ONCE", 0)
    monkeypatch.setattr(writer, "WAITING", 0)
    assert warned(opened()) == "the language model has too much to do" and stub.asked == []


def test_searches_are_answered_while_all_models_hang(ferry_index: Path, stub: Stub) -> None:
    stub.script = [stub.said(HANG)]
    with served(ferry_index, stub) as base, ExitStack() as open_streams:
        reading = []  # an iterator that is let go ends its request
        for _ in range(writer.AT_ONCE + 4):  # more than there are threads
            stream = httpx2.stream("GET", f"{base}/v1/ask/stream", params=ASKED_0, timeout=60)
            reading.append(open_streams.enter_context(stream).iter_bytes())
            assert b"event: answer" in next(reading[-1])
        until(lambda: len(stub.asked) == writer.AT_ONCE)
        for _ in range(3):
            assert httpx2.get(f"{base}/v1/search", params={"q": "ferry"}, timeout=60).status_code == 200


def test_the_key_is_told_to_nobody_but_the_endpoint(
    opened: Serve, stub: Stub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stub.script = [status(500), stub.said(GOOD, BREAK), raw(b"data: {\n\n")]
    client = opened()
    told = [json.dumps(ask(client)) for _ in range(3)]
    told += [client.get(path).text for path in ("/v1/stats", "/openapi.json", "/readyz", "/docs")]
    told += [caplog.text, repr(settings_of(stub, Path("x"))), *(str(one.args) for one in caplog.records)]
    assert [one for one in told if KEY in one] == []
    assert "secret words" not in "".join(told) and ASKED not in caplog.text


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"llm_model": None}, "SEARCH_LLM_MODEL is not"),
        ({"llm_url": "127.0.0.1:11434"}, "SEARCH_LLM_URL is no base URL"),
        ({"llm_url": "http://me:word@127.0.0.1/v1"}, "SEARCH_LLM_URL holds a user"),
        ({"llm_url": "http://127.0.0.1:x/v1"}, "SEARCH_LLM_URL is no base URL"),
        ({"llm_key": f"{KEY}\nX-Other: 1"}, "SEARCH_LLM_KEY holds a blank"),
        ({"llm_key_file": Path("none")}, "both SEARCH_LLM_KEY and SEARCH_LLM_KEY_FILE"),
        ({"llm_key": None, "llm_key_file": Path("none")}, "the language model's key in none cannot be read"),
    ],
)
def test_settings_that_cannot_be_used_end_the_start(
    stub: Stub, ferry_index: Path, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as raised:
        create_app(settings_of(stub, ferry_index, **changed))
    assert message in str(raised.value) and KEY not in str(raised.value) and "word@" not in str(raised.value)
