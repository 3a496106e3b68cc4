"""`python -m manual`: writes the generated tables of docs/; with --check only looks; with --run runs blocks.

--check         exit code 1 where a table is old or a block of code cannot be right
--run PAGE...   also run every block of code of these pages, or of all: minutes
"""

import sys

from manual.blocks import blocks, faults
from manual.pages import ROOT, stale_pages
from manual.running import outcomes


def main(arguments: list[str]) -> int:
    """Exit code 1 where something is wrong."""
    if "--run" in arguments:
        return _run(arguments[arguments.index("--run") + 1 :])
    stale = stale_pages()
    for page, text in stale:
        name = page.relative_to(ROOT)
        if "--check" in arguments:
            print(f"{name}: a table is not what the code says; run `make docs`", file=sys.stderr)
        else:
            page.write_text(text, encoding="utf-8")
            print(f"{name}: written")
    if "--check" not in arguments:
        return 0
    wrong = [fault for block in blocks() for fault in faults(block)]
    for fault in wrong:
        print(fault, file=sys.stderr)
    return int(bool(stale or wrong))


def _run(pages: list[str]) -> int:
    counts = {"ran": 0, "failed": 0, "not run": 0}
    for one in outcomes(pages):
        said = "not run" if one.why else "failed" if one.fault else "ran"
        counts[said] += 1
        print(
            f"{one.block.place}: {said}{': ' if one.why or one.fault else ''}{one.why or one.fault or ''}",
            flush=True,
        )
    print(", ".join(f"{count} {said}" for said, count in counts.items()), file=sys.stderr)
    return int(counts["failed"] > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
