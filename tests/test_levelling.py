"""The refined confidence: as strict in small corpora as in large ones, and wiser by the figure that is added."""

import math
import zlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench import levelling
from bench.levelling import REFUSED, levelled, refined
from search_api.answers.confidence import summed
from search_api.settings import Settings

FITTED = {"bias": -1.0, "weights": {"choice": 1.0, "size": 0.0}}


def _asked(dice: np.random.Generator, small: bool, is_right: bool, number: int) -> Any:
    size = 3.0 if small else 8.0
    # In a large corpus something like an answer is always found, so that all sums are higher.
    choice = dice.normal(2.0 * is_right + (0.0 if small else 3.0))
    seen = {"choice": choice, "size": size, "own_named": float(is_right or dice.random() < 0.5)}
    held = bool(zlib.crc32(str(number).encode()) % 2)
    return SimpleNamespace(small=small, harder=False, every=[1], seen=seen, is_right=is_right, held_out=held)


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(levelling, "_seen", lambda one: one.seen)
    monkeypatch.setattr(levelling, "_is_right", lambda one: one.is_right)
    dice = np.random.default_rng(3)

    def drawn(is_right: bool) -> list[Any]:
        return [_asked(dice, small, is_right, n) for small in (False, True) for n in range(300)]

    return {"a": (drawn(True), drawn(False)), "b": (drawn(True), drawn(False))}


def _refused(groups: dict[str, Any], fitted: dict[str, Any], small: bool) -> float:
    threshold = Settings().ask_from
    sums = [
        summed(one.seen, fitted) for _, outside in groups.values() for one in outside if one.small == small
    ]
    return float(np.mean(np.array(sums) < math.log(threshold / (1 - threshold))))


def test_the_default_threshold_refuses_the_same_share_in_small_and_large_corpora(
    groups: dict[str, Any],
) -> None:
    before = [_refused(groups, FITTED, small) for small in (True, False)]
    assert abs(before[0] - before[1]) > 0.3
    after = [_refused(groups, levelled(groups, FITTED), small) for small in (True, False)]
    assert after == pytest.approx([REFUSED, REFUSED], abs=0.02)


def test_what_is_added_tells_right_from_wrong(groups: dict[str, Any]) -> None:
    fitted = refined(groups, FITTED)
    assert fitted["weights"]["own_named"] > 0.5 and fitted["weights"]["choice"] > 0
    without = levelled(groups, FITTED)

    def given(numbers: dict[str, Any]) -> float:
        threshold = Settings().ask_from
        sums = [summed(one.seen, numbers) for inside, _ in groups.values() for one in inside]
        return float(np.mean(np.array(sums) >= math.log(threshold / (1 - threshold))))

    assert given(fitted) > given(without) + 0.05
