"""How a beginning may go on, from what the corpus itself holds: names, words and titles.

Of a longer beginning the last words are completed where the whole is the beginning of nothing.
beginning -> Suggestions, in most articles first
"""

from collections.abc import Iterator
from dataclasses import dataclass

from passage_index.backend import Backend
from passage_index.vocabulary import Completion, Kind
from search_api.question import STOP_WORDS

MOST_TAIL_WORDS = 4  # of a longer beginning that are completed
SHORTEST_TAIL = 2  # letters of one that is not the whole


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text to ask for, and in how many articles its completed part stands."""

    text: str
    kind: Kind
    articles: int


def suggestions(snapshot: Backend, beginning: str, limit: int) -> list[Suggestion]:
    """At most `limit` completions; capitals and accents do not count, stop words are not suggested."""
    for kept, tail in _tails(" ".join(beginning.split()) + " " * beginning[-1:].isspace()):
        found = [one for one in snapshot.vocabulary.beginning(tail, 2 * limit) if _is_worth_it(snapshot, one)]
        found = [one for one in found if not kept or one.kind != "title"]  # no question has a title behind it
        if found:
            texts = {one.text: one for one in reversed(found)}  # a title may be a name
            chosen = [one for one in found if texts[one.text] is one][:limit]
            return [Suggestion(kept + one.text, one.kind, one.articles) for one in chosen]
    return []


def _tails(beginning: str) -> Iterator[tuple[str, str]]:
    """(what is kept, what is completed): nothing and the whole, then ever fewer of the last words."""
    beginning = beginning.lstrip()
    if beginning:
        yield "", beginning
    words = beginning.split(" ")
    ended = words[-1:] == [""]
    for count in range(min(MOST_TAIL_WORDS + ended, len(words) - 1), 0, -1):
        tail = " ".join(words[-count:])
        if len(tail.strip()) >= SHORTEST_TAIL:
            yield beginning[: len(beginning) - len(tail)], tail


def _is_worth_it(snapshot: Backend, one: Completion) -> bool:
    """No stop word, and in an article that is still there; deleted ones are counted until a merge."""
    if one.text.lower().replace("’", "'") in STOP_WORDS:
        return False
    return not snapshot.manifest.deleted or snapshot.lexical.holds(snapshot.lexical.terms(one.text))
