"""Who says it: the speaker of a sentence or a quotation in an article, by rules over its words.

Reads the sentence itself, else the sentences on which a quotation that holds it begins and ends, else the
quotation before it that it goes on from. A pronoun is resolved to the nearest speaker named in the two
sentences before, and only where one alone comes into question; otherwise nobody is named. English, with
Ukrainian and Russian basics. Knows nothing of passages or truth. text, span -> Attribution | None
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from passage_index.types import Span
from search_api.reading.known_names import FEMALE_NAMES, FIRST_NAMES, MALE_NAMES, ORGANISATION_WORDS
from search_api.reading.lexicon import PRONOUNS
from search_api.reading.names import names
from search_api.reading.question_nouns import PERSON_NOUNS
from search_api.reading.quotations import quotations
from search_api.reading.speech import Saying, sayings
from search_api.reading.tokens import Token, sentence_starts, tokens

AttributionKind = Literal["said", "according to", "quoted"]
Resolution = Literal["pronoun", "continued"]

_BEFORE, _AFTER = 1_500, 800  # characters read before and after what is asked about
_SENTENCES_BACK = 2
_QUOTES_BACK = 4
_PERSONAL = frozenset({"he", "she", "він", "вона", "он", "она"})
_HE = frozenset({"he", "він", "он"})
_THIRD = _PERSONAL | {"it", "they", "вони", "они"}
_LIKELY_PERSON = 0.6


@dataclass(frozen=True, slots=True)
class Attribution:
    """The speaker stands at text[start:end] and is `speaker`; `cue` is the word that tells it.

    kind: `quoted` where what was asked about stands in quotation marks, else how it is told.
    resolved: `pronoun` where the text says `he` and the speaker is named before, `continued` where a
    quotation goes on from one whose speaker is named; None where speaker and cue stand together.
    """

    speaker: str
    start: int
    end: int
    kind: AttributionKind
    cue: str
    resolved: Resolution | None = None


def who_says(text: str, start: int, end: int, sentences: Sequence[Span] | None = None) -> Attribution | None:
    """The speaker of text[start:end], or None where the text names none.

    text: of the article, or of any part of it; start, end and sentences count code points of this text.
    sentences: those that are known, ascending; without them they are found here.
    Reads at most some 2,300 characters around the span, in time in proportion to them.
    """
    if not 0 <= start < end <= len(text):
        raise ValueError(f"no span of a text of {len(text)} characters: {start} to {end}")
    return _Window(text, start, end, sentences).speaker()


class _Window:
    """The part of an article around a span: its tokens, sentences and quotations."""

    def __init__(self, text: str, start: int, end: int, sentences: Sequence[Span] | None) -> None:
        self._text = text
        self._span = (start, end)
        left = max(0, start - _BEFORE)
        left = text.find("\n", left, start) + 1 if left and text.find("\n", left, start) >= 0 else left
        self._words = tokens(text, left, min(len(text), end + _AFTER))
        self._starts = self._sentence_starts(sentences)
        self._quotes = quotations(self._words)
        self._quoted = [False] * len(self._words)
        for first, last in self._quotes:
            self._quoted[first:last] = [True] * (last - first)

    def _sentence_starts(self, sentences: Sequence[Span] | None) -> list[int]:
        if not sentences:
            return sentence_starts(self._words) or [0]
        offsets = [token.start for token in self._words]
        inside = {bisect_right(offsets, first - 1) for first, _ in sentences}
        return sorted({0} | {i for i in inside if i < len(self._words)})

    def speaker(self) -> Attribution | None:
        first, last = self._tokens_of_span()
        if first >= last:
            return None
        whole = range(self._sentence_of(first), self._sentence_of(last - 1) + 1)
        for sentence in whole:
            found = self._in_sentence(sentence, first, last)
            if found is not None:
                return found
        return self._of_quotation(first, last) or self._continued(whole[0])

    def _tokens_of_span(self) -> tuple[int, int]:
        start, end = self._span
        inside = [i for i, token in enumerate(self._words) if token.end > start and token.start < end]
        return (inside[0], inside[-1] + 1) if inside else (0, 0)

    def _sentence_of(self, token: int) -> int:
        return bisect_right(self._starts, token) - 1

    def _bounds(self, sentence: int) -> tuple[int, int]:
        following = sentence + 1
        return self._starts[sentence], self._starts[following] if following < len(self._starts) else len(
            self._words
        )

    def _sayings(self, sentence: int) -> list[Saying]:
        first, last = self._bounds(sentence)
        found = sayings(self._words[first:last], self._quoted[first:last])
        return [
            Saying((one.speaker[0] + first, one.speaker[1] + first), one.cue + first, one.manner)
            for one in found
        ]

    def _in_sentence(self, sentence: int, first: int, last: int) -> Attribution | None:
        """Of several, the one right before the span, else the first behind it, else the first."""
        found = self._sayings(sentence)
        if not found:
            return None
        ahead = [one for one in found if one.cue < first and max(one.speaker) <= first]
        after = [one for one in found if one.cue >= last]
        chosen = (
            ahead[-1] if ahead else after[0] if after and not self._holds(first, last, found) else found[0]
        )
        return self._attribution(chosen, sentence, self._quoted[first] or self._mostly_quoted(first, last))

    def _holds(self, first: int, last: int, found: list[Saying]) -> bool:
        return any(first <= one.cue < last for one in found)

    def _mostly_quoted(self, first: int, last: int) -> bool:
        return sum(self._quoted[first:last]) * 2 > last - first

    def _of_quotation(self, first: int, last: int) -> Attribution | None:
        """A quotation over several sentences is somebody's on whose sentence it begins or ends."""
        for begin, end in self._quotes:
            if begin < last and first < end:
                for sentence in (
                    self._sentence_of(end - 1),
                    self._sentence_of(begin),
                    self._sentence_before(begin),
                ):
                    if sentence is not None and (found := self._sayings(sentence)):
                        return self._attribution(found[0], sentence, quoted=True)
                return self._with_colon(begin)
        return None

    def _sentence_before(self, token: int) -> int | None:
        """The sentence that introduces a quotation by a colon."""
        introduced = token > 0 and self._words[token - 1].text == ":"
        return self._sentence_of(token - 1) if introduced else None

    def _with_colon(self, begin: int) -> Attribution | None:
        """`Moroz: “We left.”`"""
        if begin < 2 or self._words[begin - 1].text != ":":
            return None
        named = [one for one in names(self._words[max(0, begin - 8) : begin])]
        if not named or named[-1].last + max(0, begin - 8) != begin - 1:
            return None
        shift = max(0, begin - 8)
        speaker = (named[-1].first + shift, named[-1].last + shift)
        return self._made(speaker, "quoted", ":", None)

    def _continued(self, sentence: int) -> Attribution | None:
        """A quotation without a speaker of its own goes on from the one before it."""
        first, last = self._bounds(sentence)
        if not self._mostly_quoted(first, last):
            return None
        for back in range(sentence - 1, max(-1, sentence - 1 - _QUOTES_BACK), -1):
            begin, end = self._bounds(back)
            if not any(self._quoted[begin:end]):
                return None
            if found := self._sayings(back):
                before = self._attribution(found[-1], back, quoted=True)
                return before and self._made((0, 0), "quoted", before.cue, "continued", like=before)
        return None

    def _attribution(self, saying: Saying, sentence: int, quoted: bool) -> Attribution | None:
        kind: AttributionKind = "quoted" if quoted else saying.manner
        cue = self._words[saying.cue].text
        low = self._words[saying.speaker[0]].low
        if saying.speaker[1] - saying.speaker[0] == 1 and (low in PRONOUNS or low in _THIRD):
            named = self._named_before(low, saying, sentence)
            return named and self._made(named, kind, cue, "pronoun")
        return self._made(saying.speaker, kind, cue, None)

    def _named_before(self, pronoun: str, saying: Saying, sentence: int) -> tuple[int, int] | None:
        """The one speaker of the nearest sentence that has any, or else the one person named there."""
        if pronoun not in _THIRD:
            return None
        oldest = max(0, sentence - _SENTENCES_BACK)
        for back in range(sentence, oldest - 1, -1):
            told = [one.speaker for one in self._sayings(back) if one.cue < saying.cue]
            speakers = [one for one in told if self._fits(pronoun, one)]
            if speakers:
                return self._only(speakers)
        people = self._people(self._starts[oldest], saying.speaker[0]) if pronoun in _PERSONAL else []
        return self._only([one for one in people if self._fits(pronoun, one)])

    def _only(self, speakers: list[tuple[int, int]]) -> tuple[int, int] | None:
        """The last of them, if all bear one name."""
        return speakers[-1] if len({self._words[last - 1].low for _, last in speakers}) == 1 else None

    def _fits(self, pronoun: str, speaker: tuple[int, int]) -> bool:
        words = self._words[speaker[0] : speaker[1]]
        if len(words) == 1 and (words[0].low in PRONOUNS or words[0].low in _THIRD):
            return False
        if pronoun not in _PERSONAL:
            return True
        named = {word.low for word in words}
        wrong = FEMALE_NAMES if pronoun in _HE else MALE_NAMES
        return self._is_somebody(words) and not (named & wrong and not named & (FIRST_NAMES - wrong))

    def _is_somebody(self, words: Sequence[Token]) -> bool:
        """`the head of the ministry`, `Anna Moroz`; not `the ministry`, `the port`, `officials`."""
        lows = [word.low for word in words]
        head = words[lows.index("of") - 1] if "of" in lows[1:] else words[-1]
        return head.low not in ORGANISATION_WORDS and (head.capital or head.low in PERSON_NOUNS)

    def _people(self, first: int, last: int) -> list[tuple[int, int]]:
        found = names(self._words[first:last])
        people = [one for one in found if one.person >= _LIKELY_PERSON and one.person > one.organisation]
        spans = [(one.first + first, one.last + first) for one in people]
        return [span for span in spans if not self._quoted[span[0]]]

    def _made(
        self,
        speaker: tuple[int, int],
        kind: AttributionKind,
        cue: str,
        resolved: Resolution | None,
        like: Attribution | None = None,
    ) -> Attribution:
        if like is not None:
            return Attribution(like.speaker, like.start, like.end, kind, cue, resolved)
        start, end = self._words[speaker[0]].start, self._words[speaker[1] - 1].end
        return Attribution(self._text[start:end], start, end, kind, cue, resolved)
