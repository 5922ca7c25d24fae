"""The windows of a key that are open, as one value of the state.

For each window there are its two times and the length of what its aggregate keeps, of eight, eight and four bytes,
little-endian, and behind them what it keeps.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from ..aggregates import Aggregate
from .assign import Window

HEAD = struct.Struct("<qqI")


class Opened(NamedTuple):
    """A window, and what was computed of its records."""

    window: Window
    kept: Any


def write(aggregate: Aggregate[Any, Any], windows: list[Opened]) -> bytes:
    """Writes the windows of a key, in their order."""
    parts: list[bytes] = []
    for (begin, end), kept in windows:
        raw = aggregate.write(kept)
        parts += HEAD.pack(begin, end, len(raw)), raw
    return b"".join(parts)


def read(aggregate: Aggregate[Any, Any], raw: bytes) -> list[Opened]:
    """Reads the windows of a key. A `ValueError` says that the bytes are none."""
    windows, at = [], 0
    while at < len(raw):
        if at + HEAD.size > len(raw):
            raise ValueError("a window that ends in its times")
        begin, end, length = HEAD.unpack_from(raw, at)
        kept_at = at + HEAD.size
        at = kept_at + length
        if at > len(raw):
            raise ValueError("a window that is shorter than it says")
        windows.append(Opened((begin, end), aggregate.read(raw[kept_at:at])))
    return windows
