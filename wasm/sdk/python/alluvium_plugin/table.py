"""Tables that a stream is joined with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from .batches import Batch
from .context import Context
from .keys import K
from .placing import Placing
from .rows import Row
from .state import Map

T = TypeVar("T", bound=Row)


class Table(Generic[T]):
    """A table: the last row of each key of an input, which records of a stream are joined with."""

    def __init__(
        self,
        input: str,
        row: type[T],
        key: Callable[[T], K],
        lookup: Callable[[Any], K],
        *,
        of: type[K] | None = None,
    ) -> None:
        """Takes the key of each row of the input, as `by` of windows does.

        `lookup` returns the key of the row that belongs to a record of the stream.
        """
        self.input, self.lookup = input, lookup
        self._placing = Placing(row, key, of=of)
        self._rows: Map[Any, T] = Map(input, self._placing.keys.of, row)
        self.namespace = self._rows.namespace
        """The namespace of its rows, which has the name of the input."""

    def begin(self, header: list[str]) -> None:
        """Finds the columns in a header."""
        self._placing.begin(header)

    def take(self, batch: Batch, context: Context) -> None:
        """Takes rows."""
        for key, row in self._placing.rows_by_key(batch):
            self._rows.set(key, row, context)

    def route(self, batch: Batch) -> list[bytes]:
        """Returns the key of each row."""
        return self._placing.route(batch)

    def lookup_bytes(self, record: Any) -> bytes:
        """Returns the bytes of the key by which a record is looked up."""
        return self._placing.keys.write(self.lookup(record))

    def find(self, records: list[Any], context: Context) -> list[T | None]:
        """Finds the rows that belong to records, in their order, with one read."""
        keys = [self.lookup(record) for record in records]
        self._rows.prefetch(keys, context)
        return [self._rows.get(key, context) for key in keys]
