"""`make licences`: what this project is built on, and under which licences, as the packages say themselves.

With --pins the same as requirements, for `make lock`; without torch, whose build differs by machine.

Walks from the project through what each package requires, extras included only where they are asked for.
Knows no law. installed packages -> lines: name, version, licence
"""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any

PROJECT = "article-search"
_REQUIREMENT = re.compile(r"([A-Za-z0-9][\w.-]*)\s*(?:\[([^\]]*)\])?[^;]*(?:;(.*))?")
_EXTRA = re.compile(r"extra\s*==\s*[\"']([\w.-]+)[\"']")
LONGEST = 60  # some packages put the whole text there


def licence(package: Distribution) -> str:
    """The licence that a package states: as an expression, else as a classifier, else in its own words."""
    said: Any = package.metadata  # an email message, which its protocol does not say whole
    if expression := said.get("License-Expression"):
        return str(expression)
    kinds = [
        one.rpartition(" :: ")[2]
        for one in said.get_all("Classifier") or ()
        if one.startswith("License :: ") and not one.endswith("OSI Approved")
    ]
    words = " ".join(str(said.get("License") or "").split())
    return ", ".join(kinds) or (words[:LONGEST] if words else "not stated")


def closure(project: str, extras: frozenset[str]) -> Iterator[Distribution]:
    """Every installed package that the project needs, each once; what is not installed here is left out."""
    waiting, seen = [(project, extras)], set[str]()
    while waiting:
        name, wanted = waiting.pop()
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        if _plain(name) not in seen:
            seen.add(_plain(name))
            if name != project:
                yield package
            waiting += _needed(package, wanted)


def _needed(package: Distribution, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for line in package.requires or ():
        found = _REQUIREMENT.match(line)
        assert found is not None, line
        extra = _EXTRA.search(found[3] or "")
        if extra is None or extra[1] in extras:
            yield found[1], frozenset(filter(None, (found[2] or "").replace(" ", "").split(",")))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    """Print the table; extras as arguments, `dev` for the tools of developers."""
    extras = frozenset(sys.argv[1:]) - {"--pins"}
    packages = sorted(closure(PROJECT, extras), key=lambda one: str(one.metadata["Name"]).lower())
    for package in packages:
        name = str(package.metadata["Name"])
        if "--pins" not in sys.argv:
            sys.stdout.write(f"{name:32} {package.version:14} {licence(package)}\n")
        elif name != "torch":
            sys.stdout.write(f"{name}=={package.version}\n")


if __name__ == "__main__":
    main()
