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
from .unsigned import Unsigned

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

    The types are str, int, float, bool, `Time`, `Unsigned`, classes of codes, None, unions of one of them with
    None, `list[…]`, `tuple[…]`, `dict[str, …]`, dataclasses and rows with such fields, and `object` for any JSON.
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
            value: T = read_json(self._form, raw)
        except ValueError as what:
            raise ValueError(f"a value of another type: {what}") from None
        return value


def read_json(form: Form, raw: bytes, exact: bool = False) -> Any:
    """Reads a value of a form. The `ValueError` says what is wrong. With `exact`, no member may come twice."""
    try:
        text = raw.decode()
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once if exact else None)
        if "\\u" in text:
            # JSON can say half a character, which no other text has.
            json.dumps(value, ensure_ascii=False).encode()
        return form.read(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(str(error)) from None


def form_of(of: Any, exact: bool = False) -> Form:
    """Returns the form of a type. With `exact`, it refuses members that a type does not have."""
    if of in SIMPLE:
        return SIMPLE[of]
    if is_code(of):
        return _code(of)
    origin, parts = get_origin(of), get_args(of)
    if origin in (Union, types.UnionType):
        some = [part for part in parts if part is not type(None)]
        if len(some) != 1:
            raise TypeError(f"{type_text(of)} does not say which of its types a value in JSON has")
        return _optional(form_of(some[0], exact))
    if origin is list:
        return _list(form_of(parts[0], exact))
    if origin is tuple and parts and Ellipsis not in parts:
        return _tuple([form_of(part, exact) for part in parts])
    if origin is dict and parts[0] is str:
        return _dict(form_of(parts[1], exact))
    # A dataclass or a row.
    if isinstance(of, type) and members_of(of):
        return _members(of, exact)
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


def _unsigned(value: Any) -> Unsigned:
    return Unsigned(_int(value))


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
    Unsigned: Form(lambda value: int_text(_checked(value, Unsigned, "Unsigned")), _unsigned),
    type(None): Form(lambda value: to_json(_null(value)), _null),
    object: Form(to_json, lambda value: value),
}
SIMPLE[None] = SIMPLE[type(None)]
SIMPLE[Any] = SIMPLE[object]


def _optional(form: Form) -> Form:
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


def _members(of: Any, exact: bool) -> Form:
    hints = get_type_hints(of)
    forms = {name: form_of(hints[name], exact) for name in members_of(of) or ()}

    def write(value: Any) -> str:
        _checked(value, of, of.__name__)
        return object_text((name, form.write(getattr(value, name))) for name, form in forms.items())

    def member(members: dict[str, Any], name: str, form: Form) -> Any:
        try:
            # A member that may be None may be missing, as when it was added later.
            return form.read(members.get(name))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}: {error}" if name in members else f"{name} is missing") from None

    def read(value: Any) -> Any:
        members = _checked(value, dict, of.__name__)
        unknown = [name for name in members if name not in forms]
        if exact and unknown:
            raise ValueError(f"{of.__name__} has no {quoted(unknown[0])}")
        return of(**{name: member(members, name, form) for name, form in forms.items()})

    return Form(write, read)


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in members:
        if name in found:
            raise ValueError(f"{quoted(name)} is there twice")
        found[name] = value
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")
