"""JSON, byte for byte as the other languages of plugins write it.

State and output of an operator must be the same bytes in every language. Python's own writer has other spaces, other
floats (`1e+16` alike, but `1e-07` for `1e-7`), and it writes `NaN`.
"""

from __future__ import annotations

import dataclasses
from json.encoder import encode_basestring
from typing import Any

# A JSON reader of another language takes signed and unsigned numbers of 64 bits.
INT_MIN, INT_MAX = -(2**63), 2**64 - 1


def quoted(text: str) -> str:
    """Returns a text as JSON."""
    # It escapes quotes, backslashes and the characters below a space, and leaves everything else as it is.
    return encode_basestring(text)


def float_text(number: float) -> str:
    """Returns a float as JSON: the shortest digits that are read as this number again, and null for what is none."""
    # A subclass may have a text of its own.
    text = float.__repr__(number)
    if "e" in text:
        digits, exponent = text.split("e")
        # 0.00001 is the least that is written without an exponent; Python ends with 0.0001.
        if exponent == "-05":
            sign, digits = ("-", digits[1:]) if digits[0] == "-" else ("", digits)
            return f"{sign}0.0000{digits.replace('.', '')}"
        return f"{digits}e{int(exponent):+}"
    # What is no number and the infinities have no point. All other floats have one, or an exponent.
    return text if "." in text else "null"


def int_text(number: int) -> str:
    """Returns a whole number as JSON."""
    if not INT_MIN <= number <= INT_MAX:
        raise OverflowError(f"{number} does not fit 64 bits")
    return int.__repr__(number)


def to_json(value: Any) -> str:
    """Returns a value as compact JSON.

    It takes None, bool, int, float, str, `Time`, lists, tuples, dicts with texts as keys, dataclasses and rows. The
    members of an object are in the order in which they were declared or added. A class of your own has a method
    `__json__` that returns its JSON.
    """
    if isinstance(value, str):
        return quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int_text(value)
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, dict):
        return object_text((key, to_json(member)) for key, member in value.items())
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(to_json, value))}]"
    if hasattr(value, "__json__"):
        text: str = value.__json__()
        return text
    members = members_of(value)
    if members is not None:
        return object_text((name, to_json(getattr(value, name))) for name in members)
    raise TypeError(f"{value!r} is no JSON")


def object_text(members: Any) -> str:
    """Returns an object whose values are JSON already."""
    return f"{{{','.join(f'{_name(name)}:{text}' for name, text in members)}}}"


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the name of a member is a text, and not {name!r}")
    return quoted(name)


def members_of(value: Any) -> tuple[str, ...] | None:
    """Returns the names of the members of a dataclass or a row, which may be an instance or the class."""
    if dataclasses.is_dataclass(value):
        return tuple(field.name for field in dataclasses.fields(value))
    names = getattr(value, "__row_fields__", None)
    return tuple(names) if names is not None else None
