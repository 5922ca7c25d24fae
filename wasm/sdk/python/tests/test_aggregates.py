"""Aggregates and keys of windows: their values, and the bytes that are the same in every language."""

from __future__ import annotations

import math
import struct
import unittest
from dataclasses import dataclass, field
from typing import Any

from alluvium_plugin import (
    Aggregate,
    Count,
    Fold,
    Harness,
    Max,
    Mean,
    Min,
    Refused,
    Row,
    Sliding,
    Sum,
    Time,
    Tumbling,
    hours,
    milliseconds,
    minutes,
    to_json,
)
from alluvium_plugin.windows.assign import Gap, Steps

from .streams import Record


def kept(aggregate: Aggregate[Any, Any], *numbers: float | None) -> bytes:
    """Returns the bytes that an aggregate keeps of numbers."""
    value = aggregate.begin()
    for number in numbers:
        value = aggregate.add(value, number)
    return aggregate.write(value)


def number(of: Any) -> Any:
    return of


def value(aggregate: Aggregate[Any, Any], *numbers: float | None) -> str:
    """Returns the value of numbers, after what is kept was written and read."""
    return aggregate.value(aggregate.read(kept(aggregate, *numbers)))


class AggregatesTest(unittest.TestCase):
    def test_bytes_are_the_same_in_every_language(self) -> None:
        self.assertEqual(kept(Count(), 1.0, None), struct.pack("<Q", 2))
        self.assertEqual(kept(Sum(number)), struct.pack("<Qd", 0, 0.0))
        self.assertEqual(kept(Sum(number), None, 1.5, 2), struct.pack("<Qd", 2, 3.5))
        self.assertEqual(kept(Mean(number), 1, 2), kept(Sum(number), 1, 2))
        none = bytes.fromhex("000000000000f87f")
        self.assertEqual(kept(Sum(number), math.inf, -math.inf, 1.0)[8:], none)
        for nan in (math.nan, -math.nan, struct.unpack("<d", b"\1\2\3\4\5\6\xff\xff")[0]):
            self.assertEqual(kept(Max(number), nan, 1.0), struct.pack("<Q", 2) + none)
        for zeros in ((0.0, -0.0), (-0.0, 0.0)):
            self.assertEqual(kept(Min(number), *zeros)[8:], struct.pack("<d", zeros[0]))
            self.assertEqual(kept(Max(number), *zeros)[8:], struct.pack("<d", zeros[0]))
        self.assertEqual(kept(Fold(dict[str, int], counted, joined), 2.0, 1.0, 2.0), b'{"2.0":2,"1.0":1}')

    def test_values(self) -> None:
        for aggregate in (Sum(number), Mean(number), Min(number), Max(number)):
            self.assertEqual(value(aggregate, None), "null", "without any number there is none")
        self.assertEqual(value(Count(), None), "1")
        self.assertEqual(value(Sum(number), 1, None, 2), "3.0")
        self.assertEqual(value(Sum(number), 0.1, 0.2, 0.3), "0.6000000000000001", "in the order of the records")
        self.assertEqual(value(Mean(number), 1, 2, 2), "1.6666666666666667")
        self.assertEqual((value(Min(number), 3, 1, 2), value(Max(number), 1, 3, 2)), ("1.0", "3.0"))
        self.assertEqual(value(Sum(number), math.inf), "null")
        with self.assertRaisesRegex(TypeError, "'1' is no number"):
            kept(Sum(number), "1")  # type: ignore[arg-type]

    def test_two_are_joined_of_which_one_may_be_empty(self) -> None:
        for aggregate in (Sum(number), Min(number), Max(number), Mean(number)):
            every = [aggregate.add(aggregate.begin(), 2.0), aggregate.add(aggregate.begin(), 1.0), aggregate.begin()]
            for first in every:
                for second in every:
                    both = aggregate.join(first, second)
                    self.assertEqual(both[0], first[0] + second[0])
            self.assertEqual(aggregate.join(every[2], every[0]), every[0])

    def test_bytes_that_are_none_refuse_the_call(self) -> None:
        every: list[Aggregate[Any, Any]] = [Count(), Sum(number), Fold(dict[str, int], counted, joined)]
        for aggregate in every:
            with self.assertRaises(ValueError):
                aggregate.read(b"1234567")
        harness = Harness(Tumbling.hours(1).by(Record, lambda it: it.key).count())
        harness.feed("key,at,number\na,1,\n")
        host = harness._run.host
        for wrong in (b"\0" * 19, b"\0" * 16 + b"\x01\0\0\0", b"\0" * 16 + b"\x07\0\0\0" + b"\0" * 7):
            host.apply(host.namespace("windows"), [(b"a", wrong)])
            with self.assertRaisesRegex(Refused, "^an entry of the windows is none$"):
                harness.feed("key,at,number\na,1,\n")


def counted(to: dict[str, int], of: Any) -> dict[str, int]:
    to[str(of)] = to.get(str(of), 0) + 1
    return to


def joined(to: dict[str, int], later: dict[str, int]) -> dict[str, int]:
    return {name: to.get(name, 0) + later.get(name, 0) for name in [*to, *later]}


@dataclass
class Spread:
    least: float | None = None
    all: list[float] = field(default_factory=list)


def spread(to: Spread, it: Record) -> Spread:
    to.all.append(it.number or 0)
    return Spread(min(to.all), to.all)


