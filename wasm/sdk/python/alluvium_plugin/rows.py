"""Rows: records whose fields have names and types."""

from __future__ import annotations

import math
import re
import types
from collections.abc import Callable
from itertools import accumulate
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from .batches import Batch, ColumnBatch
from .code import is_code
from .json_text import INT_MAX, quoted
from .keys import type_text
from .refused import Refused
from .times import Time, whole_number
from .unsigned import Unsigned

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:
    # It only tells type checkers of the constructors, and Python 3.10 does not have it.
    def dataclass_transform(**_: Any) -> Callable[[T], T]:
        return lambda of: of


T = TypeVar("T")
R = TypeVar("R", bound="Row")

Reader = Callable[[str], Any]

# float() would also accept spaces, underscores, infinities and the digits of other scripts.
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)


class Column:
    """Says which column a field is read from."""

    def __init__(self, name: str) -> None:
        self.name = name


def column(name: str) -> Any:
    """Has a field read from the column of this name, if the column is called otherwise than the field."""
    return Column(name)


@dataclass_transform(kw_only_default=True, field_specifiers=(column,))
class Row:
    """A record that is read by the names of its columns.

    A subclass annotates its fields: each is a `str`, `int`, `float`, `bool`, `Time`, `Unsigned` or a `Code`, or one of
    these or `None`. An empty field and `NA` are None. A field is read from the column of its name, or of the one that
    `column` gives it.
    """

    __row_fields__: ClassVar[dict[str, tuple[str, Reader]]] = {}
    """The column of each field, and what reads it."""
    __row_time__: ClassVar[str | None] = None
    """The field that is the time of the record."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        hints = {name: of for name, of in get_type_hints(cls).items() if not name.startswith("__row_")}
        cls.__row_fields__ = {name: (_take_column(cls, name), _reader(cls, name, of)) for name, of in hints.items()}
        times = [name for name, of in hints.items() if Time in (of, *get_args(of))]
        # Which of several is meant, only the author knows.
        cls.__row_time__ = times[0] if len(times) == 1 else None

    def __init__(self, **fields: Any) -> None:
        if fields.keys() != self.__row_fields__.keys():
            raise TypeError(f"{type(self).__name__} has the fields {', '.join(self.__row_fields__)}")
        self.__dict__.update(fields)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__row_fields__)
        return f"{type(self).__name__}({fields})"


class Rows(Generic[R]):
    """Reads the rows of an input."""

    def __init__(self, row: type[R]) -> None:
        self._row = row
        # Where the columns are, and how many there are in all. The next `begin` finds them again.
        self._places: list[int] | None = None
        self._width = 0

    def begin(self, header: list[str]) -> None:
        """Finds the columns in a header. The error names those that are missing."""
        names = [name for name, _ in self._row.__row_fields__.values()]
        missing = [name for name in names if name not in header]
        if missing:
            raise Refused(f"the columns {', '.join(missing)} are missing; there are {', '.join(header)}")
        self._places, self._width = [header.index(name) for name in names], len(header)

    def read(self, batch: Batch) -> list[R]:
        """Reads a batch. The error names the record that cannot be read."""
        if self._places is None:
            raise Refused("the input was not begun")
        if not isinstance(batch, ColumnBatch):
            raise Refused("the input has columns, and came without")
        if len(batch.field_lens) != batch.count * self._width:
            raise Refused("a batch with other columns than its header")
        row, fields = self._row, batch.fields
        named = row.__row_fields__
        wanted = [(place, field, *named[field]) for place, field in zip(self._places, named, strict=True)]
        ends = list(accumulate(batch.field_lens, initial=0))
        rows = []
        for record in range(batch.count):
            first = record * self._width
            if ends[first + self._width] > len(fields):
                raise Refused("a batch that is shorter than its lengths say")
            values, name = {}, ""
            try:
                for place, field, name, read in wanted:  # noqa: B007
                    values[field] = read(fields[ends[first + place] : ends[first + place + 1]].decode())
            except UnicodeDecodeError:
                raise Refused(f"{name} is no UTF-8", record) from None
            except ValueError as what:
                raise Refused(f"{name}: {what}", record) from None
            read_row = object.__new__(row)
            read_row.__dict__ = values
            rows.append(read_row)
        return rows


def time_of(row: Row) -> Time | None:
    """Returns the time of a record: its field of the type `Time`, if there is one such field."""
    field = row.__row_time__
    return getattr(row, field) if field is not None else None


def _take_column(cls: type[Row], name: str) -> str:
    default = cls.__dict__.get(name)
    if default is None:
        inherited = cls.__row_fields__.get(name)
        return inherited[0] if inherited else name
    if not isinstance(default, Column):
        raise TypeError(f"{cls.__name__}.{name}: a field has no default but column(…)")
    # A class attribute would hide that a field is missing.
    delattr(cls, name)
    return default.name


def _reader(cls: type[Row], name: str, of: Any) -> Reader:
    reader = _reader_of(of)
    if reader is not None:
        return reader
    parts = [part for part in get_args(of) if part is not type(None)]
    read = _reader_of(parts[0]) if len(parts) == 1 and get_origin(of) in (Union, types.UnionType) else None
    if read is not None:
        return lambda text: None if text in ("", "NA") else read(text)
    kinds = "str, int, float, bool, Time or Unsigned, a class of codes, or one of them and None"
    raise TypeError(f"{cls.__name__}.{name}: a field is {kinds}, and not {type_text(of)}")


def _reader_of(of: Any) -> Reader | None:
    # A code is made of its text.
    return of if is_code(of) else READERS.get(of)


def _read_int(text: str) -> int:
    number = whole_number(text)
    if number is None:
        raise ValueError(f"{quoted(text)} is no number")
    return number


def _read_unsigned(text: str) -> Unsigned:
    # A sign is no part of it, even before a zero.
    number = None if text.startswith("-") else whole_number(text, 0, INT_MAX)
    if number is None:
        raise ValueError(f"{quoted(text)} is no number without a sign")
    return Unsigned(number)


def _read_float(text: str) -> float:
    number = float(text) if NUMBER.fullmatch(text) else math.inf
    # JSON cannot say infinities.
    if not math.isfinite(number):
        raise ValueError(f"{quoted(text)} is no number")
    return number


def _read_bool(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"{quoted(text)} is no true or false")
    return text == "true"


READERS: dict[Any, Reader] = {
    str: str,
    int: _read_int,
    float: _read_float,
    bool: _read_bool,
    Time: Time.read,
    Unsigned: _read_unsigned,
}
