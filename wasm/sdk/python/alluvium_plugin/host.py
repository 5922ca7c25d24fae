"""What an operator can ask of its host: the interfaces that a component imports, and their like in the harness."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Protocol

Entry = tuple[bytes, bytes]
"""A key and its value."""


class Level(Enum):
    """How important a message is."""

    DEBUG = "debug"
    """For the operator's author."""
    INFO = "info"
    """What happens as expected."""
    WARN = "warn"
    """What should be looked at."""
    ERROR = "error"
    """What went wrong."""


class Host(Protocol):
    """What an operator can ask of its host.

    A component asks the interfaces that it imports, and a test the harness. A call that the host refuses raises
    `Refused` with a text for people, and has changed nothing.
    """

    def namespace(self, name: str) -> int:
        """Returns the number of a namespace that the operator describes."""
        ...

    def get_many(self, namespace: int, keys: Sequence[bytes]) -> list[bytes | None]:
        """Returns the values of keys, in their order."""
        ...

    def apply(self, namespace: int, changes: Sequence[tuple[bytes, bytes | None]]) -> None:
        """Sets keys to values, and deletes those without one."""
        ...

    def merge(self, namespace: int, changes: Sequence[Entry]) -> None:
        """Merges values into those of keys."""
        ...

    def scan(self, namespace: int, start: bytes, end: bytes | None, reverse: bool, limit: int) -> list[Entry]:
        """Returns at most `limit` entries of a range of an ordered namespace, and from its end with `reverse`."""
        ...

    def delete_range(self, namespace: int, start: bytes, end: bytes | None) -> int:
        """Deletes a range of an ordered namespace, and returns how many entries there were."""
        ...

    def page(self, namespace: int, start: bool, limit: int) -> list[Entry]:
        """Returns the next entries of a walk in the order of the keys, and with `start` the first ones.

        It is for results: a hashed namespace is sorted for it.
        """
        ...

    def set_timer(self, namespace: int, at_ms: int, key: bytes) -> None:
        """Sets a timer."""
        ...

    def delete_timer(self, namespace: int, at_ms: int, key: bytes) -> bool:
        """Deletes a timer, and returns whether it was set."""
        ...

    def watermark(self) -> int | None:
        """Returns the watermark, in milliseconds."""
        ...

    def processing_time(self) -> int | None:
        """Returns the processing time, in milliseconds."""
        ...

    def emit(self, output: int, record: bytes) -> None:
        """Emits a record to an output."""
        ...

    def log(self, level: Level, message: str) -> None:
        """Writes a message to the host's log."""
        ...


def lens(parts: Iterable[bytes]) -> list[int]:
    """Returns the lengths of parts, as a batch of mutations carries them."""
    return [len(part) for part in parts]
