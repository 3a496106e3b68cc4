"""Twice the input takes at most two and a half times as long: splitting, dates, reading, every pattern.

Time is the processor's, the middle of several, and what is too quick to be measured is made longer first.
"""

import ast
import importlib
import pkgutil
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import pytest

import indexer
import passage_index
import search_api
from indexer.chunking import Chunking, split_article
from indexer.dates import parse_published, split_date_line
from indexer.readers.front_matter import split_front_matter
from indexer.readers.markup import fragment_text
from indexer.readers.normal_form import normalise_text
from indexer.readers.records import Unfit
from indexer.sentences import split_paragraphs, split_sentences
from passage_index.lexical import compounds, searchable
from passage_index.types import Article
from search_api.answers.writing.quotes import place
from search_api.question import free_words, without_stop_words
from search_api.reading.attribution import who_says
from search_api.reading.dates import event_dates
from search_api.reading.expectation import expected
from search_api.reading.quantities import quantities
from search_api.reading.spans import spans

pytestmark = pytest.mark.hostile

UNITS = (
    "a", "A", "é", "1", " ", "\n", "漢字。", "a ", "A. ", "A b.\n\n", "a\n", "1,", "1.", "1. ", "1/", "-", "- a\n", ".", ". ",
    "!", "a!?", '"', '"A b c. ', "“A. ", "(a ", "[", "a.)”", "'a", "a's ", "a-", "a.b", "e.g. ", "Mr. A said. “Then. ",
    "A B ", "U.S. ", "January 1, ", "1 January ", "Monday ", "last week ", "the week before ", "between 1 and ", "10 percent ",
    "million ", "$1 ", "five hundred ", "said ", "he said, ", "who ", "of the ", ", and ", ";", ":", "http://", "&amp;", "<a ",
    "<", "</a>", "x=", '="', "|", "*", "#", "`", "date: 2020-01-01 ",
)  # fmt: skip
PACKAGES = (passage_index, indexer, search_api)
LEAST_S, MOST_RATIO, LONGEST = 0.01, 2.5, 1 << 16

END = "\0!"  # what no pattern that has begun on the text before it can end with

AT_ONE_PLACE = {"match", "fullmatch"}  # methods that begin there and nowhere else
HANGS_S = 10  # a look that takes longer is stopped: `re` lets a signal in


def count(texts: Any) -> list[int]:
    return [len(text.split()) for text in texts]


def split(text: str) -> None:
    split_article(Article(id="a", text=text or "a", title="", language="en"), count, Chunking())


def marked_up(text: str) -> None:
    with suppress(Unfit):  # of too many attributes, or nested too deeply
        fragment_text(f"<p>{text}")


FUNCTIONS: dict[str, Callable[[str], Any]] = {
    "normalise_text": normalise_text,
    "split_paragraphs": split_paragraphs,
    "split_sentences": partial(split_sentences, language="en"),
    "split_sentences uk": partial(split_sentences, language="uk"),
    "split_article": split,
    "parse_published": parse_published,
    "split_date_line": split_date_line,
    "split_front_matter": lambda text: split_front_matter(f"---\n{text}"),
    "fragment_text": marked_up,
    "searchable": searchable,
    "compounds": lambda text: compounds(f"-b,{text}"),
    "event_dates": lambda text: event_dates(text, None),
    "quantities": quantities,
    "who_says": lambda text: who_says(text, 0, min(len(text), 9)),
    "spans": lambda text: spans(text, expected("How many people were killed?")),
    "place": lambda text: place(text, "a quote that is long enough to be one"),
}
# What reads questions gets no more than the 1,000 characters that a question may have.
OF_QUESTIONS: dict[str, Callable[[str], Any]] = {
    "expected": expected, "free_words": free_words, "without_stop_words": without_stop_words,
}  # fmt: skip


def taken(function: Callable[[str], Any], text: str, rounds: int = 1) -> float:
    def once() -> float:
        begun = time.process_time()
        function(text)
        return time.process_time() - begun

    return median(once() for _ in range(rounds))


