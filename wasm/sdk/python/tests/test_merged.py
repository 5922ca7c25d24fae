"""Merged state: its bytes, what it costs, and what it refuses."""

from __future__ import annotations

import unittest
from typing import Any

from alluvium_plugin import (
    Add,
    Append,
    Clock,
    Code,
    Context,
    Description,
    Greatest,
    Least,
    Merge,
    Merged,
    Refused,
    Time,
    Union,
    milliseconds,
)

from .contexts import Counting, context_of


class Airport(Code, bytes=3):
    """The code of an airport."""


def opened(of: Merged[Any, Any, Any]) -> tuple[Context, Counting]:
    return context_of(Description("a").namespace(of.namespace))


class MergedTest(unittest.TestCase):
    def test_operands_and_values_are_those_of_the_engine(self) -> None:
        cases: list[tuple[Any, Merge, list[Any], bytes, Any]] = [
            (Add(), Merge.ADD, [5, -7], b"\xfe" + b"\xff" * 7, -2),
            (Add(), Merge.ADD, [2**63 - 1, 1], b"\0" * 7 + b"\x80", -(2**63)),
            (Least(int), Merge.MIN, [1, -1, 0], b"\x7f" + b"\xff" * 7, -1),
            (Least(Time), Merge.MIN, [Time(1), Time(2)], b"\x80\0\0\0\0\0\0\x01", Time(1)),
            (Greatest(tuple[str, int]), Merge.MAX, [("a", 1), ("", 9)], b"a\0\x01\x80\0\0\0\0\0\0\x01", ("a", 1)),
            (Append(), Merge.APPEND, [b"b", b"", b"a"], b"ba", b"ba"),
            (Union(str), Merge.SET_UNION, ["é", "b", "", "b"], b"\0\x01b\x02\xc3\xa9", ["", "b", "é"]),
            (Union(str), Merge.SET_UNION, ["x" * 300], b"\xac\x02" + b"x" * 300, ["x" * 300]),
            (Union(int), Merge.SET_UNION, [0, -1], b"\x08\x7f" + b"\xff" * 7 + b"\x08\x80" + b"\0" * 7, [-1, 0]),
        ]
        for operator, how, operands, raw, value in cases:
            merged = Merged("merged", str, operator)
            self.assertEqual(merged.namespace.merge, how)
            context, _ = opened(merged)
            self.assertIsNone(merged.get("k", context))
            for operand in operands:
                merged.merge("k", operand, context)
            self.assertEqual((merged.get("k", context), context.get(1, b"k")), (value, raw))

    def test_a_batch_that_only_merges_is_one_write(self) -> None:
        sums = Merged("sums", Airport, Add())
        context, host = opened(sums)
        for airport in ("JFK", "EWR", "JFK"):
            sums.merge(Airport(airport), 1, context)
        context.flush()
        one = (1).to_bytes(8, "little")
        self.assertEqual(host.calls, [("merge", 1, [(b"JFK", one), (b"EWR", one), (b"JFK", one)])])
        self.assertEqual(sums.page(True, 1, context), [(Airport("EWR"), 1)])
        self.assertEqual(sums.page(False, 9, context), [(Airport("JFK"), 2)])
        self.assertEqual(sums.page(False, 9, context), [])

    def test_what_waits_is_seen_and_deleted_values_begin_again(self) -> None:
        sums = Merged("sums", str, Add())
        context, _ = opened(sums)
        sums.merge("a", 1, context)
        sums.delete("a", context)
        self.assertIsNone(sums.get("a", context))
        sums.merge("a", 2, context)
        sums.merge("b", 3, context)
        self.assertEqual(sums.page(True, 9, context), [("a", 2), ("b", 3)])

    def test_values_expire_after_their_last_change(self) -> None:
        sums = Merged("sums", str, Add()).expires(Clock.EVENT, milliseconds(10))
        context, host = opened(sums)
        for at, key in [(0, "a"), (0, "b"), (5, "a")]:
            host.move(Clock.EVENT, at)
            sums.merge(key, 1, context)
            context.flush()
        host.move(Clock.EVENT, 10)
        self.assertEqual((sums.get("a", context), sums.get("b", context)), (2, None))

    def test_operands_of_another_type_are_bugs(self) -> None:
        cases: list[tuple[Any, Any, type[Exception]]] = [
            (Add(), 1.5, TypeError),
            (Add(), True, TypeError),
            (Add(), 2**63, OverflowError),
            (Least(int), "1", TypeError),
            (Greatest(Airport), "JFK", TypeError),
            (Append(), "text", TypeError),
            (Union(str), 7, TypeError),
        ]
        for operator, operand, error in cases:
            merged = Merged("merged", str, operator)
            context, host = opened(merged)
            with self.assertRaises(error):
                merged.merge("k", operand, context)
            context.flush()
            self.assertEqual(host.calls, [])
        of: Any = float
        for make in (Least, Greatest, Union):
            with self.assertRaisesRegex(TypeError, "the type of a key is"):
                make(of)

    def test_values_of_another_type_refuse_the_call(self) -> None:
        operators: list[Any] = [Add(), Least(int), Greatest(Time), Union(int)]
        for operator in operators:
            merged = Merged("merged", str, operator)
            for raw in (b"\x01a", b"\x02ab\x02cd"):
                host = context_of(Description("a").namespace(Merged("merged", str, Append()).namespace))[1]
                host.apply(1, [(b"k", raw)])
                with self.assertRaisesRegex(Refused, "^merged: a value of another type$"):
                    merged.get("k", Context(host, {}))
