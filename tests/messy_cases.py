"""Inputs as people have them: a case is a file and the articles that must come of it, to the letter."""

from dataclasses import dataclass, field

from tests.messy_inputs import (
    BOM_JSON,
    BROKEN,
    COOKIES,
    CYRILLIC,
    DOUBLE,
    EXCEL,
    LIVE,
    MIXED,
    MOJIBAKE,
    P1,
    P2,
    P3,
    PAYWALL,
    QUOTES,
    RTL,
    RTL_TEXT,
    SOFT,
    TABLE,
    TRANSCRIPT,
)


@dataclass(frozen=True, slots=True)
class Expected:
    """An article: its text, title and date as they must be."""

    text: str
    title: str = ""
    date: str = "None"
    language: str | None = None  # None: not looked at
    metadata: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """A file by name and bytes."""

    name: str
    data: bytes
    articles: tuple[Expected, ...]


CASES = (
    Case(
        "cookie-banner.html",
        COOKIES.encode(),
        (
            Expected(
                f"{P1}\n\n{P2}\n\n{P3}", "Bridge closed", "2021-03-12", "en", {"sitename": "The Lindow Post"}
            ),
        ),
    ),
    Case(
        "broken.html",
        BROKEN.encode(),
        (Expected(f"{P1}\n\n{P2}\n\n{P3}\n\nleft open", "Bridge closed", "2021-03-12", "en"),),
    ),
    Case(
        "nested-quotes.html",
        QUOTES.encode(),
        (
            Expected(
                f"{P1}\n\n“The report says ‘at once’, and at once is what we did,” the mayor told the hall.\n\n"
                f"„Niemand wurde verletzt“, said the engineer, «et c’est heureux».\n\n{P2}",
                "A vote on the bridge",
                language="en",
            ),
        ),
    ),
    Case(
        "table.html",
        TABLE.encode(),
        (
            Expected(
                f"{P2}\n\nVehicle | Single | Return\nCar | 4.50 | 8.00\nLorry | 31.00 | 55.00\n\n{P3}",
                "Ferry fares",
                language="en",
            ),
        ),
    ),
    Case(
        "live-blog.html",
        LIVE.encode(),
        (
            Expected(
                "11:40 The Wend stands at 4.31 metres at the old bridge, the highest mark since the gauge was put up in "
                "1931.\n\n09:05 Schools in the lower town stay shut today, the county says, and buses end at the market "
                "square.\n\n06:10 Good morning. The river rose by forty centimetres in the night and has reached the "
                "meadows at Marsh End.",
                "Live: high water in Lindow",
                "2024-01-03",
                "en",
            ),
        ),
    ),
    Case(
        "paywall.html",
        PAYWALL.encode(),
        (Expected(P1, "Who pays for the bridge?", "2021-03-13", "en", {"paywalled": True}),),
    ),
    Case(
        "right-to-left.html",
        RTL.encode(),
        (
            Expected(
                f"{RTL_TEXT}\n\nوقالت رئيسة البلدية آدا كويل إن الإصلاح سيستمر حتى شهر أيار، وإن العبّارة ستعمل طوال الليل "
                "لنقل الشاحنات.",
                "إغلاق الجسر",
                "2021-03-12",
                "ar",
            ),
        ),
    ),
    Case(
        "soft-hyphens.html",
        SOFT.encode(),
        (
            Expected(
                "The construction company began its work on the Wend bridge on Tuesday, and the first of the five piers was "
                f"wrapped in scaffolding by the evening.\n\n{P2}",
                "Bridgeworks",
                language="en",
            ),
        ),
    ),
    Case(
        "double-encoded-entities.html",
        DOUBLE.encode(),
        (
            Expected(
                'The inn at Marsh End, "The Heron", has served fish & chips since 1931, and the cook\'s grandson means to go '
                f"on for another ninety years.\n\n{P2}",
                "Fish & chips",
                language="en",
            ),
        ),
    ),
    Case(
        "two-encodings.html",
        MIXED,
        (
            Expected(
                "Das Café am Fluß hat wieder geöffnet, und die Brücke ist für Fußgänger frei; Lastwagen müssen bis Mai die "
                "Fähre nehmen, sagte die Bürgermeisterin am Montag.\n\n„Schön, daß es weitergeht“, sagte der Wirt.",
                "Café am Fluß",
                language="de",
            ),
        ),
    ),
    Case(
        "mojibake.jsonl",
        MOJIBAKE.encode(),
        (
            Expected(
                "Das Café am Fluss hat wieder geöffnet. „Schön, dass es weitergeht“, sagte der Wirt – die Brücke bleibt bis "
                "Mai gesperrt.",
                "Café am Fluss",
                "2021-03-12",
                "de",
            ),
        ),
    ),
    Case(
        "excel.csv",
        EXCEL.encode("cp1252"),
        (
            Expected(
                "Die alte Brücke über die Wend ist seit Montag gesperrt; Ingenieure fanden Risse in zwei Pfeilern. "
                '"Sie bleibt bis Mai zu", sagte die Bürgermeisterin.',
                "Brücke gesperrt",
                "2021-03-12",
                "de",
            ),
            Expected(
                "Die Fähre in Marsh End kostet für Lastwagen nun 31 €\nund fährt auch nachts.",
                "Fähre fährt länger",
                "2021-03-13",
                "de",
            ),
        ),
    ),
    Case(
        "time-zones.jsonl",  # with a BOM; the day is the one written, whatever it was in Greenwich
        BOM_JSON.encode(),
        (
            Expected("Midnight in Lindow.", date="2021-03-12"),
            Expected("Morning in Tokyo.", date="2021-03-13"),
            Expected("Noon, by the clock of the computer.", date="2021-03-12"),
            Expected("Noon, in thousandths.", date="2021-03-12"),
            Expected("A letter by post.", date="2021-03-12"),
            Expected("Nobody can say which month.", metadata={"date_as_given": "03/04/2021"}),
            Expected("Somebody can.", date="2021-03-12"),
        ),
    ),
    Case(
        "transcript.txt",
        TRANSCRIPT.encode(),
        (
            Expected(
                "[00:00:04] CHAIR: Good morning. We have one item on the list.\n\n"
                "[00:00:11] MS QUILL: Thank you, Chair.\n"
                "The piers were last inspected in 2014. Nobody wrote down what was found.\n\n"
                "[00:01:02] Q. And who should have?\n\n[00:01:05] A. The county.",
                "Hearing on the Wend bridge",
                "2021-03-12",
                "en",
            ),
        ),
    ),
    Case(
        "cyrillic.txt",
        CYRILLIC.encode("cp1251"),
        (Expected(CYRILLIC, language="uk"),),
    ),
)
