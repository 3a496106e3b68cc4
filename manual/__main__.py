"""`python -m manual`: writes the generated tables of docs/; with --check only says which are old."""

import sys

from manual.pages import ROOT, stale_pages


def main(arguments: list[str]) -> int:
    """Exit code 1 where --check found an old table."""
    stale = stale_pages()
    for page, text in stale:
        name = page.relative_to(ROOT)
        if "--check" in arguments:
            print(f"{name}: a table is not what the code says; run `make docs`", file=sys.stderr)
        else:
            page.write_text(text, encoding="utf-8")
            print(f"{name}: written")
    return int("--check" in arguments and bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
