"""Whole numbers without a sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .json_text import INT_MAX

if TYPE_CHECKING:
    from typing_extensions import Self


class Unsigned(int):
    """A whole number of 64 bits without a sign: `Unsigned(7)`.

    It is an `int`, but a key of this type has other bytes, those of a `u64` in Rust. So it continues from what such an
    operator has left. It can be a field of a row, and the owner of the entries of an `OrderedMap`. Another number is a
    `ValueError`, and what is computed with it is an `int` again.
    """

    def __new__(cls, number: int) -> Self:
        if not 0 <= number <= INT_MAX:
            raise ValueError(f"{number} is no number without a sign of 64 bits")
        return super().__new__(cls, number)
