"""Every request that the API's description allows, and many that it does not: schemathesis on a real server."""

import os
import secrets
import subprocess
from pathlib import Path

import pytest

from bench.servers import ENVIRONMENT
from bench.soak import serving
from indexer.build import BuildOptions, build
from passage_index.model_files import default_cache
from passage_index.transformer import load_encoder

ROOT = Path(__file__).parent.parent.parent
TOOL = Path(os.environ.get("SCHEMATHESIS") or ROOT / ".tools" / "bin" / "schemathesis")
EXAMPLES = os.environ.get("EXAMPLES") or "15"  # a property and operation

pytestmark = pytest.mark.hostile


@pytest.mark.skipif(not TOOL.exists(), reason="no .tools/ here: it is made by `make test-hostile`")
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    cache, key = default_cache(), secrets.token_urlsafe(32)
    build([ROOT / "corpus"], tmp_path / "index", load_encoder(), BuildOptions(cache=cache))
    with serving(tmp_path / "index", cache, key, tmp_path / "server.log") as (_, port):
        command = [
            str(TOOL), "--config-file", str(Path(__file__).with_name("schemathesis.toml")), "run",
            f"http://127.0.0.1:{port}/openapi.json", "--phases", "examples,coverage,fuzzing,stateful",
            "--checks", "all", "--exclude-checks", "allow_header_conformance", "--max-examples", EXAMPLES, "--continue-on-failure", "--no-color",
        ]  # fmt: skip
        environment = {**ENVIRONMENT, "HOSTILE_KEY": key}
        run = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
    assert run.returncode == 0, run.stdout[-6000:]
    log = (tmp_path / "server.log").read_text(encoding="utf-8")
    assert "Traceback" not in log
