"""What is installed is what was tested: hashes for every version, and a licence for every package."""

import re
from pathlib import Path

from manual.licences import PROJECT, closure, licence

ROOT = Path(__file__).parent.parent
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s\\]+)", re.MULTILINE)


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file: str) -> dict[str, str]:
    return {plain(name): version for name, version in PIN.findall((ROOT / file).read_text(encoding="utf-8"))}


def test_every_version_in_the_lock_is_the_one_that_was_tested_and_has_hashes() -> None:
    locked, tested = pins("requirements.lock"), pins("constraints.txt")
    other = {
        name: (version, tested[name])
        for name, version in locked.items()
        if tested.get(name, version) != version
    }
    assert other == {}, "run `make lock`"
    assert "torch" not in locked, "its build differs by machine: it is installed by its version"
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block[:60]


def test_the_lock_names_all_that_the_project_needs() -> None:
    needed = {plain(str(one.metadata["Name"])) for one in closure(PROJECT, frozenset())}
    assert "starlette" in needed
    assert needed - pins("requirements.lock").keys() - {"torch"} == set(), "run `make lock`"


def test_every_package_states_its_licence() -> None:
    stated = {str(one.metadata["Name"]): licence(one) for one in closure(PROJECT, frozenset())}
    assert [name for name, said in stated.items() if said == "not stated"] == []
    assert (stated["lxml"], stated["starlette"]) == ("BSD-3-Clause", "BSD-3-Clause")
