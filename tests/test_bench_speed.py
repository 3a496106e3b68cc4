"""The bench of speed: a load is open and finds what a server holds, recall is brute force's, tables follow."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from bench import indexing, load, peers, searching
from bench.encoding import operations
from bench.indexing import Exported, built, exported, first_articles
from bench.load import highest, one_client, paced, sustained
from bench.pacing import Searches
from bench.peers import Peer, PeerFailed, last_words, reported
from bench.servers import ServerFailed, running
from bench.speed_tables import full_section, speed_section
from bench.vectors import _in_turn, exact_scores, recall
from passage_index.errors import InputError
from tests.conftest import ARTICLES
from tests.fakes import FakeEncoder
from tests.growing import written


@contextmanager
def slow_server(seconds: float, fails: str = "") -> Iterator[tuple[Searches, list[str]]]:
    """A server that answers one question at a time, each in `seconds`; and what it was asked."""
    asked: list[str] = []
    one_at_a_time = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            (question,) = parse_qs(urlsplit(self.path).query)["question"]
            with one_at_a_time:
                asked.append(question)
                time.sleep(seconds)
            self.send_response(503 if fails and fails in question else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Searches(server.server_address[1], "/ask", "question", {"limit": "3"}), asked
        finally:
            server.shutdown()
            thread.join()


def numbered() -> Iterator[str]:
    return (f"question {number}" for number in count())


def test_the_rate_is_doubled_then_the_gap_is_halved() -> None:
    tried: list[float] = []

    def held(rate: float) -> bool:
        tried.append(round(rate, 2))
        return rate <= 100

    assert highest(held) == pytest.approx(64 * 2 ** (5 / 8))
    assert tried == [8, 16, 32, 64, 128, 90.51, 107.63, 98.70]
    assert tried[-1] == round(highest(held), 2)


def test_a_rate_that_is_too_much_from_the_start_is_halved() -> None:
    assert 0.9 < highest(lambda rate: rate <= 1.0) <= 1.0
    assert highest(lambda _: False) == 0.0
    assert highest(lambda _: True) == load.MOST


def test_a_load_asks_every_question_once_and_charges_for_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "REQUESTS", 1)
    with slow_server(0.03) as (searches, asked):
        found = paced(searches, numbered(), per_second=100, seconds=0.4)
    assert found["requests"] == 40 and found["errors"] == 0 and found["per_second"] == 100
    assert sorted(asked) == sorted(f"question {n}" for n in range(40))
    # 40 requests of 30 ms each, one at a time, all due within 400 ms: the last waits for those before it.
    assert found["worst_ms"] > 40 * 30 - 400 and found["p50_ms"] > 20 * 30 - 200 - 30


def test_a_few_searches_more_are_asked_where_the_rate_is_low(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "REQUESTS", 50)
    with slow_server(0.0) as (searches, _):
        assert paced(searches, numbered(), per_second=100, seconds=0.2)["requests"] == 50
        assert paced(searches, numbered(), per_second=50, seconds=0.2)["requests"] == 30


def test_failed_searches_are_errors_and_are_not_sustained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "REQUESTS", 1)
    with slow_server(0.0, fails="question 1") as (searches, _):
        assert paced(searches, numbered(), per_second=100, seconds=0.12)["errors"] == 3  # 1, 10 and 11
        assert one_client(searches, numbered(), 3)["errors"] == 1
        found = sustained(searches, (f"question 1{n}" for n in count()), seconds=0.05)
    assert found["sustained_per_s"] == 0.0 and {one["errors"] > 0 for one in found["steps"]} == {True}
    assert [one["per_second"] for one in found["steps"]] == [8, 4, 2, 1, 0.5]


def test_a_server_that_ends_is_told_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no such index')"]
    with pytest.raises(ServerFailed, match="no such index"), running(command, tmp_path / "log", "/", {}):
        pass


def peer_module(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A peer of our own: `python -m PEER`, its folder on the path of modules."""
    (folder / "tried_peer.py").write_text(
        "import sys\nfrom bench.peer_loop import serve\n"
        "def add(one, other):\n    print('chatter')\n    return {'sum': one + other}\n"
        "def end():\n    print('out of memory', file=sys.stderr, flush=True)\n    sys.exit(3)\n"
        "serve({'add': add, 'end': end})\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return "tried_peer"


def test_a_peer_answers_by_lines_and_what_fails_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed: dict[str, str] = {}
    module = peer_module(tmp_path, monkeypatch)
    with Peer(Path(sys.executable), module, tmp_path / "log") as peer:
        assert peer.ask("add", one=2, other=3) == {"sum": 5}  # what it prints is no answer
        with pytest.raises(PeerFailed, match="TypeError: unsupported operand"):
            peer.ask("add", one=2, other=None)
        with reported(failed, "adder"):
            peer.ask("end")
    assert failed == {"adder": "`end` ended the process (3): chatter chatter out of memory"}
    assert "adder: `end` ended" in capsys.readouterr().err
    assert last_words("") == "it said nothing"


def test_a_peer_is_installed_once_under_the_projects_constraints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pins.txt").write_text("txtai==9\n")
    monkeypatch.setattr(peers, "PINS", (tmp_path / "pins.txt",))
    ran: list[list[str]] = []
    monkeypatch.setattr(peers, "_run", lambda command, _: ran.append(command))
    home = tmp_path / "bench" / "peers-venv"
    home.mkdir(parents=True)
    for _ in range(2):
        assert peers.python_of("txtai", tmp_path) == home / "bin" / "python"
    assert [command[1:3] for command in ran] == [["-m", "venv"], ["-m", "pip"]]
    assert ran[1][3:] == ["install", "--quiet", "--constraint", str(tmp_path / "pins.txt"), "txtai[api]"]
    (tmp_path / "pins.txt").write_text("txtai==10\n")
    peers.python_of("txtai", tmp_path)
    assert len(ran) == 4
    names = {line.split("==")[0] for line in (peers.ROOT / "bench" / "peers.txt").read_text().splitlines()}
    assert set(peers.NEEDS) < names and "torch" not in names  # constraints.txt alone says which torch


def test_what_cannot_be_installed_is_told() -> None:
    with pytest.raises(PeerFailed, match="txtai could not be installed: no room"):
        peers._run([sys.executable, "-c", "import sys; sys.exit('no room')"], "txtai")


def test_recall_counts_equal_scores_and_is_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.vectors.BLOCK", 7)
    monkeypatch.setattr("bench.vectors.K", 3)
    random = np.random.default_rng(0)
    vectors = random.normal(size=(40, 8)).astype(np.float32)
    vectors[5] = vectors[6]
    questions = vectors[[5, 9]]
    best = exact_scores(vectors, questions)
    order = np.argsort(-(questions @ vectors.T), axis=1)
    assert best == pytest.approx(np.take_along_axis(questions @ vectors.T, order[:, :3], axis=1), abs=1e-5)
    assert recall(vectors, questions, [list(row[:3]) for row in order], best) == 1.0
    assert recall(vectors, questions, [[5], list(order[1, :2])], best) == pytest.approx(0.5, abs=1e-3)
    assert recall(vectors, questions, [[5, 5, 5], list(order[1, 20:23])], best) == pytest.approx(
        1 / 6, abs=1e-4
    )


def test_engines_are_asked_in_turn_after_a_round_to_warm_up() -> None:
    calls: list[str] = []

    def engine(name: str, ms: Iterator[float]):
        def ask() -> tuple[list[float], list[list[int]]]:
            calls.append(name)
            if name == "broken":
                raise PeerFailed("gone")
            return [next(ms)] * 3, [[len(calls)]]

        return ask

    failed: dict[str, str] = {}
    engines = {
        "other": engine("other", iter([99.0, 1.0, 5.0, 2.0])),
        "broken": engine("broken", iter([])),
        "ours": engine("ours", iter([50.0, 4.0, 3.0, 6.0])),
    }
    found = {name: ms for name, (ms, _) in _in_turn(engines, failed, 3)}
    assert found == {"ours": 4.0, "other": 2.0} and list(found) == ["ours", "other"]
    assert calls == ["other", "broken", "ours", *["other", "ours"] * 3] and failed == {"broken": "gone"}


def test_an_index_is_exported_as_the_encoder_read_it(tmp_path: Path) -> None:
    source, encoder = written(tmp_path / "all.jsonl", ARTICLES), FakeEncoder()
    first = first_articles(source, encoder, 9, tmp_path / "first.jsonl")  # type: ignore[arg-type]
    done = built(first, tmp_path / "built", encoder)  # type: ignore[arg-type]
    assert 9 <= done["passages"] < 20 and 0 < done["encoder_share"] < 1 and done["per_s"] > 0
    given = exported(tmp_path / "built" / "index", tmp_path)
    rows = [json.loads(line) for line in given.passages.read_text(encoding="utf-8").splitlines()]
    assert given.count == done["passages"] == len({row["id"] for row in rows})
    vectors = np.load(given.vectors)
    again = encoder.encode_questions([row["text"] for row in rows])
    assert np.einsum("nd,nd->n", vectors, again) == pytest.approx(np.ones(len(rows)), abs=0.01)


def test_an_index_with_deleted_articles_is_not_exported(tmp_path: Path) -> None:
    from indexer.growing import delete

    source, encoder = written(tmp_path / "all.jsonl", ARTICLES), FakeEncoder()
    built(source, tmp_path / "built", encoder)  # type: ignore[arg-type]
    delete(["bridge"], tmp_path / "built" / "index")
    with pytest.raises(InputError, match="indexer merge"):
        exported(tmp_path / "built" / "index", tmp_path)


def test_medians_of_builds_and_no_figure_for_a_peer_that_did_not_run() -> None:
    ours = [{"passages": 10, "per_s": rate, "encoder_share": 0.9, "stages": {}} for rate in (9.0, 50.0, 12.0)]
    theirs = [{"passages": 10, "seconds": seconds} for seconds in (5.0, 4.0, 1.0)]
    found = indexing.figures(ours, theirs)
    assert (found["ours_per_s"], found["txtai_per_s"], found["ratio"]) == (12.0, 2.5, 4.8)
    assert "ratio" not in indexing.figures(ours, [])


def test_questions_differ_and_hold_no_orders(tmp_path: Path) -> None:
    texts = [
        f'He said "{n} -{n} bridges" + {n} ' + " ".join(f"w{n}x{i}" for i in range(30)) for n in range(9)
    ]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps({"id": "a", "text": t}) + "\n" for t in texts))
    (tmp_path / "q.jsonl").write_text('{"question": "Who?"}\n{"text": "Where?"}\n')
    given = Exported(tmp_path / "p.jsonl", tmp_path / "none.npy", 9)
    found = searching.questions_of(given, tmp_path / "q.jsonl", count=100)
    assert len(set(found)) == len(found) == 100 and {"Who?", "Where?"} < set(found)
    assert not any(sign in question for question in found for sign in '"+-')
    assert found == searching.questions_of(given, tmp_path / "q.jsonl", count=100)


