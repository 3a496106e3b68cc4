"""Nouns in one form: plurals made singular, as far as the ending tells. Knows no dictionary. word -> word"""

_IRREGULAR = {
    "people": "person", "persons": "person", "men": "man", "women": "woman", "children": "child",
    "feet": "foot", "teeth": "tooth", "mice": "mouse", "wives": "wife", "lives": "life", "knives": "knife",
    "wolves": "wolf", "leaves": "leaf", "halves": "half", "thieves": "thief", "geese": "goose", "oxen": "ox",
    "crises": "crisis", "theses": "thesis", "criteria": "criterion", "phenomena": "phenomenon",
    "bacteria": "bacterium", "movies": "movie", "cookies": "cookie", "shoes": "shoe", "heroes": "hero",
    "potatoes": "potato", "buses": "bus", "viruses": "virus",
}  # fmt: skip
# Plural without an ending of its own.
_UNMARKED = frozenset(
    """
    police troops cattle staff personnel aircraft sheep fish deer species series crew dead wounded injured
    missing homeless elderly faithful salmon offspring spacecraft headquarters
    """.split()
)
# `300 wounded` counts people, `300 wounded soldiers` soldiers.
ADJECTIVES_TOO = frozenset("dead wounded injured missing homeless elderly faithful".split())
_SINGULAR_IN_S = ("ss", "us", "is", "news", "mathematics", "physics", "always", "perhaps", "besides")


def is_plural(word: str) -> bool:
    """Looks like a plural: `residents`, `people`, `police`. Lower case."""
    if word in _IRREGULAR or word in _UNMARKED:
        return True
    return len(word) > 3 and word.endswith("s") and not word.endswith(_SINGULAR_IN_S)


def singular(word: str) -> str:
    """`Cities` -> `city`, `boxes` -> `box`, `people` -> `person`; another word as it is, in lower case."""
    low = word.lower()
    if low in _IRREGULAR:
        return _IRREGULAR[low]
    if low in _UNMARKED or not is_plural(low):
        return low
    if low.endswith("ies") and len(low) > 4:
        return low[:-3] + "y"
    if low.endswith(("ches", "shes", "sses", "xes", "zes")):
        return low[:-2]
    return low[:-1]
