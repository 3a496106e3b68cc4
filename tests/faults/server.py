"""The HTTP service with the fake encoder, as a process of its own: `python -m tests.faults.server INDEX CACHE`.

Says its port on stdout. Follows the index as the real one does, but looks ten times a second.
"""

import socket
import sys
from pathlib import Path

import uvicorn

from passage_index.encoder import EncoderIdentity
from search_api import generations
from search_api.app import create_app
from search_api.settings import Settings
from tests.fakes import FakeEncoder


def _fake(_identity: EncoderIdentity, _cache: Path, _model: str | None, threads: int) -> FakeEncoder:
    return FakeEncoder()


def main(index: Path, cache: Path) -> None:
    generations.load_indexed_encoder = _fake  # type: ignore[assignment]
    settings = Settings(index=index, cache=cache, poll_s=0.1, kept_for_s=5)
    listening = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(uvicorn.Config(create_app(settings), log_config=None)).run([listening])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
