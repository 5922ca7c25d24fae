"""What a host gives an operator, in memory: its state, its clocks and its outputs, and what undoes a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..description import Clock, Description, Timers
from ..host import Entry, Level
from ..refused import Refused
from .space import Space, Stored, timer_key

T = TypeVar("T")

# After its first entry, a page has at most so many bytes of keys and values.
PAGE_BYTES = 1 << 20


@dataclass
class Kept:
    """What a checkpoint holds."""

    spaces: dict[str, Space]
    clocks: dict[Clock, int]
    parameters: dict[str, str]

    def copy(self) -> Kept:
        """Returns the same, which changes on its own from now on."""
        spaces = {name: space.copy() for name, space in self.spaces.items()}
        return Kept(spaces, dict(self.clocks), dict(self.parameters))


class MemoryHost:
    """Keeps the state of an operator in memory, and what it has emitted and said."""

    def __init__(self, described: Description, kept: Kept) -> None:
        self.kept = kept
        self.emitted: list[list[bytes]] = [[] for _ in described.outputs]
        self.messages: list[str] = []
        self._walk: list[bytes] | None = None
        # What was stored before each change of the present call, in the order of the changes.
        self._undo: list[tuple[Space, bytes, Stored | None]] = []
        for number, namespace in enumerate(described.namespaces, 1):
            known = kept.spaces.setdefault(namespace.name, Space(namespace, number))
            if known.declared != namespace:
                raise Refused(f"the namespace {namespace.name!r} was {known.declared}, and cannot become {namespace}")
            # Another version may describe it at another place.
            known.number = number
        self._numbered = [kept.spaces[namespace.name] for namespace in described.namespaces]

    def call(self, work: Callable[[], T]) -> T:
        """Does the work of a call, all or nothing."""
        emitted = [len(records) for records in self.emitted]
        self._undo.clear()
        try:
            return work()
        except BaseException:
            self._rollback(0)
            for records, length in zip(self.emitted, emitted, strict=True):
                del records[length:]
            raise

    def queues(self, clock: Clock) -> list[tuple[str, Space]]:
        """Returns the namespaces that hold timers by a clock, in the order of their declaration."""
        return [(it.declared.name, it) for it in self._numbered if it.declared.kind == Timers(clock)]

    def move(self, clock: Clock, at_ms: int) -> None:
        """Moves a clock. An earlier time changes nothing."""
        now_ms = max(self.kept.clocks.get(clock, at_ms), at_ms)
        self.kept.clocks[clock] = now_ms
        for space in self._numbered:
            if space.declared.expires is not None and space.declared.expires[0] is clock:
                space.clock_moved(now_ms)

    def namespace(self, name: str) -> int:
        for space in self._numbered:
            if space.declared.name == name:
                return space.number
        raise Refused(f"the operator has not described a namespace {name!r}")

    def get_many(self, namespace: int, keys: Sequence[bytes]) -> list[bytes | None]:
        space = self._space(namespace)
        return [space.get(key) for key in keys]

    def apply(self, namespace: int, changes: Sequence[tuple[bytes, bytes | None]]) -> None:
        space = self._space(namespace)

        def change() -> None:
            for key, value in changes:
                self._note(space, key)
                if value is None:
                    space.delete(key)
                else:
                    space.put(key, value)

        self._whole(change)

    def merge(self, namespace: int, changes: Sequence[Entry]) -> None:
        space = self._space(namespace)

        def change() -> None:
            for key, value in changes:
                self._note(space, key)
                space.merge(key, value)

        self._whole(change)

    def scan(self, namespace: int, start: bytes, end: bytes | None, reverse: bool, limit: int) -> list[Entry]:
        if limit == 0:
            raise Refused("a scan of 0 entries would never find any: give a limit of 1 or more")
        space = self._space(namespace)
        keys = space.range(start, end)
        return page_of(space, keys[::-1] if reverse else keys, limit)

    def delete_range(self, namespace: int, start: bytes, end: bytes | None) -> int:
        space = self._space(namespace)
        keys = space.range(start, end)
        for key in keys:
            self._note(space, key)
            space.delete(key)
        return len(keys)

    def page(self, namespace: int, start: bool, limit: int) -> list[Entry]:
        space = self._space(namespace)
        if start:
            self._walk = [key for key, _ in space.entries()]
        if self._walk is None:
            raise Refused("the next page was asked for before the first")
        page = page_of(space, self._walk, limit)
        # The walk leaves out keys that were deleted meanwhile.
        last = page[-1][0] if page else None
        self._walk = [key for key in self._walk if last is not None and key > last]
        return page

    def set_timer(self, namespace: int, at_ms: int, key: bytes) -> None:
        space = self._space(namespace)
        space.check_holds_timers()
        stored = timer_key(at_ms, key)
        self._note(space, stored)
        space.put(stored, b"")

    def delete_timer(self, namespace: int, at_ms: int, key: bytes) -> bool:
        space = self._space(namespace)
        space.check_holds_timers()
        stored = timer_key(at_ms, key)
        self._note(space, stored)
        return space.delete(stored)

    def watermark(self) -> int | None:
        return self.kept.clocks.get(Clock.EVENT)

    def processing_time(self) -> int | None:
        return self.kept.clocks.get(Clock.PROCESSING)

    def emit(self, output: int, record: bytes) -> None:
        if not 0 <= output < len(self.emitted):
            raise Refused(f"there is no output {output}: the operator describes {len(self.emitted)}")
        self.emitted[output].append(record)

    def log(self, level: Level, message: str) -> None:
        self.messages.append(f"{level.name.title()}: {message}")

    def _space(self, number: int) -> Space:
        if not 1 <= number <= len(self._numbered):
            raise Refused(f"there is no namespace of number {number}")
        return self._numbered[number - 1]

    def _note(self, space: Space, key: bytes) -> None:
        self._undo.append((space, key, space.stored(key)))

    def _whole(self, change: Callable[[], None]) -> None:
        """Applies a batch of changes, all or nothing."""
        begun = len(self._undo)
        try:
            change()
        except Refused:
            self._rollback(begun)
            raise

    def _rollback(self, begun: int) -> None:
        for space, key, stored in reversed(self._undo[begun:]):
            space.restore(key, stored)
        del self._undo[begun:]


def page_of(space: Space, keys: Sequence[bytes], limit: int) -> list[Entry]:
    """Returns the entries of the first keys, as many as a page has."""
    page: list[Entry] = []
    size = 0
    for key in keys:
        value = space.get(key)
        if value is None:
            continue
        size += len(key) + len(value)
        if len(page) == limit or (page and size > PAGE_BYTES):
            break
        page.append((key, value))
    return page
