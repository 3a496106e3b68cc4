"""Searching over HTTP: `search-api serve` beside txtai's own API, over the same passages, on the loopback.

Both servers run all the time and are asked in turn: one client, then a load that rises (load.py). Both
search by vectors and words, ten hits. No question is asked twice while there are others.
"""

import json
import random
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

from bench.indexing import Exported
from bench.load import one_client, sustained
from bench.pacing import Searches
from bench.peers import OFFLINE, PeerFailed
from bench.servers import ENVIRONMENT, ServerFailed, running

HITS = "10"
WORDS = 8  # of a question that is drawn from a passage
QUESTIONS = 40_000
CLIENT_ASKS = 200
WARM_ASKS = 30
READS_ORDERS = '"+-“”„«»'  # signs by which a question would be taken for more than words


@contextmanager
def our_server(index: Path, folder: Path, processes: int) -> Iterator[Searches]:
    """`search-api serve` as it is by default, but for the processes."""
    command = [sys.executable, "-m", "search_api", "serve", "--index", str(index), "--port", "{port}",
               "--processes", str(processes)]  # fmt: skip
    with running(command, folder / "ours.log", "/readyz", ENVIRONMENT) as (_, port):
        yield Searches(port, more={"limit": HITS})


@contextmanager
def txtai_server(python: Path, index: Path, model: Path, folder: Path, processes: int) -> Iterator[Searches]:
    """`uvicorn txtai.api:app` over a saved index, by so many processes. Raises PeerFailed."""
    config = folder / "txtai.yml"
    embeddings = {"path": str(model), "hybrid": True, "content": True}
    config.write_text(json.dumps({"path": str(index), "embeddings": embeddings}))  # JSON is YAML
    command = [str(python), "-m", "uvicorn", "txtai.api:app", "--host", "127.0.0.1", "--port", "{port}",
               "--workers", str(processes)]  # fmt: skip
    given = {"CONFIG": str(config), "PEER_MODEL": str(model), "ALLOW_RESOLVE_TRANSFORM": "True"}
    try:
        with running(command, folder / "txtai.log", "/count", {**ENVIRONMENT, **OFFLINE, **given}) as (
            _,
            port,
        ):
            yield Searches(port, "/search", "query", {"limit": HITS})
    except ServerFailed as error:
        raise PeerFailed(str(error)) from error


def questions_of(given: Exported, asked: Path | None, count: int = QUESTIONS) -> list[str]:
    """Different questions in an order of chance: those of a file, and words in a row from passages."""
    dice = random.Random(1)
    found: dict[str, None] = {}
    if asked and asked.exists():
        for line in asked.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found[row.get("question") or row["text"]] = None
    with given.passages.open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    for _ in range(2 * count):
        words = dice.choice(texts).split()
        start = dice.randrange(max(len(words) - WORDS, 1))
        drawn = " ".join(words[start : start + WORDS]).translate(dict.fromkeys(map(ord, READS_ORDERS), " "))
        if len(found) < count and any(letter.isalpha() for letter in drawn):
            found[drawn] = None
    questions = list(found)
    dice.shuffle(questions)
    return questions


def compare(
    servers: Mapping[str, Searches], questions: Sequence[str], rounds: int, seconds: float
) -> dict[str, Any]:
    """All servers in turn, round after round; medians, and the ratio of what they sustain."""
    asked = {name: cycle(questions) for name in servers}
    for name, searches in servers.items():
        warm = one_client(searches, asked[name], WARM_ASKS)
        if warm["errors"]:
            kind = ServerFailed if name == "ours" else PeerFailed
            raise kind(f"{name} failed {warm['errors']} of the first {warm['requests']} searches")
    client: dict[str, list[dict[str, Any]]] = {name: [] for name in servers}
    load: dict[str, list[dict[str, Any]]] = {name: [] for name in servers}
    for number in range(rounds):
        for name, searches in servers.items():
            client[name].append(one_client(searches, asked[name], CLIENT_ASKS))
        for name, searches in servers.items():
            load[name].append(sustained(searches, asked[name], seconds))
            said = f"{client[name][-1]['p50_ms']} ms, sustains {load[name][-1]['sustained_per_s']}/s"
            print(f"searching, round {number + 1}: {name} {said}", flush=True)
    return {"rounds": rounds, **{name: figures(client[name], load[name]) for name in servers}}


def figures(client: Sequence[dict[str, Any]], load: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Medians over the rounds of one server, and every round's load."""
    return {
        **{key: statistics.median(one[key] for one in client) for key in ("p50_ms", "p99_ms")},
        "errors": sum(one["errors"] for one in client),
        "sustained_per_s": statistics.median(one["sustained_per_s"] for one in load),
        "load": list(load),
    }
