"""How much faster two Ray nodes build than one: told, not judged, for it is the machine's load that decides."""

from pathlib import Path

import pytest

from bench.ray_build import CLOSE, measured, speed_up
from bench.ray_nodes import missing

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]
SCIFACT = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "scifact" / "corpus.jsonl.gz"


@pytest.mark.skipif(not SCIFACT.exists(), reason=f"{SCIFACT} is not there")
def test_one_node_and_two_make_what_a_build_alone_makes(figures: dict[str, str]) -> None:
    runs = measured(SCIFACT, 200)
    for name in ("1 node", "2 nodes"):
        assert runs[name]["likeness"]["same_passages"] and runs[name]["likeness"]["least_cosine"] >= CLOSE
    figures["two Ray nodes beside one, reading and encoding"] = (
        f"{speed_up({'runs': runs}):.2f} times as fast; whole command alone "
        f"{runs['alone']['command_s']} s, one node {runs['1 node']['command_s']} s, "
        f"two {runs['2 nodes']['command_s']} s"
    )
