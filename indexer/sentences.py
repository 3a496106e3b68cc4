r"""Finds the paragraphs and the sentences of a stored text, as spans in code points.

Input: the normalised text of an article (NFC, `\n`) -> output: spans that `chunking.py` builds
passages of. Deliberately knows nothing of titles, tokens or passages.

sentencex (Wikimedia) finds the sentence ends of a paragraph; what it gets wrong in news is mended
here by a look at the few characters on either side of a cut.
"""

import re
from itertools import accumulate, pairwise

from sentencex import segment

from passage_index.types import Span

# sentencex compares every sentence end with every quotation of what it is given: the square of the
# length, where quotations are never closed. Longer paragraphs are read in windows of this size.
_WINDOW = 4096
# A quotation is one sentence while it is short enough to be cited whole; a longer one is cut inside.
_LONG_QUOTATION = 300
# No wrapped line is longer than this.
_WRAP_WIDTH = 120

_LINE = re.compile(r"[^\n]+")
_ENDS_SENTENCE = tuple(".!?…。！？।؟\"'”’»)")
_LIST_ITEM = re.compile(r"[-*+•▪►●◦·]\s|\d{1,2}[.)]\s|#{1,6}\s")
_FIRST_LETTER = re.compile(r"[^\w\n]*([^\W_])")

_BLANK = re.compile(r"[^\S ]")
_LETTER = re.compile(r"[^\W_]")
_WITHOUT_QUOTES = str.maketrans(dict.fromkeys('"“”„«»()[]', " "))
_QUOTE = re.compile(r"[\"“”„«»()\[\]]")
_MARKS = "\"'“”„«»‘’()[]"
_MARKS_AND_BLANK = _MARKS + " "
# What belongs to the sentence before a cut: closing marks, a straight quote without a blank before it.
_CLOSERS = re.compile(r"(?: *[”»)\]](?!\w))*[\"'’”»)\]]*(?:“(?!\S))?")

# Characters looked at on either side of a cut.
_CONTEXT = 24
_NEVER_FIRST = (",", ";", ":", ")", "]", "}")
# `artillery.The` ends a sentence, `U.S.A` and `Gov.Smith` do not; nor does a blank follow 。 or ？.
_ENDS_WITHOUT_BLANK = re.compile(
    r"(?:[^\W\d_A-Z]{3}[.!?]|[^\W\d_A-Z][.!?](?=[\"'”’)])|[^\w\s\x00-\x7f])[\"'’”»)\]]*\Z"
)
# Seen from six characters before the cut: four letters, a stop, a blank, a capital. Nothing to mend.
_CERTAIN = re.compile(r"[a-z]{4}[.!?] [\"“]?[A-Z]")
# Words that, with a capital, begin a sentence and hardly a name.
_OPENER = (
    r"(?:The|An?|He|She|It|They|We|I|You|In|On|At|By|But|And|For|From|If|As|His|Her|Its|Their|Our|My|This|That"
    r"|These|Those|There|When|While|After|Before|What|Who|Why|How|No|Not|So|To|With"
    r"|Це|Цей|Ця|Ці|Він|Вона|Вони|Воно|Ми|Ви|У|В|На|З|Із|За|До|Про|По|Але|Та|Також|Тоді|Потім|Після|Далі|Якщо"
    r"|Коли|Проте|Однак|Тому|Так|Як|Що|Наразі|Водночас|Раніше|Зараз|Згодом|Загалом|Крім|Усього|Серед)\b"
)
# Ends that sentencex overlooks: a quotation that opens after an unbalanced one, words that it takes for
# the abbreviation of a state or month, abbreviations that a sentence may end with, a whole one in brackets.
_OVERLOOKED = re.compile(
    r"[.!?]\)? +(?:(?<=[a-z]{4}[.!?]\) )(?=[A-Z])|(?<=[a-z]{3}[.!?] )(?=[\"“][A-Z])"
    r"|(?<= (?:me|no|DC|LA)\. )(?=[A-Z])|(?<= (?:ill|May)\. )(?=[A-Z])"
    rf"|(?<=[.\s](?:m|р|[CSKN])\. )(?={_OPENER} )|(?<=[ .](?:рр|ст|ін)\. )(?={_OPENER} )"
    rf"|(?<= (?:грн|тис|обл|год)\. )(?={_OPENER} ))"
)
_LIST_MARK = re.compile(r"\W*(?:\d{1,3}|[^\W\d_]|\d{1,2}(?:[:.]\d\d)? ?[ap]\.m)[.)]")
_ZONE_OR_DAY = (
    r"[ECMP][SD]?T\b|GMT|BST|UTC|CES?T\b|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:[a-z]*day)?s?\b"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.? \d"
)
_PLACE = r"(?:U\.S\.|U\.K\.|U\.N\.|E\.U\.|D\.C\.|L\.A\.|N\.[YJCDMH]\.|S\.[CD]\.|P\.M\.|A\.M\.|U\.S\.A\.)"
# What ends before a cut, and what begins after it: together they say that no sentence ends there.
_JOINS = tuple(
    (re.compile(rf"(?:{left})\Z"), re.compile(right))
    for left, right in (
        (r"\b[ap]\.\s?m\.", _ZONE_OR_DAY),
        (r"\b(?:[Nn]os?|№)\.", r"\d"),
        (r"\b[A-Z][a-z]{0,3}\.", r"[a-z]+\b(?!://|\.\w)"),
        (r"\b(?:Ms|Mx|Messrs|Sens|Reps|Govs|Spc|Det|Asst|Adm|Cmdr|Brig|Maj|Pvt|Supt)\.", r"[A-Z]"),
        (rf"(?<![\w.])(?!{_PLACE})(?:[A-Z]\.){{2,3}}", rf"(?!{_OPENER})[A-Z][a-z]"),
        (r"(?<!\w)[А-ЯІЇЄҐ]\.", rf"(?!{_OPENER})[А-ЯІЇЄҐ][а-яіїєґ’']"),
        (r"\b\d+ [NSEW]\.", r"[A-Z][a-z]"),
    )
)