def test_operations_are_those_of_the_matrix_products(tmp_path: Path) -> None:
    sizes = {"num_hidden_layers": 2, "hidden_size": 3, "intermediate_size": 5}
    (tmp_path / "config.json").write_text(json.dumps(sizes))
    # a layer, of 4 tokens: projections 4 * 4 * 3 * 3, inner 2 * 4 * 3 * 5, attention 2 * 4 * 4 * 3
    assert operations([4], tmp_path) == 2 * 2 * (144 + 120 + 96)
    assert operations([4, 4], tmp_path) == 2 * operations([4], tmp_path)


def served(p50: float, rate: float) -> dict[str, object]:
    step = {
        "per_second": rate,
        "requests": 200,
        "errors": 0,
        "p50_ms": p50,
        "p99_ms": 240.0,
        "worst_ms": 300.0,
    }
    steps = [{**step, "per_second": 2 * rate, "p99_ms": 251.0}, step]
    one = {"p50_ms": p50, "p99_ms": 2 * p50, "errors": 0, "sustained_per_s": rate}
    return {**one, "load": [{"sustained_per_s": rate, "steps": steps}]}


RESULT = {
    "commit": "abc", "cores": 2, "features": ["amx_bf16"], "python": "3.11", "versions": {"torch": "2"}, "peer_versions": {"txtai": "9"},
    "load_before": [0.1, 0.2, 0.3], "load_after": [2.5, 1.0, 1.0], "failed": {"chromadb": "it said nothing"},
    "encoding": {
        "passages": 2000, "tokens_per_passage": 162.4, "ours_per_s": 170.0, "ratio": 5.5,
        "sentence_transformers_per_s": 30.9, "cosine_worst": 0.9999, "precision": "bf16", "bare_per_s": 200.0,
        "bare_gflops": 700, "product_gflops": 2800, "share_of_product": 0.25,
    },
    "indexing": [
        {"passages": 2001, "rounds": 3, "ours_per_s": 150.0, "txtai_per_s": 25.0, "ratio": 6.0,
         "encoder_share": 0.9, "stages_s": {"encode": 12.0}, "cosine_worst": 0.9998},
    ],
    "searching": {"passages": 10_001, "ratio": 3.0, "ours": served(10.0, 90.0), "txtai": served(20.0, 30.0)},
    "vectors": {"rows": 10_001, "engines": {
        "ours": {"build_s": 0.0, "step": "exact", "p50_ms": 0.5, "recall_at_10": 1.0},
        "hnswlib": {"build_s": 2.5, "version": "0.8.0", "p50_ms": 0.1, "recall_at_10": 0.98},
    }},
}  # fmt: skip


