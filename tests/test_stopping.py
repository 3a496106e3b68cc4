"""SIGTERM to a real server under load: not ready first, then nothing is lost, then it ends."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path

import pytest

from tests.live import PATIENCE_S

ROOT = Path(__file__).parent.parent
SERVE = """
import sys, time, uvicorn
from pathlib import Path
from passage_index.snapshot import open_snapshot
from search_api.app import create_app
from search_api.searcher import Searcher
from search_api.server import server_options
from search_api.settings import Settings
from tests.fakes import FakeEncoder

settings = Settings(index=Path(sys.argv[1]), port=0, reader="none", drain_s=4.0, grace_s=20)
searcher = Searcher(open_snapshot(settings.index), FakeEncoder())
search = searcher.search
searcher.search = lambda request: (time.sleep(0.4), search(request))[1]
server = uvicorn.Server(uvicorn.Config(create_app(settings, searcher), **server_options(settings)))
started = server.startup

async def startup(sockets=None):
    await started(sockets)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)

server.startup = startup
server.run()
"""


def asked(port: int, path: str) -> tuple[int, str]:
    line = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        line.request("GET", path)
        reply = line.getresponse()
        return reply.status, reply.read().decode()
    finally:
        line.close()


def test_it_is_not_ready_first_and_what_is_under_way_is_finished(index: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-c", SERVE, str(index)]
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True, cwd=ROOT
    ) as running:
        assert running.stdout is not None
        port = int(running.stdout.readline())
        outcomes: list[int] = []
        is_refused = threading.Event()

        def ask() -> None:
            while not is_refused.is_set():
                try:
                    outcomes.append(asked(port, "/v1/search?q=goats")[0])
                except RemoteDisconnected:  # taken, and not answered
                    outcomes.append(0)
                except (ConnectionRefusedError, ConnectionResetError):  # it takes no more
                    is_refused.set()

        askers = [threading.Thread(target=ask) for _ in range(8)]
        for one in askers:
            one.start()
        time.sleep(1.0)
        assert asked(port, "/readyz")[0] == 200
        running.send_signal(signal.SIGTERM)
        told = (200, "")
        until_s = time.monotonic() + PATIENCE_S
        while told[0] == 200 and time.monotonic() < until_s:
            told = asked(port, "/readyz")
        assert told[0] == 503 and json.loads(told[1])["detail"].startswith("the service ends")
        assert asked(port, "/healthz")[0] == 200
        for one in askers:
            one.join(PATIENCE_S)
        assert running.wait(PATIENCE_S) in (0, -signal.SIGTERM)
    assert len(outcomes) > 8 and set(outcomes) <= {200, 503}
    assert outcomes.count(200) > 4


@pytest.mark.parametrize("drain_s", [0.0, 1.0])
def test_outside_the_main_thread_signals_are_left_alone(drain_s: float) -> None:
    from search_api.server import slow_end

    before = signal.getsignal(signal.SIGTERM)
    entered: list[object] = []

    def enter() -> None:
        with slow_end(drain_s, lambda: None):
            entered.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join(PATIENCE_S)
    assert entered == [before]
