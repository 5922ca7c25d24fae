"""The interfaces that a component imports, as a `Host`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from componentize_py_types import Err
from wit_world.imports import logging, sink, state, time
from wit_world.imports.types import Columns, PackedKeys

from ..batches import split
from ..host import Entry, Level, lens
from ..refused import Refused

T = TypeVar("T")

PUT, DELETE, MERGE = 0, 1, 2

LEVELS = {
    Level.DEBUG: logging.Level.DEBUG,
    Level.INFO: logging.Level.INFO,
    Level.WARN: logging.Level.WARN,
    Level.ERROR: logging.Level.ERROR,
}


class ComponentHost:
    """Asks the imports of the component."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._walk: state.Cursor | None = None

    def namespace(self, name: str) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = asked(state.namespace, name)
        return number

    def get_many(self, namespace: int, keys: Sequence[bytes]) -> list[bytes | None]:
        found = asked(state.get_many, namespace, PackedKeys(lens(keys), b"".join(keys)))
        values = split(found.lens, found.bytes)
        return [value if present else None for value, present in zip(values, found.present, strict=True)]

    def apply(self, namespace: int, changes: Sequence[tuple[bytes, bytes | None]]) -> None:
        ops = bytes(DELETE if value is None else PUT for _, value in changes)
        asked(state.apply, namespace, packed(ops, [(key, value or b"") for key, value in changes]))

    def merge(self, namespace: int, changes: Sequence[Entry]) -> None:
        asked(state.apply, namespace, packed(bytes([MERGE]) * len(changes), changes))

    def scan(self, namespace: int, start: bytes, end: bytes | None, reverse: bool, limit: int) -> list[Entry]:
        return entries(asked(state.scan, namespace, start, end, reverse, limit))

    def delete_range(self, namespace: int, start: bytes, end: bytes | None) -> int:
        deleted: int = asked(state.delete_range, namespace, start, end)
        return deleted

    def page(self, namespace: int, start: bool, limit: int) -> list[Entry]:
        if start:
            self._walk = asked(state.iterate, namespace, b"")
        if self._walk is None:
            raise Refused("the next page was asked for before the first")
        return entries(asked(self._walk.next, limit))

    def set_timer(self, namespace: int, at_ms: int, key: bytes) -> None:
        asked(time.set_timer, namespace, at_ms, key)

    def delete_timer(self, namespace: int, at_ms: int, key: bytes) -> bool:
        was_set: bool = asked(time.delete_timer, namespace, at_ms, key)
        return was_set

    def watermark(self) -> int | None:
        ms: int | None = time.watermark()
        return ms

    def processing_time(self) -> int | None:
        ms: int | None = time.processing_time()
        return ms

    def emit(self, output: int, record: bytes) -> None:
        asked(sink.emit, output, record)

    def log(self, level: Level, message: str) -> None:
        logging.log(LEVELS[level], message)


def asked(question: Callable[..., T], *about: Any) -> T:
    """Asks the host. What it refuses is a text, which says where the error is."""
    try:
        return question(*about)
    except Err as refused:
        # A sink refuses with a text, and the state and the clocks with a case that has one.
        what = refused.value
        raise Refused(what if isinstance(what, str) else what.value) from None


def packed(ops: bytes, changes: Sequence[Entry]) -> Columns:
    """Returns mutations as one batch."""
    keys, values = [key for key, _ in changes], [value for _, value in changes]
    return Columns(ops, lens(keys), lens(values), b"".join(keys), b"".join(values))


def entries(page: Columns) -> list[Entry]:
    """Returns the entries of a page."""
    return list(zip(split(page.key_lens, page.keys), split(page.value_lens, page.values), strict=True))
