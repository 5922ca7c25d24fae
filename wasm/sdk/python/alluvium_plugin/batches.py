"""Batches: the records that one call of an operator gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .refused import Refused


@dataclass(frozen=True)
class ColumnBatch:
    """Records with fields, which a header names."""

    count: int
    """The number of records."""
    field_lens: Sequence[int]
    """The length of every field in bytes, record by record."""
    fields: bytes
    """All fields, one after the other."""


@dataclass(frozen=True)
class RecordBatch:
    """Records as bytes, as the source has them."""

    lens: Sequence[int]
    """The length of every record."""
    data: bytes
    """All records, one after the other."""

    @property
    def count(self) -> int:
        """The number of records."""
        return len(self.lens)

    def records(self) -> list[bytes]:
        """Returns the records."""
        return split(self.lens, self.data)


Batch = ColumnBatch | RecordBatch


def split(lens: Sequence[int], joined: bytes) -> list[bytes]:
    """Takes parts apart that stand one after the other."""
    parts, at = [], 0
    for length in lens:
        parts.append(joined[at : at + length])
        at += length
    if at > len(joined):
        raise Refused("fewer bytes than the lengths say")
    return parts
