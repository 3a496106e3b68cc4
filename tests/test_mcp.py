"""The tools of an agent, asked by the protocol's own client: over HTTP, over stdio, and by mistake."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import CallToolResult

from passage_index.types import sha256_text
from search_api.agents import shapes
from search_api.app import create_app
from search_api.searcher import Searcher
from search_api.settings import Settings
from tests.conftest import ARTICLES, BRIDGE
from tests.model_stub import serving
from tests.sample_corpus import CORPUS, EVACUATION, corpus_index  # noqa: F401

TRANSCRIPT = Path(__file__).parent.parent / "docs" / "mcp.md"
BEGIN, END = "<!-- transcript:begin -->", "<!-- transcript:end -->"
SHOWN_CHARS, SHOWN_ITEMS = 90, 1
PATIENCE_S = 180
Call = tuple[str, dict[str, Any]]
CLIENT = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
HANDSHAKE = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": CLIENT}


def asked(url: Any, *calls: Call, mode: str = "auto") -> list[CallToolResult]:
    async def ask() -> list[CallToolResult]:
        async with Client(url, mode=mode) as client:
            return [await client.call_tool(name, arguments) for name, arguments in calls]

    return asyncio.run(ask())


@pytest.fixture(scope="module")
def url(settings: Settings, searcher: Searcher) -> Any:
    with serving(create_app(settings, searcher)) as base:
        yield f"{base}/mcp"


def told(result: CallToolResult) -> str:
    """The text of a tool's error."""
    assert result.is_error and result.structured_content is None
    text = result.content[0].text
    assert "Traceback" not in text and "pydantic" not in text
    return text


def checked(quote: dict[str, Any]) -> None:
    """A citation is what the article says."""
    text = next(one["text"] for one in ARTICLES if one["_id"] == quote["article_id"])
    assert quote["quote"] == text[quote["start"] : quote["end"]]
    assert quote["sha256"] == sha256_text(quote["quote"]) and quote["verified"] is True


@pytest.mark.parametrize("mode", ["auto", "legacy"])  # the protocol of 2026, and the handshake before it
def test_search_over_http_gives_results_as_connectors_expect_them(url: str, mode: str) -> None:
    [reply] = asked(url, ("search", {"query": "bridge closed to lorries", "limit": 3}), mode=mode)
    assert not reply.is_error and json.loads(reply.content[0].text) == reply.structured_content
    results = reply.structured_content["results"]
    assert len(results) == 3 and {"id", "title", "url", "text"} <= results[0].keys()
    assert [one["score"] for one in results] == sorted((one["score"] for one in results), reverse=True)
    for one in results:
        checked(one["citation"])
        assert isinstance(one["url"], str)


def test_fetch_gives_the_whole_article_of_a_passage(url: str) -> None:
    [found] = asked(url, ("search", {"query": "bridge closed to lorries", "limit": 1}))
    result = found.structured_content["results"][0]
    by_passage, by_article = asked(
        url, ("fetch", {"id": result["id"]}), ("fetch", {"id": result["citation"]["article_id"]})
    )
    article = by_passage.structured_content
    assert set(article) == {"id", "title", "text", "url", "metadata"} and article["id"] == result["id"]
    assert article["text"] == BRIDGE == by_article.structured_content["text"]
    assert article["metadata"]["passage"] == result["citation"]
    assert by_article.structured_content["metadata"]["passage"] is None
    assert (article["metadata"]["length"], article["metadata"]["next_start"]) == (len(BRIDGE), None)


