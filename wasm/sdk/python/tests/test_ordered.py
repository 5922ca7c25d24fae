"""Ordered maps: their bytes and bounds, ranges of many pages, and what they refuse."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from typing import Any

from alluvium_plugin import (
    Clock,
    Code,
    Context,
    Description,
    Ordered,
    OrderedMap,
    Refused,
    Time,
    Unsigned,
    milliseconds,
)

from .contexts import Counting, context_of


class Airport(Code, bytes=3):
    """The code of an airport."""


JFK, EWR = Airport("JFK"), Airport("EWR")
NOON = b"\x80\0\0\0\0\0\0\x0c"


def opened(of: OrderedMap[Any, Any, Any]) -> tuple[Context, Counting]:
    return context_of(Description("a").namespace(of.namespace))


class OrderedTest(unittest.TestCase):
    def test_an_owner_stands_before_its_keys(self) -> None:
        departures = OrderedMap("departures", Airport, Time, str)
        self.assertEqual(departures.namespace.kind, Ordered(3))
        self.assertEqual(OrderedMap("numbers", Unsigned, str, int).namespace.kind, Ordered(8))
        self.assertEqual(OrderedMap("numbers", int, str, int).namespace.kind, Ordered(8))
        context, host = opened(departures)
        departures.set(JFK, Time(12), "UA", context)
        departures.set(EWR, Time(12), "AA", context)
        self.assertEqual((departures.get(JFK, Time(12), context), departures.get(JFK, Time(11), context)), ("UA", None))
        departures.delete(EWR, Time(12), context)
        context.flush()
        self.assertEqual(host.calls[-1], ("apply", 1, [(b"JFK" + NOON, b'"UA"'), (b"EWR" + NOON, None)]))

    def test_bounds_belong_to_a_range_or_do_not(self) -> None:
        texts = OrderedMap("texts", Airport, str, int)
        keys = ["", "a", "a\0", "ab", "b"]
        cases: list[tuple[dict[str, Any], list[str]]] = [
            ({}, keys),
            ({"at_least": "a"}, ["a", "a\0", "ab", "b"]),
            ({"above": "a"}, ["a\0", "ab", "b"]),
            ({"at_most": "a"}, ["", "a"]),
            ({"below": "a"}, [""]),
            ({"at_least": "a", "at_most": "a"}, ["a"]),
            ({"at_least": "a", "below": "a"}, []),
            ({"above": "b", "at_most": "a"}, []),
            ({"above": "", "below": "b"}, ["a", "a\0", "ab"]),
        ]
        for bounds, found in cases:
            context, _ = opened(texts)
            for owner in (EWR, JFK, Airport("JFL")):
                for key in keys:
                    texts.set(owner, key, 1, context)
            self.assertEqual([key for key, _ in texts.range(JFK, context, **bounds, limit=9)], found, bounds)
            last = texts.range(JFK, context, **bounds, limit=2, reverse=True)
            self.assertEqual([key for key, _ in last], found[::-1][:2], bounds)
            self.assertEqual(texts.delete_range(JFK, context, **bounds), len(found))
            self.assertEqual(
                [key for key, _ in texts.range(JFK, context, limit=9)], [key for key in keys if key not in found]
            )
            self.assertEqual(len(texts.range(EWR, context, limit=9)), len(keys), "others stay")

    def test_a_range_has_as_many_entries_as_its_limit(self) -> None:
        large = OrderedMap("large", int, int, str)
        context, host = opened(large)
        for key in range(5):
            large.set(7, key, str(key) * 700_000, context)
        for limit, reverse, keys in [(9, False, [0, 1, 2, 3, 4]), (3, False, [0, 1, 2]), (3, True, [4, 3, 2])]:
            found = large.range(7, context, limit=limit, reverse=reverse)
            self.assertEqual([key for key, _ in found], keys, "a page of the host has one of them")
        self.assertEqual(large.range(7, context, limit=0), [])
        host.calls.clear()
        self.assertEqual(len(large.range(7, context, limit=2**40)), 5)
        self.assertEqual(host.calls[0], ("scan", 1, 2**32 - 1), "a host takes a number of 32 bits")

    def test_a_range_that_is_empty_asks_for_nothing(self) -> None:
        numbers = OrderedMap("numbers", int, int, int)
        context, host = opened(numbers)
        self.assertEqual(numbers.range(7, context, at_least=3, below=3, limit=9), [])
        self.assertEqual(numbers.delete_range(7, context, above=3, at_most=2), 0)
        self.assertEqual(host.calls, [])

    def test_entries_expire(self) -> None:
        numbers = OrderedMap("numbers", int, int, int).expires(Clock.EVENT, milliseconds(10))
        context, host = opened(numbers)
        host.move(Clock.EVENT, 0)
        numbers.set(7, 1, 1, context)
        context.flush()
        host.move(Clock.EVENT, 5)
        numbers.set(7, 2, 2, context)
        context.flush()
        host.move(Clock.EVENT, 10)
        self.assertEqual(numbers.range(7, context, limit=9), [(2, 2)])

    def test_owners_of_another_type_are_bugs(self) -> None:
        owners: list[Any] = [str, Time, bool, float, tuple[int, int], Code]
        for owner in owners:
            types = "int, Unsigned or a class of codes"
            what = rf"^numbers: an owner always has as many bytes, so its type is {types}, and not \S+"
            with self.assertRaisesRegex(TypeError, what):
                OrderedMap("numbers", owner, int, int)

    def test_wrong_uses_are_bugs(self) -> None:
        numbers: OrderedMap[Any, Any, Any] = OrderedMap("numbers", Airport, int, int)
        context, _ = opened(numbers)
        cases: list[tuple[Callable[[], object], type[Exception], str]] = [
            (lambda: numbers.get("JFK", 1, context), TypeError, "the key 'JFK' is not of the type Airport"),
            (lambda: numbers.set(JFK, "1", 1, context), TypeError, "the key '1' is not of the type int"),
            (lambda: numbers.set(JFK, 1, "1", context), TypeError, '"1" is no int'),
            (lambda: numbers.range(JFK, context, limit=-1), ValueError, "-1 is no number of entries"),
            (lambda: numbers.range(JFK, context, at_least=1, above=1, limit=1), TypeError, "one bound on each side"),
            (lambda: numbers.delete_range(JFK, context, at_most=1, below=1), TypeError, "one bound on each side"),
        ]
        for call, error, what in cases:
            with self.assertRaisesRegex(error, what):
                call()

    def test_entries_of_another_type_refuse_the_call(self) -> None:
        numbers = OrderedMap("numbers", int, int, int)
        for key, value, what in [(b"short", b"1", "a key"), (NOON, b'"1"', "a value")]:
            context, host = opened(numbers)
            host.apply(1, [(NOON + key, value)])
            with self.assertRaisesRegex(Refused, f"^numbers: {what} of another type"):
                numbers.range(12, context, limit=1)
