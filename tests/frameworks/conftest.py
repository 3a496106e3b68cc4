"""What the frameworks' tests ask: a real `search-api serve` over the sample corpus, on loopback.

Run by `make test-frameworks`, in an environment that has the frameworks and the client alone. The server runs
under the project's own interpreter, which SEARCH_PYTHON names.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parent.parent.parent
PATIENCE_S = 180.0

collect_ignore: list[str] = []
if "SEARCH_PYTHON" not in os.environ:  # the default suite: these tests say why they are skipped
    collect_ignore = ["test_langchain.py", "test_llama_index.py", "test_haystack.py", "test_openai.py"]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address."""
    python, folder = os.environ["SEARCH_PYTHON"], tmp_path_factory.mktemp("served")
    index, said = folder / "index", folder / "said.txt"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "SEARCH_READER": "none"}
    build = [python, "-m", "indexer", "build", str(ROOT / "corpus"), "--index", str(index)]
    subprocess.run(build, check=True, env=environment, cwd=ROOT, capture_output=True, timeout=PATIENCE_S)
    with said.open("w") as messages:
        line = [python, "-m", "search_api", "serve", "--index", str(index), "--port", str(_free_port())]
        running = subprocess.Popen(line, stderr=messages, env=environment, cwd=ROOT)
    try:
        base = f"http://127.0.0.1:{line[-1]}"
        _await(base, running, said)
        yield base
    finally:
        running.terminate()
        running.wait(PATIENCE_S)


def _free_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _await(base: str, running: "subprocess.Popen[bytes]", said: Path) -> None:
    begun_s = time.monotonic()
    while time.monotonic() - begun_s < PATIENCE_S:
        assert running.poll() is None, said.read_text()
        try:
            if httpx.get(f"{base}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(said.read_text())