def test_a_long_article_is_fetched_in_parts(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    half = len(BRIDGE) // 2 + 1
    monkeypatch.setattr(shapes, "LONGEST_TEXT", half)
    calls = [("fetch", {"id": "bridge", "start": start}) for start in (0, half)]
    parts = [one.structured_content for one in asked(url, *calls)]
    assert parts[0]["text"] + parts[1]["text"] == BRIDGE
    assert [one["metadata"]["next_start"] for one in parts] == [half, None]
    assert all(one["metadata"]["sha256"] == sha256_text(one["text"]) for one in parts)


def test_ask_cites_what_it_answers_with(url: str) -> None:
    [reply] = asked(url, ("ask", {"query": "When was the lighthouse lamp replaced by keepers?"}))
    answer = reply.structured_content
    assert json.loads(reply.content[0].text) == answer
    assert answer["answerable"] is (answer["answer"] is not None)
    for one in answer["citations"]:
        checked(one["citation"])
    if answer["answer"]:
        assert answer["citations"][0]["citation"]["quote"] == answer["answer"]
    assert len(answer["nearest"]) == 5


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (("search", {}), "query: Field required"),
        (("search", {"query": "?!"}), "no word in it"),
        (("search", {"query": "a", "limit": "many"}), "limit: Input should be a valid integer"),
        (("search", {"query": "a", "limit": 1000}), "limit can be at most 100 here"),
        (("search", {"query": "a", "limit": 0}), "limit: Input should be greater than or equal to 1"),
        (("search", {"query": "a", "colour": "red"}), "colour: not known here; search takes query"),
        (("search", {"query": "a", "date_from": "2023-02-30"}), "date_from: no such day"),
        (("search", {"query": "a", "date_from": "2024", "date_to": "2023"}), "lies after date_to"),
        (("search", {"query": "secret" * 4000}), "the length of q can be at most 4000 here"),
        (("fetch", {"id": "nothing"}), "no passage or article of this id"),
        (("fetch", {"id": ["a"]}), "id: Input should be a valid string"),
        (("ask", {"query": ""}), "q: String should have at least 1 character"),
        (("delete_everything", {}), "there is no such tool; there are search, fetch, ask"),
    ],
    ids=lambda part: "",
)
def test_a_mistake_is_told_in_plain_words_and_not_repeated(url: str, call: Call, words: str) -> None:
    [reply] = asked(url, call)
    assert words in told(reply)
    assert "secret" not in told(reply) and "delete_everything" not in told(reply)


@pytest.mark.parametrize("body", ['{"secret": "TOPSECRET"}', '{"TOPSECRET', '["TOPSECRET"]', '"TOPSECRET"'])
def test_what_is_no_message_is_refused_and_not_repeated(url: str, body: str) -> None:
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    reply = httpx2.post(url, content=body, headers=headers, timeout=PATIENCE_S)
    assert reply.status_code == 400 and int(reply.headers["content-length"]) == len(reply.content)
    assert reply.text and "TOPSECRET" not in reply.text and "pydantic" not in reply.text