class Typed(Row):
    carrier: str
    flight: int
    begin: Time
    end: Time | None


class KeysTest(unittest.TestCase):
    def test_the_windows_of_a_key_are_one_entry(self) -> None:
        harness = Harness(Tumbling.of(milliseconds(10)).by(Record, lambda it: it.key).sum(lambda it: it.number))
        harness.feed("key,at,number\na,25,1\na,-5,2\n")
        first = struct.pack("<qqIQd", -10, 0, 16, 1, 2.0)
        second = struct.pack("<qqIQd", 20, 30, 16, 1, 1.0)
        self.assertEqual(harness.entries("windows"), [(b"a", first + second)])
        self.assertEqual(harness.timers("ends"), [(Time(0), b"a"), (Time(30), b"a")])

    def test_a_value_of_your_own(self) -> None:
        folded = Fold(Spread, spread, lambda to, later: Spread(None, to.all + later.all))
        harness = Harness(Tumbling.hours(1).by(Record, lambda it: it.key).aggregate(folded))
        harness.feed("key,at,number\na,1,2\n")
        harness.feed("key,at,number\na,0,1.5\n")
        harness.finish()
        self.assertTrue(harness.emitted()[0].endswith('"value":{"least":1.5,"all":[2.0,1.5]}}'))

    def test_keys_are_texts_numbers_and_tuples_of_them(self) -> None:
        def annotated(it: Typed) -> tuple[str, int]:
            return it.carrier.split("-")[1], it.flight

        windows = Tumbling.of(hours(1))
        feed = "carrier,flight,begin,end\nx-UA,-7,1,2\n"
        for operator, key in [
            (windows.by(Typed, lambda it: it.flight, at=lambda it: it.end), "-7"),
            (windows.by(Typed, lambda it: (it.carrier, it.flight), at=lambda it: it.begin), '["x-UA",-7]'),
            (windows.by(Typed, annotated, at=lambda it: it.begin), '["UA",-7]'),
            (windows.by(Typed, lambda it: it.carrier.split("-")[1], at=lambda it: it.begin, of=str), '"UA"'),
        ]:
            harness = Harness(operator.count())
            harness.feed(feed)
            harness.checkpoint()
            harness.crash()
            harness.finish()
            window = '"from":"1970-01-01T00:00:00Z","to":"1970-01-01T01:00:00Z","value":1'
            self.assertEqual(harness.emitted(), [f'{{"key":{key},{window}}}'])
        with self.assertRaisesRegex(TypeError, "say the type of the key, as by.*of=tuple.*IndexError"):
            windows.by(Typed, lambda it: it.carrier.split("-")[1])
        with self.assertRaisesRegex(TypeError, "say the type of the key.*float"):
            windows.by(Typed, lambda it: it.flight / 2)  # type: ignore[type-var]

    def test_a_record_without_a_time_is_refused(self) -> None:
        harness = Harness(Tumbling.minutes(1).by(Typed, lambda it: it.carrier).count())
        with self.assertRaises(Refused) as refused:
            harness.feed("carrier,flight,begin,end\na,1,1,2\n")
        self.assertEqual(str(refused.exception), "record 0: it has no time", "which of two is meant, nobody knows")
        by_end = Tumbling.minutes(1).by(Typed, lambda it: it.carrier, at=lambda it: it.end)
        with self.assertRaisesRegex(Refused, "^record 1: it has no time$"):
            Harness(by_end.count()).feed("carrier,flight,begin,end\na,1,1,2\na,1,1,NA\n")

    def test_windows_have_their_times(self) -> None:
        tumbling = Steps(10, 10)
        for at, window in {0: (0, 10), 9: (0, 10), 10: (10, 20), -1: (-10, 0), -10: (-10, 0)}.items():
            self.assertEqual(list(tumbling.windows(at)), [window])
        self.assertEqual(list(Steps(10, 4).windows(8)), [(0, 10), (4, 14), (8, 18)])
        self.assertEqual(list(Steps(10, 4).windows(10)), [(4, 14), (8, 18)])
        self.assertEqual((list(Steps(3, 10).windows(2)), list(Steps(3, 10).windows(3))), ([(0, 3)], []))
        self.assertEqual(list(Gap(5).windows(3)), [(3, 8)])
        # Times at the end of 64 bits stay there.
        self.assertEqual(list(Gap(5).windows(2**63 - 1)), [(2**63 - 1, 2**63 - 1)])
        self.assertEqual(list(tumbling.windows(-(2**63))), [(-(2**63), -(2**63) + 10)])
        self.assertEqual(len(list(Sliding.of(hours(1), milliseconds(1))._assign.windows(0))), 1_000)
        self.assertEqual(Tumbling.of(milliseconds(0)), Tumbling.of(milliseconds(1)))
        self.assertEqual((Tumbling.hours(1), Tumbling.minutes(2)), (Tumbling.of(hours(1)), Tumbling.of(minutes(2))))
        with self.assertRaisesRegex(ValueError, "none is negative"):
            Tumbling.of(hours(-1))

    def test_an_operator_has_a_name(self) -> None:
        windows = Tumbling.hours(1).by(Record, lambda it: it.key).count()
        self.assertEqual((windows.describe().name, windows.named("a").describe().name), ("", "a"))
        self.assertEqual(to_json(windows.describe().namespaces[0].name), '"windows"')
