"""What stands in a page's article and is none of its text: stubs of paywalls, banners, sign-ups; and the
clock of a live blog, which is.

trafilatura takes most of that away; this is what was seen to slip through. tree -> the tree, changed
"""

import re
from typing import Any

_NOT_ARTICLE = re.compile(
    r"paywall|subscri(?:be|ption)|regwall|newsletter|cookie|consent|gdpr|sign-?up|promo|advert", re.IGNORECASE
)
_MOST_CHARS = 600  # a larger element holds the article, whatever it is called
_CLOCK = re.compile(r"\d{1,2}[:.]\d{2}(?: ?[ap]\.?m\.?)?", re.IGNORECASE)
_NOT_FREE = re.compile(r'"isAccessibleForFree"\s{0,9}:\s{0,9}"?false', re.IGNORECASE)


def drop_leftovers(tree: Any) -> None:
    """Take out small elements whose class or id says that they are not the article."""
    for element in list(tree.iter("div", "section", "aside", "form", "p", "ul")):
        named = f"{element.get('class') or ''} {element.get('id') or ''}"
        if not _NOT_ARTICLE.search(named[:500]) or element.getparent() is None:
            continue
        if sum(map(len, element.itertext())) <= _MOST_CHARS:
            element.drop_tree()


def keep_clock(tree: Any) -> None:
    """Put the time of each post of a live blog before its text, where a page has two or more of them.

    A `time` element that shows a clock belongs to the paragraph that follows it in the same element.
    """
    posts = []
    for element in tree.iter("time"):
        clock = " ".join("".join(element.itertext()).split())
        paragraph = next(element.itersiblings("p"), None)
        if paragraph is not None and _CLOCK.fullmatch(clock):
            posts.append((clock, paragraph))
    if len(posts) > 1:
        for clock, paragraph in posts:
            paragraph.text = f"{clock} {(paragraph.text or '').lstrip()}"


def is_paywalled(tree: Any) -> bool:
    """Whether the page says of itself that it is not free to read."""
    scripts = (
        script.text or "" for script in tree.iter("script") if script.get("type") == "application/ld+json"
    )
    return any(map(_NOT_FREE.search, scripts))