def split_paragraphs(text: str) -> list[Span]:
    """The paragraphs of a text, in order, outer whitespace left out: no sentence crosses one.

    A blank line ends a paragraph. A single line end does where lines are paragraphs (they are long,
    mostly end a sentence or mostly begin with a capital), before a list item or heading, and after a
    line so short that a wrapped text would have gone on in it; elsewhere it is a space. O(n).
    """
    lines, joined = _lines(text)
    if not any(joined) or _lines_are_paragraphs(text, lines, joined):
        return lines
    width = _wrap_width(lines, joined)
    paragraphs = lines[:1]
    for above, line, wrapped in zip(lines, lines[1:], joined[1:], strict=False):
        if wrapped and not _ends_early(text, above, line, width):
            paragraphs[-1] = (paragraphs[-1][0], line[1])
        else:
            paragraphs.append(line)
    return paragraphs


def split_sentences(text: str, language: str | None) -> list[Span]:
    """The sentences of a text, in order: every character but whitespace is in exactly one of them.

    language: a code such as `uk` or `en-GB`; English where it is None or unknown.
    No span is empty or begins or ends with whitespace; none crosses the end of a paragraph.
    Raises UnicodeEncodeError on a lone surrogate, which no stored text has. O(n).
    """
    # Same length, one kind of blank: sentencex 1.0.32 panics on a no-break space in some places.
    flat = _BLANK.sub(" ", text)
    code = re.split(r"[-_]", language or "en")[0].lower()
    paragraphs = split_paragraphs(text)
    return [span for start, end in paragraphs for span in _paragraph_sentences(flat, start, end, code)]


def _lines(text: str) -> tuple[list[Span], list[bool]]:
    """The lines that are not blank, stripped; and for each whether the line above is one of them."""
    lines: list[Span] = []
    joined: list[bool] = []
    last_end = -2
    for match in _LINE.finditer(text):
        line = match.group()
        inner = line.strip()
        if inner:
            start = match.start() + len(line) - len(line.lstrip())
            lines.append((start, start + len(inner)))
            joined.append(match.start() == last_end + 1)
            last_end = match.end()
    return lines, joined


def _lines_are_paragraphs(text: str, lines: list[Span], joined: list[bool]) -> bool:
    long = sum(end - start for start, end in lines if end - start > _WRAP_WIDTH)
    if 2 * long > sum(end - start for start, end in lines):
        return True
    ends = [span for span, wrapped in zip(lines, joined[1:], strict=False) if wrapped]
    if 2 * sum(text.endswith(_ENDS_SENTENCE, start, end) for start, end in ends) > len(ends):
        return True
    starts = [start for (start, _), wrapped in zip(lines, joined, strict=True) if wrapped]
    # A wrapped text begins about one line in six with a capital; one in capitals throughout, every line.
    capitals = sum(_begins_with_capital(text, start) for start in starts)
    return len(starts) >= 4 and 5 * capitals >= 4 * len(starts) and not text.isupper()


def _begins_with_capital(text: str, start: int) -> bool:
    first = _FIRST_LETTER.match(text, start)
    return first is not None and (first[1].isupper() or first[1].isdigit())


