"""A real server for tests, on a thread of its own, and raw connections to it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from fastapi import FastAPI

from search_api.server import server_options
from search_api.settings import Settings

PATIENCE_S = 30.0


@contextmanager
def live(app: FastAPI, settings: Settings) -> Iterator[int]:
    """Serve the app; gives the port."""
    server = uvicorn.Server(uvicorn.Config(app, **server_options(settings) | {"port": 0}))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until_s = time.monotonic() + PATIENCE_S
    while not server.started:
        assert time.monotonic() < until_s and thread.is_alive(), "no server"
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "the server does not end"


def connected(port: int, sent: bytes = b"") -> socket.socket:
    """A connection that has sent this."""
    line = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    line.sendall(sent)
    return line


def answer_of(line: socket.socket) -> bytes:
    """All that comes until the server closes; fails where it does not in time."""
    told = b""
    with line, suppress(ConnectionResetError):
        while part := line.recv(65536):
            told += part
    return told
