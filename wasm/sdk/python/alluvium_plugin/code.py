"""Texts that always have as many bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .json_text import quoted

if TYPE_CHECKING:
    from typing_extensions import Self


class Code(str):
    """A text of exactly so many bytes, such as the code of an airport. Each kind of code is a class of its own.

        class Airport(Code, bytes=3):
            "The code of an airport, as JFK."

    `Airport("JFK")` is a text, and so it is one in JSON. It can be a field of a row, a key, and the owner of the
    entries of an `OrderedMap`. A text of another length is a `ValueError`.
    """

    byte_length: ClassVar[int] = 0
    """How many bytes it has."""

    def __init_subclass__(cls, *, bytes: int) -> None:
        super().__init_subclass__()
        if bytes < 1:
            raise TypeError(f"{cls.__name__}: a code has one byte or more, and not {bytes}")
        cls.byte_length = bytes

    def __new__(cls, text: str) -> Self:
        if cls is Code:
            raise TypeError("a code has a class that says its length, as class Airport(Code, bytes=3)")
        length = len(text.encode())
        if length != cls.byte_length:
            raise ValueError(f"{quoted(text)} has {length} bytes, and not {cls.byte_length}")
        return super().__new__(cls, text)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({super().__repr__()})"


def is_code(of: object) -> bool:
    """Returns whether a type is one of codes."""
    return isinstance(of, type) and issubclass(of, Code) and of is not Code
