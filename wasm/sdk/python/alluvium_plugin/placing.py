"""Where records belong: the key and the time of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar, get_args, get_type_hints

from .batches import Batch
from .code import is_code
from .keys import Keys, type_of
from .refused import Refused
from .rows import Row, Rows, time_of
from .times import Time
from .unsigned import Unsigned

R = TypeVar("R", bound=Row)

ZEROS: dict[Any, Any] = {str: "", int: 0, float: 0.0, bool: False, Time: Time(0), Unsigned: Unsigned(0)}


class Placed(NamedTuple):
    """A record with its key, the bytes of the key, and its time."""

    key: Any
    raw: bytes
    time: Time
    row: Any


class Placing(Generic[R]):
    """Reads the records of an input with their keys and times."""

    def __init__(
        self,
        row: type[R],
        key: Callable[[R], Any],
        at: Callable[[R], Time | None] | None = None,
        of: Any = None,
    ) -> None:
        self.row, self.keys = row, Keys(of or key_type(row, key))
        self._rows = Rows(row)
        self._key, self._at = key, at or time_of

    def begin(self, header: list[str]) -> None:
        """Finds the columns in a header."""
        self._rows.begin(header)

    def place(self, batch: Batch) -> list[Placed]:
        """Reads a batch. A record without a time is refused."""
        placed = []
        for number, row in enumerate(self._rows.read(batch)):
            key, time = self._key(row), self._at(row)
            if time is None:
                raise Refused("it has no time", number)
            placed.append(Placed(key, self.keys.write(key), time, row))
        return placed

    def rows_by_key(self, batch: Batch) -> list[tuple[Any, R]]:
        """Reads a batch whose records need no time, with their keys."""
        return [(self._key(row), row) for row in self._rows.read(batch)]

    def route(self, batch: Batch) -> list[bytes]:
        """Returns the key of each record of a batch."""
        return [self.keys.write(self._key(row)) for row in self._rows.read(batch)]

    def read_key(self, raw: bytes) -> Any:
        """Reads the key of a timer."""
        key = self.keys.read(raw)
        if key is None:
            raise Refused("a timer for a key that is none")
        return key


def key_type(row: type[Row], key: Callable[[Any], Any], how: str = "by(…, of=tuple[str, int])") -> Any:
    """Returns the type of the keys that a function makes."""
    try:
        hints = get_type_hints(key) if hasattr(key, "__annotations__") else {}
        return hints["return"] if "return" in hints else Keys(type_of(key(_zeros(row)))).of
    except Exception as error:
        # The function may be right for every row that there is, and wrong for this one.
        raise TypeError(f"say the type of the key, as {how}: {error!r}") from error


def _zeros(row: type[Row]) -> Row:
    hints = get_type_hints(row)
    return row(**{name: _zero(hints[name]) for name in row.__row_fields__})


def _zero(hint: Any) -> Any:
    """Returns an empty or zero value of the type of a field, which may be one that may be none."""
    of = next(part for part in (hint, *get_args(hint)) if part in ZEROS or is_code(part))
    return of("0" * of.byte_length) if is_code(of) else ZEROS[of]
