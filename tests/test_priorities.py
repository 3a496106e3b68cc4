"""What answers connections goes first, and garbage is not looked for among what stays."""

import gc
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from fastapi.testclient import TestClient

from search_api.priorities import NICER, NICEST, aside, give_way, settle

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a thread has no priority of its own")


def priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, 0)


def started() -> int:
    """The priority of a thread that the calling one starts."""
    with ThreadPoolExecutor(1) as one:
        return one.submit(priority).result()


def test_a_thread_gives_way_with_all_that_it_starts_and_nobody_else_does() -> None:
    before = priority()
    expected = min(os.getpriority(os.PRIO_PROCESS, os.getpid()) + NICER, NICEST)
    assert aside(lambda: (priority(), started())) == (expected, expected)
    assert (priority(), started()) == (before, before)


def test_to_give_way_twice_is_to_give_way_once() -> None:
    def twice() -> tuple[int, int]:
        give_way()
        return priority(), started()

    assert len(set(aside(twice))) == 1


def test_a_system_that_forbids_it_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", forbidden)
    assert aside(lambda: 7) == 7


def test_searches_and_the_encoder_give_way(client: TestClient) -> None:
    assert client.get("/v1/search", params={"q": "barometer"}).status_code == 200
    found = set()
    for one in threading.enumerate():
        if one.name.startswith(("search_", "question-encoder")) and one.native_id is not None:
            with suppress(ProcessLookupError):  # a thread of another client that ends just now
                found.add(os.getpriority(os.PRIO_PROCESS, one.native_id))
    assert found == {min(os.getpriority(os.PRIO_PROCESS, os.getpid()) + NICER, NICEST)}


def test_what_is_there_when_it_settles_is_not_looked_through_again() -> None:
    try:
        settle()
        assert gc.get_freeze_count() > 1000
    finally:
        gc.unfreeze()
