"""What a search may be narrowed by: conditions on the properties of articles, read once from JSON.

    {"source": "Port Gazette", "published_at": {"$gte": "2023-11"}, "$not": {"metadata.kind": "advert"}}

What can be said in two ways becomes one: $eq is $in of one value; $ne, $nin and `$exists: false` are
negations, so that they hold exactly where their opposite does not. Knows no rows; masks.py does.
JSON -> Filter
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, cast

from passage_index.errors import InputError
from passage_index.types import PartialDate

MAX_DEPTH = 8  # objects inside each other, fields and operators not counted
TOO_DEEP = f"the filter is nested too deeply; at most {MAX_DEPTH} levels are allowed"
MAX_CONDITIONS = 100
MAX_VALUES = 1000  # of all conditions together
MAX_KEYS = 20  # of metadata
MAX_JSON = 20_000  # characters, where a filter comes as text
MAX_TEXT = 2000  # characters of one value, or of a field's name

DATE = "published_at"
ARTICLE_ID = "article_id"
METADATA = "metadata."
TEXTS = (ARTICLE_ID, "source", "language", "title", "url")
FIELDS = (*TEXTS, DATE)

SAME = ("$eq", "$ne", "$in", "$nin", "$exists", "$not")
RANGES = ("$gte", "$lte", "$gt", "$lt")
GROUPS = ("$and", "$or", "$not")

Scalar = str | int | float | bool | PartialDate
Operator = Literal["$in", "$exists", "$gte", "$lte", "$gt", "$lt"]
Kind = Literal["text", "number", "flag", "date", "any"]

_PLAIN = re.compile(r"[$\w.-]{1,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of one field. `values` are all of one kind; only $in has several, $exists none."""

    field: str
    operator: Operator
    kind: Kind = "any"
    values: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one part holds."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Filter"


Filter = Condition | All | Either | Not


def parse_filter(asked: object) -> Filter | None:
    """A filter from what JSON gave; None of `{}`, which lets everything pass.

    Raises InputError with the place of the fault, what was found and what is known there.
    """
    if asked == {}:
        return None
    found = _group(asked, 1)
    conditions = list(all_conditions(found))
    values = sum(len(one.values) for one in conditions)
    if len(conditions) > MAX_CONDITIONS or values > MAX_VALUES:
        raise InputError(
            f"the filter has {len(conditions)} conditions and {values} values; "
            f"at most {MAX_CONDITIONS} and {MAX_VALUES} are allowed"
        )
    keys = {one.field for one in conditions if one.field.startswith(METADATA)}
    if len(keys) > MAX_KEYS:
        raise InputError(f"the filter asks for {len(keys)} keys of metadata; at most {MAX_KEYS} are allowed")
    return found


def read_filter(text: str) -> Filter | None:
    """A filter from JSON text. Raises InputError as `parse_filter`, and on what is no JSON."""
    if len(text) > MAX_JSON:
        raise InputError(f"the filter has {len(text)} characters; at most {MAX_JSON} are allowed")
    try:
        asked = json.loads(text, object_pairs_hook=_whole_object)
    except RecursionError as error:
        raise InputError(TOO_DEEP) from error
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON: {error.msg}, at character {error.pos}") from error
    except ValueError as error:
        raise InputError("not JSON: a number has too many digits") from error
    return parse_filter(asked)


