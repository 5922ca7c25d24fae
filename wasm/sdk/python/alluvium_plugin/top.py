"""The most frequent items of a window."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, TypeVar

from .aggregates import COUNT, Aggregate
from .json_text import to_json
from .keys import K, Keys

R = TypeVar("R")

LEN = struct.Struct("<I")

Counts = dict[bytes, int]
"""How often there was an item, by its bytes."""


class Top(Aggregate[R, Counts]):
    """Counts the items of the records, and finds those with the most.

    The value is the first of `{"item": …, "count": …}`, the most frequent one first, and of equally frequent ones the
    first in the order of their keys. It keeps all items of a window, because a rare one may become frequent: the length
    of each and its bytes, four bytes and so many, and its count in eight bytes, little-endian.
    """

    def __init__(self, limit: int, item: Callable[[R], K], of: type[K]) -> None:
        """Takes how many items are found, the item of a record, and the type of the items, which is one of keys."""
        if limit < 0:
            raise ValueError(f"{limit} is no number of items")
        self._limit, self._item, self._items = limit, item, Keys(of)

    def begin(self) -> Counts:
        return {}

    def add(self, kept: Counts, row: R) -> Counts:
        raw = self._items.write(self._item(row))
        kept[raw] = kept.get(raw, 0) + 1
        return kept

    def join(self, kept: Counts, later: Counts) -> Counts:
        for raw, count in later.items():
            kept[raw] = kept.get(raw, 0) + count
        return kept

    def value(self, kept: Counts) -> str:
        # The sort is stable, so equal counts stay in the order of the items.
        most = sorted(sorted(kept.items()), key=lambda each: -each[1])
        return to_json([{"item": self._items.read(raw), "count": count} for raw, count in most[: self._limit]])

    def write(self, kept: Counts) -> bytes:
        parts = (LEN.pack(len(raw)) + raw + COUNT.pack(count) for raw, count in sorted(kept.items()))
        return b"".join(parts)

    def read(self, raw: bytes) -> Counts:
        kept, at = {}, 0
        while at < len(raw):
            if at + LEN.size > len(raw):
                raise ValueError("an item that ends in its length")
            begin = at + LEN.size
            end: int = begin + LEN.unpack_from(raw, at)[0]
            at = end + COUNT.size
            if at > len(raw):
                raise ValueError("an item that is shorter than it says")
            item = raw[begin:end]
            if self._items.read(item) is None:
                raise ValueError("an item of another type")
            kept[item] = COUNT.unpack_from(raw, end)[0]
        return kept
