"""Windows with allowed lateness: against windows that are computed of a whole epoch at once.

The operator gets the records of an epoch in any order, and its batches are cut anywhere.
"""

from __future__ import annotations

import random
import unittest
from dataclasses import dataclass
from typing import NamedTuple

from alluvium_plugin import Harness, Row, Session, Sliding, Time, milliseconds

from .streams import Records, csv, cuts

# The outputs by number.
LATE = 1


class Timed(Row):
    key: str
    at: Time


class Kind(NamedTuple):
    """How windows lie. They are sessions without a step."""

    length: int
    step: int | None
    lateness: int

    def harness(self) -> Harness:
        length, lateness = milliseconds(self.length), milliseconds(self.lateness)
        windows = Session.gap(length) if self.step is None else Sliding.of(length, milliseconds(self.step))
        return Harness(windows.lateness(lateness).by(Timed, lambda it: it.key).count())

    def spans(self, at: int) -> list[tuple[int, int]]:
        """Returns the windows of a record alone."""
        if self.step is None:
            return [(at, at + self.length)]
        begins = range(at - self.length + 1, at + 1)
        return [(begin, begin + self.length) for begin in begins if begin % self.step == 0]


@dataclass
class Open:
    """A window, with the number of its records, and whether some of them are new."""

    key: str
    begin: int
    end: int
    count: int = 1
    is_new: bool = True


class AtOnce:
    """Windows that are computed of the records of a whole epoch."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.watermark = -100
        self.open: list[Open] = []
        self.late: list[str] = []
        self.emitted: list[str] = []

    def epoch(self, epoch: Records, watermark: int) -> None:
        """Takes the records of an epoch, and moves the watermark behind them."""
        every, self.open = self.open, []
        for key, at, _ in epoch:
            in_time = [span for span in self.kind.spans(at) if span[1] + self.kind.lateness > self.watermark]
            every += [Open(key, begin, end) for begin, end in in_time]
            if not in_time:
                self.late.append(f'{{"key":"{key}","time":"{Time(at)}"}}')
        for each in sorted(every, key=lambda it: (it.key, it.begin)):
            last = self.open[-1] if self.open else None
            if last is None or last.key != each.key or not self._is_one(last, each):
                self.open.append(each)
                continue
            last.end = max(last.end, each.end)
            last.count += each.count
            last.is_new |= each.is_new
        for each in sorted(self.open, key=lambda it: (it.end, it.key)):
            if each.end <= watermark and (each.end > self.watermark or each.is_new):
                begin, end = Time(each.begin), Time(each.end)
                self.emitted.append(f'{{"key":"{each.key}","from":"{begin}","to":"{end}","value":{each.count}}}')
        self.open = [each for each in self.open if each.end + self.kind.lateness > watermark]
        for each in self.open:
            each.is_new = False
        self.watermark = watermark

    def _is_one(self, last: Open, each: Open) -> bool:
        return last.end >= each.begin if self.kind.step is None else last.begin == each.begin


def state(harness: Harness) -> tuple[object, object]:
    return harness.entries("windows"), harness.timers("ends")


class LatenessTest(unittest.TestCase):
    def test_windows_are_those_of_each_epoch_at_once_in_any_order_and_cuts(self) -> None:
        for seed in range(200):
            source = random.Random(seed)
            length = source.randint(1, 6)
            step = source.choice([length, source.randint(1, length), None, None])
            kind = Kind(length, step, source.randint(0, 12))
            cut, whole, at_once = kind.harness(), kind.harness(), AtOnce(kind)
            harnesses = cut, whole
            for harness in harnesses:
                harness.watermark("-100")
            watermark = 0
            for _ in range(8):
                # A session of the earliest record is still in time, so the order cannot decide what is late.
                earliest = max(watermark - kind.lateness - length + 1, watermark - 15)
                times = [source.randrange(earliest, watermark + 15) for _ in range(source.randrange(8))]
                epoch = [(source.choice("ab"), at, 1) for at in times]
                for batch in cuts(source, epoch, len(epoch)):
                    cut.feed(csv(batch))
                whole.feed(csv(sorted(epoch)))
                self.assertEqual(state(cut), state(whole), f"seed {seed}, {kind}: the order and the cuts change it")
                watermark += source.randrange(12)
                for harness in harnesses:
                    harness.watermark(str(watermark))
                at_once.epoch(epoch, watermark)
            for harness in harnesses:
                harness.finish()
                self.assertEqual(sorted(harness.emitted_to(LATE)), sorted(at_once.late), f"seed {seed}, {kind}")
                self.assertEqual(state(harness), ([], []), f"seed {seed}, {kind}")
            at_once.epoch([], 1 << 62)
            self.assertEqual(cut.emitted(), at_once.emitted, f"seed {seed}, {kind}")
            self.assertEqual(whole.emitted(), at_once.emitted, f"seed {seed}, {kind}")

    def test_a_session_that_grows_leaves_the_timers_of_others(self) -> None:
        # The session of 3 would be closed at 15, when that of 10 ends, and the session of 4 closes at 16.
        kind = Kind(5, None, 7)
        harness = kind.harness()
        harness.feed("key,at\na,3\na,10\n")
        harness.feed("key,at\na,4\n")
        self.assertEqual(times(harness), [9, 15, 16, 22])
        harness.finish()
        lines = [
            f'{{"key":"a","from":"{Time(begin)}","to":"{Time(end)}","value":{value}}}'
            for begin, end, value in [(3, 9, 2), (10, 15, 1)]
        ]
        self.assertEqual(harness.emitted(), lines)
        self.assertEqual(harness.emitted_to(LATE), [])

        # The session of 10 ends at 15, when that of 3 is closed, and grows before that.
        other = kind.harness()
        other.feed("key,at\na,3\na,10\n")
        other.feed("key,at\na,11\n")
        self.assertEqual(times(other), [8, 15, 16, 23])


def times(harness: Harness) -> list[int]:
    return [timer[0].ms for timer in harness.timers("ends")]
