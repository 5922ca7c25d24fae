"""Which windows a time is in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..times import I64_MAX, I64_MIN

Window = tuple[int, int]
"""A window: from a time up to another, which is not included, in milliseconds."""


def saturated(ms: int) -> int:
    """Returns the time that is the nearest of those that fit 64 bits."""
    return min(max(ms, I64_MIN), I64_MAX)


@dataclass(frozen=True)
class Steps:
    """Windows of one length, of which one begins after each step."""

    length_ms: int
    step_ms: int

    joins = False
    """Whether windows that touch are one."""

    def windows(self, at: int) -> Iterator[Window]:
        """Yields the windows of a time, the earliest first."""
        last = saturated(at - at % self.step_ms)
        # How many begin at the last step before the time, or at one before that, and still have it.
        count = (self.length_ms - 1 - (at - last)) // self.step_ms + 1
        first = saturated(last - self.step_ms * (count - 1))
        for number in range(count):
            begin = saturated(first + self.step_ms * number)
            yield begin, saturated(begin + self.length_ms)


@dataclass(frozen=True)
class Gap:
    """Windows that end when nothing has come for a gap, and those that touch are one."""

    gap_ms: int

    joins = True
    """Whether windows that touch are one."""

    def windows(self, at: int) -> Iterator[Window]:
        """Yields the session of this time alone."""
        yield at, saturated(at + self.gap_ms)


Assign = Steps | Gap