def _wrap_width(lines: list[Span], joined: list[bool]) -> int:
    """What most lines of wrapped blocks stay below: a few very long lines (addresses) do not count."""
    in_block = [wrapped or below for wrapped, below in zip(joined, [*joined[1:], False], strict=True)]
    widths = sorted(end - start for (start, end), inside in zip(lines, in_block, strict=True) if inside)
    return widths[len(widths) * 4 // 5]


def _ends_early(text: str, line: Span, below: Span, width: int) -> bool:
    """True where a line end in a wrapped block was meant: the next word had much room on the line."""
    if _LIST_ITEM.match(text, below[0]) or text.startswith("#", line[0]):
        return True
    word = text[below[0] : min(below[1], below[0] + width)].split()[0]
    return 3 * (line[1] - line[0] + 1 + len(word)) <= 2 * width and not word[0].islower()


def _paragraph_sentences(flat: str, start: int, end: int, code: str) -> list[Span]:
    cuts = _mended(flat, start, end, _cuts(flat, start, end, code))
    overlooked = [match.end() for match in _OVERLOOKED.finditer(flat, start, end)]
    edges = [start, *(sorted({*cuts, *overlooked}) if overlooked else cuts), end]
    pieces: list[Span] = []
    for left, right in pairwise(edges):
        inner = []
        if right - left > _LONG_QUOTATION and _QUOTE.search(flat, left, right):
            inner = _quotation_cuts(flat, left, right, code)
        pieces += zip([left, *inner], [*inner, right], strict=True)
    return _whole(flat, [_trimmed(flat, left, right) for left, right in pieces])


def _cuts(flat: str, start: int, end: int, code: str) -> list[int]:
    """Where sentencex ends sentences strictly inside `flat[start:end]`, rising."""
    cuts: list[int] = []
    while end - start > _WINDOW:
        edge = flat.rfind(" ", start + 1, start + _WINDOW) + 1 or start + _WINDOW
        cuts += _window_cuts(flat, start, edge, code)
        # The last sentence of a window may go on behind it: read it again, but never most of a window.
        again = cuts[-1] if cuts else start
        start = again if again - start > _WINDOW // 2 else edge
    return cuts + _window_cuts(flat, start, end, code)


def _window_cuts(flat: str, start: int, end: int, code: str) -> list[int]:
    return list(accumulate(map(len, segment(code, flat[start:end])), initial=start))[1:-1]


def _quotation_cuts(flat: str, start: int, end: int, code: str) -> list[int]:
    """Sentence ends inside quotations and brackets, which sentencex steps over on purpose."""
    bare = flat[start:end].translate(_WITHOUT_QUOTES)
    return _mended(flat, start, end, [start + cut for cut in _cuts(bare, 0, end - start, code)])


def _mended(flat: str, start: int, end: int, cuts: list[int]) -> list[int]:
    """The cuts that end a sentence, each moved behind the marks that close it and before those that open."""
    kept = [start]
    for found in cuts:
        cut = found
        if flat[cut - 1] in _MARKS or flat[cut - 2] in _MARKS:
            while cut > start and flat[cut - 1] in _MARKS_AND_BLANK:
                cut -= 1
            closers = _CLOSERS.match(flat, cut, end)
            cut = closers.end() if closers else cut
        if kept[-1] < cut < end and _is_end(flat, start, cut):
            kept.append(cut)
    return kept[1:]


def _is_end(flat: str, start: int, cut: int) -> bool:
    """False where what stands around a cut of sentencex says that the sentence goes on."""
    if _CERTAIN.match(flat, cut - 6):
        return True
    left = flat[max(start, cut - _CONTEXT) : cut].rstrip(" ")
    right = flat[cut : cut + _CONTEXT].lstrip(" ")
    if right.startswith(_NEVER_FIRST):
        return False
    if flat[cut - 1] != " " and flat[cut] != " ":
        return _ENDS_WITHOUT_BLANK.search(left) is not None
    return not left.endswith(".") or not any(a.search(left) and b.match(right) for a, b in _JOINS)


def _whole(flat: str, pieces: list[Span]) -> list[Span]:
    """Pieces without a letter or digit join the piece before them, list marks the piece behind them."""
    spans: list[Span] = []
    for start, end in pieces:
        if start >= end:
            continue
        if spans and (not _LETTER.search(flat, start, end) or _is_mark(flat, spans[-1])):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def _is_mark(flat: str, span: Span) -> bool:
    return _LIST_MARK.fullmatch(flat, *span) is not None or not _LETTER.search(flat, *span)


def _trimmed(flat: str, start: int, end: int) -> Span:
    piece = flat[start:end]
    return start + len(piece) - len(piece.lstrip(" ")), start + len(piece.rstrip(" "))
