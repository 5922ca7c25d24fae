"""Values of a type as JSON, written and read.

Values in the state are JSON, so that `alluvium dump` shows them and other languages read them. The type decides what a
number is: a `float` that is whole is written as `6.0`, and an `int` as `6`.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from .code import is_code
from .json_text import INT_MAX, INT_MIN, float_text, int_text, members_of, object_text, quoted, to_json
from .keys import type_text
from .times import Time

if TYPE_CHECKING:
    # It also takes unions, as `int | None`, which a `type` is not to type checkers.
    from typing_extensions import TypeForm

T = TypeVar("T")


class Form(NamedTuple):
    """How the values of a type become JSON, and how they come back. Both raise `TypeError` for others."""

    write: Callable[[Any], str]
    read: Callable[[Any], Any]


class Codec(Generic[T]):
    """Writes and reads the values of one type as JSON.

    The types are str, int, float, bool, `Time`, classes of codes, None, unions of one of them with None, `list[…]`,
    `tuple[…]`, `dict[str, …]`, dataclasses and rows with such fields, and `object` for any JSON.
    """

    def __init__(self, of: TypeForm[T]) -> None:
        self.of = of
        self._form = form_of(of)

    def text(self, value: T) -> str:
        """Returns a value as JSON. A value of another type is a `TypeError`."""
        return self._form.write(value)

    def read(self, raw: bytes) -> T:
        """Reads a value. The `ValueError` says what is wrong with the bytes."""
        try:
            value: T = self._form.read(json.loads(raw.decode(), parse_constant=_no_constant))
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"a value of another type: {error}") from None
        return value


def form_of(of: Any) -> Form:
    """Returns the form of a type."""
    if of in SIMPLE:
        return SIMPLE[of]
    if is_code(of):
        return _code(of)
    origin, parts = get_origin(of), get_args(of)
    if origin in (Union, types.UnionType):
        return _optional(of, [part for part in parts if part is not type(None)])
    if origin is list:
        return _list(form_of(parts[0]))
    if origin is tuple and parts and Ellipsis not in parts:
        return _tuple([form_of(part) for part in parts])
    if origin is dict and parts[0] is str:
        return _dict(form_of(parts[1]))
    # A dataclass or a row.
    if isinstance(of, type) and members_of(of):
        return _members(of)
    raise TypeError(f"a value of the type {type_text(of)} is no JSON")


def _checked(value: Any, of: Any, name: str) -> Any:
    # A bool is an int to Python, and is none to JSON.
    if not isinstance(value, of) or (isinstance(value, bool) and of is not bool):
        raise TypeError(f"{to_json(value) if _is_json(value) else repr(value)} is no {name}")
    return value


def _is_json(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float))


def _float(value: Any) -> float:
    return float(_checked(value, (int, float), "float"))


def _finite(value: Any) -> float:
    number = _float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is no JSON")
    return number


def _int(value: Any) -> int:
    number: int = _checked(value, int, "int")
    if not INT_MIN <= number <= INT_MAX:
        raise ValueError(f"{number} does not fit 64 bits")
    return number


def _time(value: Any) -> Time:
    return Time.read(_checked(value, str, "time"))


def _code(of: Any) -> Form:
    return Form(
        lambda value: quoted(_checked(value, of, of.__name__)),
        lambda value: of(_checked(value, str, of.__name__)),
    )


def _null(value: Any) -> Any:
    if value is not None:
        raise TypeError(f"{value!r} is not None")
    return value


SIMPLE: dict[Any, Form] = {
    str: Form(lambda value: quoted(_checked(value, str, "str")), lambda value: _checked(value, str, "str")),
    int: Form(lambda value: int_text(_checked(value, int, "int")), _int),
    float: Form(lambda value: float_text(_float(value)), _finite),
    bool: Form(lambda value: to_json(_checked(value, bool, "bool")), lambda value: _checked(value, bool, "bool")),
    Time: Form(lambda value: to_json(_checked(value, Time, "Time")), _time),
    type(None): Form(lambda value: to_json(_null(value)), _null),
    object: Form(to_json, lambda value: value),
}
SIMPLE[None] = SIMPLE[type(None)]
SIMPLE[Any] = SIMPLE[object]


def _optional(of: Any, parts: list[Any]) -> Form:
    if len(parts) != 1:
        raise TypeError(f"{type_text(of)} does not say which of its types a value in JSON has")
    form = form_of(parts[0])
    return Form(
        lambda value: "null" if value is None else form.write(value),
        lambda value: None if value is None else form.read(value),
    )


def _list(form: Form) -> Form:
    return Form(
        lambda value: f"[{','.join(map(form.write, _checked(value, list, 'list')))}]",
        lambda value: [form.read(part) for part in _checked(value, list, "list")],
    )


def _tuple(forms: list[Form]) -> Form:
    def parts(value: Any, of: Any) -> Any:
        if len(_checked(value, of, "tuple")) != len(forms):
            raise TypeError(f"{len(value)} parts, and not {len(forms)}")
        return zip(forms, value, strict=True)

    return Form(
        lambda value: f"[{','.join(form.write(part) for form, part in parts(value, tuple))}]",
        lambda value: tuple(form.read(part) for form, part in parts(value, list)),
    )


def _dict(form: Form) -> Form:
    return Form(
        lambda value: object_text((name, form.write(part)) for name, part in _checked(value, dict, "dict").items()),
        lambda value: {name: form.read(part) for name, part in _checked(value, dict, "dict").items()},
    )


def _members(of: Any) -> Form:
    hints = get_type_hints(of)
    forms = {name: form_of(hints[name]) for name in members_of(of) or ()}

    def write(value: Any) -> str:
        _checked(value, of, of.__name__)
        return object_text((name, form.write(getattr(value, name))) for name, form in forms.items())

    def read(value: Any) -> Any:
        members = _checked(value, dict, of.__name__)
        # A member that may be None may be missing, as when it was added later.
        return of(**{name: form.read(members.get(name)) for name, form in forms.items()})

    return Form(write, read)


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")