def test_a_failure_of_ours_is_told_without_its_inside(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("search_api.agents.tools.search_results", lambda *_: 1 / 0)
    [reply] = asked(url, ("search", {"query": "bridge"}))
    assert told(reply) == "Error executing tool search"
    assert "division by zero" in caplog.text  # the operator's log has it


def test_tools_describe_themselves(url: str) -> None:
    async def listed() -> Any:
        async with Client(url) as client:
            return (await client.list_tools()).tools, client.instructions

    tools, instructions = asyncio.run(listed())
    assert [tool.name for tool in tools] == ["search", "fetch", "ask"]
    assert [tool.input_schema["required"] for tool in tools] == [["query"], ["id"], ["query"]]
    assert all(tool.annotations.read_only_hint and tool.output_schema and tool.description for tool in tools)
    assert "citation" in instructions


def test_the_gate_stands_before_the_tools(index: Path, searcher: Searcher) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    headers = {"Accept": "application/json, text/event-stream", "X-Request-ID": "mine"}
    with TestClient(create_app(Settings(index=index, max_body_bytes=2000), searcher)) as client:
        reply = client.post("/mcp", json=call, headers=headers)
        assert reply.status_code == 200 and reply.headers["x-request-id"] == "mine"
        assert [one["name"] for one in reply.json()["result"]["tools"]] == ["search", "fetch", "ask"]
        for body in (b"x" * 3000, iter([b"x" * 1500, b"x" * 1500])):  # told at once, and counted
            large = client.post("/mcp", content=body, headers=headers | {"Content-Type": "application/json"})
            assert (large.status_code, large.json()["request_id"]) == (413, "mine")
        foreign = client.post("/mcp", json=call, headers=headers | {"Origin": "https://elsewhere.example"})
        assert foreign.status_code == 403 and foreign.headers["content-type"] == "application/problem+json"
        own = client.post("/mcp", json=call, headers=headers | {"Origin": "http://testserver"})
        assert own.status_code == 200
        assert client.post("/mcp", content=b"{", headers=headers).status_code == 400
        for method in ("GET", "DELETE"):
            refused = client.request(method, "/mcp")
            assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


def test_many_agents_at_once(url: str) -> None:
    async def many() -> list[str]:
        async with Client(url) as client:
            questions = [f"{day}0hpa {day}1hpa {day}2hpa" for day in range(12)]
            calls = (client.call_tool("search", {"query": one, "limit": 1}) for one in questions)
            return [
                one.structured_content["results"][0]["citation"]["article_id"]
                for one in await asyncio.gather(*calls)
            ]

    assert asyncio.run(many()) == [f"report-{day:02}" for day in range(12)]


def test_a_service_that_no_agent_asks_does_not_import_the_library() -> None:
    code = (
        "import sys, search_api.app, search_api.__main__; "
        "assert not {'mcp', 'torch', 'jsonschema'} & sys.modules.keys(), sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=PATIENCE_S)


# -- over stdio, on the sample corpus, as in docs/mcp.md -------------------------------------------


def stdio(index: Path) -> StdioServerParameters:
    environment = {"SEARCH_READER": "none", "PYTHONPATH": str(CORPUS.parent)}
    line = ["-m", "search_api", "mcp", "--index", str(index)]
    return StdioServerParameters(command=sys.executable, args=line, env=environment)


def test_over_stdio_nothing_but_the_protocol_is_said_and_it_ends(corpus_index: Path) -> None:  # noqa: F811
    """With its input, at once; with Ctrl-C, though a line is waited for."""
    line = [sys.executable, "-m", "search_api", "mcp", "--index", str(corpus_index)]
    environment = os.environ | {"SEARCH_READER": "none"}
    pipe = subprocess.PIPE
    with subprocess.Popen(line, stdin=pipe, stdout=pipe, stderr=pipe, env=environment) as running:
        running.stdin.write(b"no JSON\n" + json.dumps(HANDSHAKE).encode() + b"\n")
        running.stdin.flush()
        while b"tools over" not in running.stderr.readline():
            assert running.poll() is None
        said = json.loads(running.stdout.readline())
        assert (said["id"], said["result"]["serverInfo"]["name"]) == (1, "article-search")
        running.send_signal(signal.SIGINT)
        assert running.wait(PATIENCE_S) == 130
        assert running.stdout.read() == b""
    ended = subprocess.run(
        line, stdin=subprocess.DEVNULL, capture_output=True, env=environment, timeout=PATIENCE_S
    )
    assert (ended.returncode, ended.stdout) == (0, b"")


def shortened(value: Any) -> Any:
    """Long texts and lists end in `…`."""
    if isinstance(value, str) and len(value) > SHOWN_CHARS and not re.fullmatch("[0-9a-f]{64}", value):
        return value[:SHOWN_CHARS] + "…"
    if isinstance(value, list):
        return [shortened(one) for one in value[:SHOWN_ITEMS]] + ["…"] * (len(value) > SHOWN_ITEMS)
    if isinstance(value, dict):
        return {name: shortened(one) for name, one in value.items()}
    return value


async def session(index: Path) -> str:
    """What a client asks and is told, in the form of docs/mcp.md."""
    calls: list[Callable[[dict[str, Any]], Call]] = [
        lambda _: ("search", {"query": EVACUATION, "limit": 2}),
        lambda said: ("fetch", {"id": said["results"][0]["id"]}),
        lambda _: ("ask", {"query": EVACUATION}),
        lambda _: ("ask", {"query": "Who won the Nobel Prize in chemistry in 1911?"}),
        lambda _: ("fetch", {"id": "nothing"}),
    ]
    async with Client(stdio(index)) as client:
        about, tools = client.server_info, (await client.list_tools()).tools
        lines = [f"connected to {about.name} {about.version}, protocol {client.protocol_version}"]
        lines += [f"tools: {', '.join(tool.name for tool in tools)}"]
        said: dict[str, Any] = {}
        for call in calls:
            name, arguments = call(said)
            reply = await client.call_tool(name, arguments)
            lines += ["", f"> {name} {json.dumps(arguments, ensure_ascii=False)}"]
            if reply.is_error:
                lines.append(f"error: {reply.content[0].text}")
            else:
                said = reply.structured_content
                lines.append(json.dumps(shortened(said), ensure_ascii=False, indent=1))
    return "\n".join(lines)


def test_the_transcript_in_the_docs_is_what_a_session_says(corpus_index: Path) -> None:  # noqa: F811
    """After a wanted change: `WRITE_MCP=1 pytest tests/test_mcp.py -k transcript`, and read the diff."""
    told = asyncio.run(session(corpus_index))
    page = TRANSCRIPT.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    if os.environ.get("WRITE_MCP"):
        page = f"{before}{BEGIN}\n```\n{told}\n```\n{END}{rest.partition(END)[2]}"
        TRANSCRIPT.write_text(page, encoding="utf-8")
    shown = page.partition(BEGIN)[2].partition(END)[0].strip().strip("`").strip()
    # Scores differ in their last digits from one kind of processor to another.
    assert re.sub(r"\b0\.\d+", "0.…", shown) == re.sub(r"\b0\.\d+", "0.…", told)
