"""JSON to the dataclasses of models.py, by their annotations.

A field that is not known is passed over, so that a newer server can be asked; one that is promised and
missing, or of another type, is an error that names its place. JSON value -> dataclass
"""

import types
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from search_client.errors import UnexpectedReply

T = TypeVar("T")


def decode(kind: type[T], value: Any, place: str = "reply") -> T:
    """`value` as a `kind`. Raises UnexpectedReply with the place that is not as promised."""
    made: T = _decoded(kind, value, place)
    return made


def _decoded(kind: Any, value: Any, place: str) -> Any:
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _object(kind, value, place)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _one_of(get_args(kind), value, place)
    if origin is Literal:
        return value  # of a newer server it may be another
    if origin is list:
        _require(isinstance(value, list), "a list", place)
        return [_decoded(get_args(kind)[0], one, f"{place}[{i}]") for i, one in enumerate(value)]
    if origin is dict:
        _require(isinstance(value, dict), "an object", place)
        of = get_args(kind)[1]
        return {name: _decoded(of, one, f"{place}.{name}") for name, one in value.items()}
    if kind is float:
        _require(isinstance(value, int | float) and not isinstance(value, bool), "a number", place)
        return float(value)
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    _require(fits, f"of type {kind.__name__}", place)
    return value


def _object(kind: Any, value: Any, place: str) -> Any:
    _require(isinstance(value, dict), "an object", place)
    hints, made = _hints(kind), {}
    for one in fields(kind):
        if one.name in value:
            made[one.name] = _decoded(hints[one.name], value[one.name], f"{place}.{one.name}")
        elif one.default is MISSING:
            raise UnexpectedReply(f"{place}.{one.name} is missing; is this the server's version?")
    return kind(**made)


def _one_of(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None:
        _require(type(None) in kinds, "something", place)
        return None
    others = [kind for kind in kinds if kind is not type(None)]
    for kind in others[:-1]:
        try:
            return _decoded(kind, value, place)
        except UnexpectedReply:
            continue
    return _decoded(others[-1], value, place)


def _require(holds: bool, wanted: str, place: str) -> None:
    if not holds:
        raise UnexpectedReply(f"{place} is not {wanted}; is this the server's version?")


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