def grows(function: Callable[[str], Any], unit: str, tail: str = "") -> str | None:
    """What twice a long enough text takes, where that is too much."""
    size = 2048
    while taken(function, unit * (size // len(unit)) + tail) < LEAST_S:
        size *= 2
        if size > LONGEST:
            return None
    for rounds in (1, 5, 9):  # looked at again before it is called a fault
        one = taken(function, unit * (size // len(unit)) + tail, rounds)
        two = taken(function, unit * (2 * size // len(unit)) + tail, rounds)
        if two <= MOST_RATIO * one:
            return None
    return f"{unit!r}: {one:.3f} s for {size}, {two:.3f} s for twice as much"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_time_is_linear_in_the_input(name: str) -> None:
    assert [found for unit in UNITS if (found := grows(FUNCTIONS[name], unit))] == []


@pytest.mark.parametrize("name", OF_QUESTIONS)
def test_a_question_of_any_kind_is_read_at_once(name: str) -> None:
    for unit in UNITS:
        assert taken(OF_QUESTIONS[name], (unit * 1000)[:1000], 3) < 0.1, unit


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Every compiled pattern that a module of ours holds, by itself or in a table, and its place."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            try:
                found = importlib.import_module(module.name)
            except ImportError:  # an extra that is not installed
                continue
            for name, value in vars(found).items():
                yield from ((f"{module.name}.{name}", one) for one in _within(value))


def _within(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict) and depth < 3:
        for one in value.values():
            yield from _within(one, depth + 1)
    elif isinstance(value, list | tuple | set | frozenset) and depth < 3:
        for one in value:
            yield from _within(one, depth + 1)


def uses() -> dict[str, set[str]]:
    """Every name by its module -> the methods called on it anywhere, "" where it is used in another way."""
    found: dict[str, set[str]] = {}
    for package in PACKAGES:
        root = Path(package.__path__[0])
        for file in root.rglob("*.py"):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            here = ".".join(file.relative_to(root.parent).with_suffix("").parts)
            called = {id(one.value): one.attr for one in ast.walk(tree) if isinstance(one, ast.Attribute)}
            origin = {
                alias.asname or alias.name: f"{one.module}.{alias.name}"
                for one in ast.walk(tree)
                if isinstance(one, ast.ImportFrom)
                for alias in one.names
            }
            for one in ast.walk(tree):
                if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load):
                    place = origin.get(one.id, f"{here}.{one.id}")
                    found.setdefault(place, set()).add(called.get(id(one), ""))
    return found


def found_by(pattern: re.Pattern[Any], is_searched: bool, text: str) -> None:
    """All that it finds, or what it finds at the beginning."""
    given = text.encode() if isinstance(pattern.pattern, bytes) else text
    if not is_searched:
        pattern.match(given)
        pattern.fullmatch(given)
        return
    for _ in pattern.finditer(given):
        pass


@contextmanager
def stopped(seconds: int) -> Iterator[None]:
    """Raises TimeoutError inside, when so much of the processor's time is spent."""

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def slow_on(look: Callable[[str], Any], unit: str) -> str | None:
    """What twice the text takes, where that is too much, or where it takes for ever."""
    try:
        with stopped(HANGS_S):
            spent = taken(look, unit * (2048 // len(unit)) + END)
            return grows(look, unit, END) if spent > 0.002 else None
    except TimeoutError:
        return f"{unit!r}: more than {HANGS_S} s"


def test_every_pattern_is_linear_on_texts_that_are_made_to_slow_it_down() -> None:
    """One that the sources only match at one place is matched at one; all others are searched for."""
    methods, seen = uses(), {}
    for name, pattern in patterns():
        is_searched = not methods.get(name, {""}) <= AT_ONE_PLACE
        place, was_searched = seen.get((pattern.pattern, pattern.flags), (name, False))
        seen[pattern.pattern, pattern.flags] = (place, is_searched or was_searched)
    assert len(seen) > 100
    assert sum(is_searched for _, is_searched in seen.values()) > 80
    slow = [
        f"{name} {told}"
        for (source, flags), (name, is_searched) in seen.items()
        for unit in UNITS
        if (told := slow_on(partial(found_by, re.compile(source, flags), is_searched), unit))
    ]
    assert slow == []