def test_the_short_table_has_a_line_a_comparison() -> None:
    section = speed_section(RESULT)
    assert section.splitlines()[:3] == [
        "|  | ours | beside it | times |",
        "|---|---|---|---|",
        "| passages encoded, 2,000 of 162 tokens | 170.0/s | sentence-transformers `encode` 30.9/s | 5.50 |",
    ]
    assert "| passages indexed, 2,001 | 150.0/s | txtai 25.0/s | 6.00 |" in section
    among = "| search over HTTP among 10,001 passages, p50, p99 | 10.0 ms, 20.0 ms | txtai 20.0 ms, 40.0 ms"
    assert f"{among} | 2.00 |\n| searches sustained among 10,001 passages | 90.0/s | txtai 30.0/s" in section
    alone = {**RESULT, "searching": {**RESULT["searching"], "txtai": None}}
    assert "| 10.0 ms, 20.0 ms | txtai did not run |  |" in speed_section(alone)


def test_the_long_table_has_steps_vectors_failures_and_the_machine() -> None:
    section = full_section(RESULT)
    assert "makes 200.0/s: 700 GFLOP/s, 25 % of the 2,800 that" in section
    assert (
        "The encoder is at work for 90 % of our build of 2,001 passages (median of 3). Worst cosine"
        in section
    )
    assert (
        "| ours | 90.0/s | 200 | 0 | 10 ms | 240 ms | yes |\n| ours | 180.0/s | 200 | 0 | 10 ms | 251"
        in section
    )
    assert (
        "| ours (`exact`) | 0.0 s | 0.500 ms | 1.000 |\n| hnswlib 0.8.0 | 2.5 s | 0.100 ms | 0.980 |"
        in section
    )
    assert "chromadb has no figures: it said nothing" in section
    assert "Python 3.11, torch 2; beside it txtai 9." in section
    assert section.endswith("Load of the machine before 0.1, after 2.5.")
    news = {name: RESULT[name] for name in RESULT if name not in ("encoding", "indexing")}
    assert "searches sustained among 10,001" in full_section(news) and "GFLOP" not in full_section(news)