def _whole_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a name that stands twice JSON readers keep the last: a condition would be lost without a word."""
    read = dict(pairs)
    if len(read) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise InputError(f"{plain_name(twice)} stands twice in one object; put both into $and")
    return read


def all_conditions(filter_: Filter) -> Iterator[Condition]:
    """Every condition of a filter, in the order in which they were written."""
    match filter_:
        case Condition():
            yield filter_
        case Not(part):
            yield from all_conditions(part)
        case All(parts) | Either(parts):
            for part in parts:
                yield from all_conditions(part)


def count_conditions(filter_: Filter | None) -> int:
    """How many conditions a filter has."""
    return sum(1 for _ in all_conditions(filter_)) if filter_ else 0


def count_values(filter_: Filter | None) -> int:
    """How many values its conditions have together."""
    return sum(len(one.values) for one in all_conditions(filter_)) if filter_ else 0


def leaves_out_undated(filter_: Filter) -> bool:
    """True if no article without a date can pass on account of a comparison of dates."""
    return _if_undated(filter_) is False


def _if_undated(filter_: Filter) -> bool | None:
    """What a filter says of an article without a date; None where that depends on its other properties."""
    match filter_:
        case Condition(field=field, operator=operator):
            return False if field == DATE and operator != "$exists" else None
        case Not(part):
            said = _if_undated(part)
            return None if said is None else not said
        case All(parts):
            said_of = [_if_undated(part) for part in parts]
            return False if False in said_of else (None if None in said_of else True)
        case Either(parts):
            said_of = [_if_undated(part) for part in parts]
            return True if True in said_of else (None if None in said_of else False)


def _group(asked: object, depth: int) -> Filter:
    if not isinstance(asked, dict):
        raise InputError(f'a filter is an object such as {{"source": "Port Gazette"}}; found {_named(asked)}')
    if depth > MAX_DEPTH:
        raise InputError(TOO_DEEP)
    if not asked:
        raise InputError("an empty object inside a filter says nothing; leave it out")
    return _all([_entry(name, value, depth) for name, value in asked.items()])


def _all(parts: Sequence[Filter]) -> Filter:
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _either(parts: Sequence[Filter]) -> Filter:
    return parts[0] if len(parts) == 1 else Either(tuple(parts))


def _entry(name: str, value: object, depth: int) -> Filter:
    if name == "$not":
        return Not(_group(value, depth + 1))
    if name in ("$and", "$or"):
        if not isinstance(value, list) or not value:
            raise InputError(f"{name} takes a list of at least one filter; found {_named(value)}")
        parts = [_group(one, depth + 1) for one in value]
        return _all(parts) if name == "$and" else _either(parts)
    if name.startswith("$"):
        _unknown("operator", name, "around fields", GROUPS)
    if name not in FIELDS and (not name.startswith(METADATA) or name == METADATA):
        _unknown("field", name, "here", (*FIELDS, f"{METADATA}KEY"))
    _check_text(name, "a field's name")
    return _field(name, value, depth)


def _field(field: str, asked: object, depth: int) -> Filter:
    """What is asked of one field: a value, or an object of operators."""
    if not isinstance(asked, dict):
        return _one_of(field, [asked])
    if depth > MAX_DEPTH:
        raise InputError(TOO_DEEP)
    if not asked:
        raise InputError(f"{plain_name(field)}: no operator inside {{}}; known here are {_known(field)}")
    return _all([_compared(field, operator, value, depth) for operator, value in asked.items()])


def _compared(field: str, operator: str, value: object, depth: int) -> Filter:
    if operator not in _operators(field):
        _unknown("operator", operator, f"for {plain_name(field)}", _operators(field))
    if operator in RANGES:
        kind, one = _value(field, value)
        if kind == "flag":
            _fault(field, f"{operator} compares text, numbers or dates; found {_named(value)}")
        return Condition(field, cast(Operator, operator), kind, (one,))
    if operator == "$exists":
        if not isinstance(value, bool):
            _fault(field, f"$exists takes true or false; found {_named(value)}")
        return Condition(field, "$exists") if value else Not(Condition(field, "$exists"))
    if operator == "$not":
        if not isinstance(value, dict):
            _fault(field, f"$not takes an object of operators; found {_named(value)}")
        return Not(_field(field, value, depth + 1))
    values = [value]
    if operator in ("$in", "$nin"):
        if not isinstance(value, list) or not value:
            _fault(field, f"{operator} takes a list of at least one value; found {_named(value)}")
        values = value
    found = _one_of(field, values)
    return Not(found) if operator in ("$ne", "$nin") else found


def _one_of(field: str, values: Sequence[object]) -> Filter:
    """One condition a kind of value: 1 and true are equal in Python, and must not be here."""
    by_kind: dict[Kind, dict[Scalar, None]] = {}
    for value in values:
        kind, one = _value(field, value)
        by_kind.setdefault(kind, {})[one] = None
    return _either([Condition(field, "$in", kind, tuple(ones)) for kind, ones in by_kind.items()])


def _value(field: str, value: object) -> tuple[Kind, Scalar]:
    if field == DATE:
        return "date", _date(value)
    if isinstance(value, str):
        _check_text(value, f"{plain_name(field)}: a value")
        return "text", value
    if value is None:
        _fault(field, 'null is no value; {"$exists": false} finds what has none')
    if field in TEXTS:
        _fault(field, f"compared with text only; found {_named(value)}")
    if isinstance(value, bool):
        return "flag", value
    if isinstance(value, int | float) and (isinstance(value, int) or math.isfinite(value)):
        return "number", value
    _fault(field, f"compared with text, finite numbers, true or false; found {_named(value)}")


def _date(value: object) -> PartialDate:
    if isinstance(value, str) and len(value) <= 10 and value.isascii():
        try:
            return PartialDate.parse(value)
        except ValueError:
            _fault(
                DATE, f"{plain_name(value)} is no day, month or year of the form 2023-11-09, 2023-11 or 2023"
            )
    _fault(DATE, f"compared with a date such as 2023-11-09, 2023-11 or 2023; found {_named(value)}")


def _check_text(text: str, what: str) -> None:
    if len(text) > MAX_TEXT:
        raise InputError(f"{what} has {len(text)} characters; at most {MAX_TEXT} are allowed")
    try:
        whole = "\0" not in text and bool(text.encode() or True)
    except UnicodeEncodeError:
        whole = False
    if not whole:
        raise InputError(f"{what} holds a NUL or half of a surrogate pair, which is no character")


def _operators(field: str) -> tuple[str, ...]:
    return SAME if field == ARTICLE_ID else (*SAME, *RANGES)


def _known(field: str) -> str:
    return ", ".join(_operators(field))


def _unknown(what: str, name: str, where: str, known: Sequence[str]) -> NoReturn:
    raise InputError(f"{what} {plain_name(name)} is not known {where}; known are {', '.join(known)}")


def _fault(field: str, said: str) -> NoReturn:
    raise InputError(f"{plain_name(field)}: {said}")


def plain_name(name: str) -> str:
    """A name a client may have made up: told only where it is plain."""
    return name if _PLAIN.fullmatch(name) else "(a name)"


def _named(value: Any) -> str:
    """What kind of thing JSON gave, without the thing itself."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int():
            return "a number"
        case float():
            return "a number" if math.isfinite(value) else "a number that is not finite"
        case str():
            return "text"
        case list():
            return "a list" if value else "an empty list"
    return "an object"  # or, from a program, whatever else it passed
