"""How many searches a second a server sustains: 99 of 100 answered within a limit, none failed.

Open loop (pacing.py): the rate is decided before, each request is due at its time and timed from then on,
and every question is another one. The rate is doubled until it is too much, then the gap halved.
server, questions -> {"sustained_per_s", "steps"}
"""

import math
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from bench.pacing import Answer, PacedReader, Searches, figures

LIMIT_MS = 250.0
FIRST, LEAST, MOST = 8.0, 0.5, 1024.0  # searches a second
HALVINGS = 3  # of the gap between what is held and what is not: to about 9 %
REQUESTS = 150  # a step at least, so that a 99th of a hundred is one
LONGEST = 3  # times as long as usual, where that few come in the usual time


def highest(held: Callable[[float], bool], first: float = FIRST) -> float:
    """The highest rate between LEAST and MOST that was held, 0.0 if none was; `held` tries one."""
    rate, low, high = first, 0.0, 0.0
    while not (low and high):
        if not LEAST <= rate <= MOST:
            return low
        if held(rate):
            low, rate = rate, rate * 2
        else:
            high, rate = rate, rate / 2
    for _ in range(HALVINGS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if held(middle) else (low, middle)
    return low


def paced(searches: Searches, questions: Iterator[str], per_second: float, seconds: float) -> dict[str, Any]:
    """One rate for a while: figures of all that was due, those without an answer among the errors."""
    usual = seconds * per_second
    count = max(round(max(usual, min(REQUESTS, LONGEST * usual))), 1)
    with PacedReader(searches, list(islice(questions, count)), per_second, count) as reader:
        answers = reader.between(reader.begun_s, reader.begun_s + count / per_second)
    ended_s = time.monotonic()
    known = {one.due_s for one in answers}
    due = (reader.begun_s + number / per_second for number in range(count))
    lost = [Answer(due_s, ended_s - due_s, 0) for due_s in due if due_s not in known]
    return {"per_second": round(per_second, 2), **figures([*answers, *lost])}


def sustained(searches: Searches, questions: Iterator[str], seconds: float) -> dict[str, Any]:
    """The highest rate within LIMIT_MS, and every rate that was tried."""
    steps: list[dict[str, Any]] = []

    def held(rate: float) -> bool:
        steps.append(paced(searches, questions, rate, seconds))
        return bool(steps[-1]["errors"] == 0 and steps[-1]["p99_ms"] <= LIMIT_MS)

    return {"sustained_per_s": round(highest(held), 2), "steps": steps}


def one_client(searches: Searches, questions: Iterator[str], count: int) -> dict[str, Any]:
    """One question after another, each when the one before is answered."""
    answers = []
    for question in islice(questions, count):
        begun_s = time.monotonic()
        reply = searches.reply(question)
        answers.append(Answer(begun_s, time.monotonic() - begun_s, reply.status))
    return figures(answers)
