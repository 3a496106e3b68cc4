"""What the tests of real nodes measured, told at the end of their run."""

from collections.abc import Iterator

import pytest

_TOLD = pytest.StashKey[dict[str, str]]()


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Iterator[dict[str, str]]:
    """Put in what was measured, under what it is."""
    yield pytestconfig.stash.setdefault(_TOLD, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print them."""
    told = terminalreporter.config.stash.get(_TOLD, {})
    if told:
        terminalreporter.section("figures of this run; the machine's load is in them")
        for what, figure in told.items():
            terminalreporter.line(f"{what}: {figure}")
