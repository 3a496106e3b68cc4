"""Whether two quantities can both be right, by what is measured, how much, and how the texts put it.

Knows nothing of texts. Quantity, Quantity -> Agreement | None
"""

from typing import Literal

from search_api.reading.quantities import Quantity

Agreement = Literal["same", "close", "different"]

_CLOSE = 0.05
# How far below and above its figure each may mean, as a part of it.
_SPARE = {"exactly": (0.0, 0.0), "about": (0.1, 0.1), "over": (0.0, 0.5), "under": (0.1, 0.0)}


def comparable(one: Quantity, other: Quantity) -> bool:
    """Both measure the same in the same unit, or count the same noun."""
    return (
        one.unit == other.unit
        and one.kind == other.kind
        and (one.kind not in ("count", "share") or _same_noun(one, other))
    )


def agreement(one: Quantity, other: Quantity) -> Agreement | None:
    """`same`: both can be right; `close`: within 5 % of that; `different`; None where not comparable.

    `about` may mean a tenth less or more, `more than` half as much again, `nearly` a tenth less.
    """
    if not comparable(one, other):
        return None
    (low, high), (other_low, other_high) = _reach(one), _reach(other)
    apart = max(low - other_high, other_low - high)
    if apart <= 0:
        return "same"
    return "close" if apart <= _CLOSE * max(abs(one.value), abs(other.value)) else "different"


def _same_noun(one: Quantity, other: Quantity) -> bool:
    return one.noun == other.noun != ""


def _reach(one: Quantity) -> tuple[float, float]:
    less, more = _SPARE[one.bound]
    return one.low - less * abs(one.low), one.high + more * abs(one.high)
