"""Write the README's tables from result files, so that no figure is typed by hand.

python -m bench.tables [QUALITY.json] [SPEED.json]     default: the newest of each in bench/results/
"""

import json
import sys
from pathlib import Path
from typing import Any

from bench.quality import table

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"


def newest(pattern: str) -> Path:
    """The latest result file of a kind."""
    return max(RESULTS.glob(pattern), key=lambda file: file.stat().st_mtime)


def quality_section(results: dict[str, Any]) -> str:
    """The table of one `make eval`."""
    commits = {name: result["commit"] for name, result in results["collections"].items()}
    places = "; ".join(
        f"{commit}: {', '.join(name for name, at in commits.items() if at == commit)}"
        for commit in dict.fromkeys(commits.values())
    )
    return f"{table(results['collections'])}\n\nMeasured by `make eval` at commit {places}."


def speed_section(figures: dict[str, Any]) -> str:
    """One row of one `make bench`."""
    return (
        "| passages | tokens a passage | ours | sentence-transformers `encode` | ratio | worst cosine |\n"
        "|---|---|---|---|---|---|\n"
        f"| {figures['passages']:,} | {figures['tokens_per_passage']} | {figures['ours_per_s']}/s "
        f"| {figures['sentence_transformers_per_s']}/s | {figures['ratio']} | {figures['cosine_worst']} |\n\n"
        f"Measured at commit {figures['commit']} on {figures['cores']} cores by `make bench`, in one run."
    )


def put(text: str, name: str, section: str) -> str:
    """Replace what stands between the two markers of a section."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, rest = text.split(begin)
    return f"{before}{begin}\n{section}\n{end}{rest.split(end)[1]}"


def main() -> None:
    """Rewrite README.md in place."""
    given = [Path(argument) for argument in sys.argv[1:]]
    quality = given[0] if given else newest("quality-*.json")
    speed = given[1] if len(given) > 1 else newest("speed-*.json")
    readme = ROOT / "README.md"
    text = put(readme.read_text(), "quality", quality_section(json.loads(quality.read_text())))
    readme.write_text(put(text, "speed", speed_section(json.loads(speed.read_text()))))


if __name__ == "__main__":
    main()
