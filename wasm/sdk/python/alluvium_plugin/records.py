"""Records that are JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .batches import Batch, RecordBatch
from .refused import Refused
from .typed import form_of, read_json

if TYPE_CHECKING:
    from typing_extensions import TypeForm

T = TypeVar("T")


class JsonRecords(Generic[T]):
    """Reads the records of an input of bytes, each of which is JSON, as `Rows` reads those with columns.

    `JsonRecords(Question)` takes a type that `Codec` knows. Members that the type does not have are passed over; with
    `exact`, they refuse the batch, and so does a member that is there twice.
    """

    def __init__(self, of: TypeForm[T], *, exact: bool = False) -> None:
        self._form, self._exact = form_of(of, exact), exact

    def read(self, batch: Batch) -> list[T]:
        """Reads a batch. The error names the record that cannot be read."""
        if not isinstance(batch, RecordBatch):
            raise Refused("the input has records as bytes, and came with columns")
        return [self._read(number, record) for number, record in enumerate(batch.records())]

    def _read(self, number: int, record: bytes) -> Any:
        try:
            return read_json(self._form, record, self._exact)
        except ValueError as what:
            raise Refused(f"no JSON of a record here: {what}", number) from None
