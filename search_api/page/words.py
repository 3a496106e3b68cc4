"""The few words, links and attributes that the page makes itself of what the corpus holds.

Knows no template. Article, PartialDate, text -> words for people
"""

from calendar import month_name
from urllib.parse import quote, urlencode

from markupsafe import Markup

from passage_index.types import Article, PartialDate

LANGUAGES = {
    "ar": "Arabic", "az": "Azerbaijani", "be": "Belarusian", "bg": "Bulgarian", "bn": "Bengali",
    "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish",
    "et": "Estonian", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi",
    "hr": "Croatian", "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian", "it": "Italian",
    "ja": "Japanese", "ka": "Georgian", "kk": "Kazakh", "ko": "Korean", "lt": "Lithuanian",
    "lv": "Latvian", "nb": "Norwegian", "nl": "Dutch", "no": "Norwegian", "pl": "Polish",
    "ps": "Pashto", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak",
    "sl": "Slovene", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "th": "Thai", "tr": "Turkish",
    "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "yi": "Yiddish", "zh": "Chinese",
}  # fmt: skip
RIGHT_TO_LEFT = frozenset("ar arc ckb dv fa he iw ks ku-arab nqo ps sd syr ug ur yi".split())


def written_date(day: PartialDate) -> str:
    """For people, as exact as known: `9 November 2023`, `November 2023`, `2023`."""
    month = month_name[day.first.month]
    return {
        "day": f"{day.first.day} {month} {day.first.year}",
        "month": f"{month} {day.first.year}",
        "year": str(day.first.year),
    }[day.precision]


def article_name(article: Article, most_chars: int = 90) -> str:
    """The title; of an article without one the words it begins with, cut before `most_chars`."""
    if article.title:
        return article.title
    begun = " ".join(article.text[: 4 * most_chars].split())
    return begun if len(begun) <= most_chars else begun[:most_chars].rpartition(" ")[0].rstrip(",;:–—-") + "…"


def article_link(article_id: str, start: int | None = None, end: int | None = None) -> str:
    """The article's page, at a marked place if one is given."""
    path = f"/articles/{quote(article_id, safe='/')}"
    return path if start is None else f"{path}?{urlencode({'start': start, 'end': end})}#passage"


def web_link(url: str | None) -> str | None:
    """The URL if a browser may follow it: http and https only."""
    return url if url and url.lower().startswith(("http://", "https://")) else None


def direction(language: str | None) -> str:
    """Which way a language is written; `auto`, by its first letter, where none is known."""
    if not language:
        return "auto"
    tag = language.casefold().replace("_", "-")
    return "rtl" if tag in RIGHT_TO_LEFT or tag.partition("-")[0] in RIGHT_TO_LEFT else "ltr"


def language_name(code: str) -> str:
    """`uk` -> `Ukrainian`; a code that is not known here stays as it is."""
    return LANGUAGES.get(code.casefold(), code)


def sentence(text: str) -> str:
    """With a capital, but for a name of the API, and with a full stop, but for another mark at its end."""
    if not text:
        return text
    begun = (
        text
        if text.partition(" ")[0].endswith(":") or "_" in text.partition(" ")[0]
        else text[0].upper() + text[1:]
    )
    return begun if begun.endswith((".", "!", "?", "…")) else f"{begun}."


def share(part: float) -> str:
    """0.824 -> `82 %`; never 0 % or 100 % of what is neither."""
    percent = round(100 * part)
    if part > 0 and percent == 0:
        return "less than 1 %"
    return f"{min(percent, 99) if part < 1 else 100} %"


def size(count: float) -> str:
    """Bytes for people: `1.4 GB`."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:.1f} {unit}"


def ticked(text: str) -> Markup:
    """Text with `code` in backticks -> HTML."""
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else part
        for number, part in enumerate(text.split("`"))
    )
