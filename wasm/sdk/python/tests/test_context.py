"""The context: the cache through which state is read and written, and the order in which the host sees it."""

from __future__ import annotations

import unittest
from collections.abc import Callable

from alluvium_plugin import (
    Description,
    Entry,
    Merge,
    Namespace,
    Ordered,
    Refused,
    Time,
    set_bytes,
    set_elements,
)

from .contexts import context_of


class ContextTest(unittest.TestCase):
    def test_a_batch_is_one_read_and_one_write_in_the_order_of_the_first_touch(self) -> None:
        context, host = context_of(Description("a").namespace(Namespace("one")).namespace(Namespace("two")))
        context.prefetch(1, [b"b", b"a", b"b"])
        context.set(2, b"z", b"1")
        context.set(2, b"y", b"2")
        context.set(2, b"z", b"3")
        context.set(1, b"c", b"new")
        context.set(1, b"a", b"changed")
        self.assertEqual((context.get(1, b"a"), context.get(1, b"b"), context.get(2, b"z")), (b"changed", None, b"3"))
        context.set(1, b"d", None)
        context.flush()
        context.flush()
        first = [(b"a", b"changed"), (b"c", b"new"), (b"d", None)]
        second = [(b"z", b"3"), (b"y", b"2")]
        self.assertEqual(host.calls, [("get", 1, [b"a", b"b"]), ("apply", 1, first), ("apply", 2, second)])

    def test_ranges_and_merges_see_what_the_call_has_changed(self) -> None:
        described = Description("a").namespace(Namespace("days", Ordered(1)))
        context, _ = context_of(described.namespace(Namespace("sums", merge=Merge.ADD)))
        for day in (b"c", b"a", b"b", b"d"):
            context.set(1, day, day * 2)
        self.assertEqual(context.scan("days", b"b", b"d", limit=9), [(b"b", b"bb"), (b"c", b"cc")])
        self.assertEqual(context.scan("days", reverse=True, limit=1), [(b"d", b"dd")])
        self.assertEqual(context.delete_range("days", b"c"), 2)
        self.assertEqual(context.scan("days", limit=9), [(b"a", b"aa"), (b"b", b"bb")])
        context.merge("sums", [(b"k", (5).to_bytes(8, "little")), (b"k", (2**64 - 7).to_bytes(8, "little"))])
        self.assertEqual(context.get(2, b"k"), (2**64 - 2).to_bytes(8, "little"))

        def merge_at_once(namespace: str, changes: list[Entry]) -> None:
            context.merge(namespace, changes)
            context.flush()

        for wrong, what in [
            (lambda: context.scan("sums", limit=1), "namespace 2 is not ordered"),
            (lambda: context.scan("days", limit=0), "a scan of 0 entries"),
            (lambda: merge_at_once("days", [(b"k", b"")]), "does not declare how"),
            (lambda: merge_at_once("sums", [(b"new", bytes(8)), (b"k", b"7")]), "not a number of eight bytes"),
            (lambda: context.set_timer("days", Time(1), b""), "namespace 1 does not hold timers"),
            (lambda: context.namespace("none"), "has not described a namespace 'none'"),
        ]:
            self.assert_refused(wrong, what)
        context.flush()
        self.assertIsNone(context.get(2, b"new"), "a batch of changes is refused as a whole")

    def test_merges_wait_in_their_order_with_other_changes(self) -> None:
        context, host = context_of(Description("a").namespace(Namespace("texts", merge=Merge.APPEND)))
        context.merge("texts", [(b"a", b"1"), (b"b", b"1")])
        context.merge(1, [(b"a", b"2")])
        self.assertEqual(host.calls, [], "a batch that only merges is one write")
        context.flush()
        self.assertEqual(host.calls, [("merge", 1, [(b"a", b"1"), (b"b", b"1"), (b"a", b"2")])])
        # What was read before a merge is not the value after it, and a value that was set is merged into.
        self.assertEqual(context.get(1, b"a"), b"12")
        context.merge(1, [(b"a", b"3")])
        self.assertEqual(context.get(1, b"a"), b"123")
        context.set(1, b"b", b"4")
        context.merge(1, [(b"b", b"5"), (b"c", b"6")])
        self.assertEqual([context.get(1, key) for key in (b"a", b"b", b"c")], [b"123", b"45", b"6"])
        # A key that is set or deleted after a merge into it stays that.
        host.calls.clear()
        context.merge(1, [(b"a", b"7"), (b"b", b"7")])
        context.set(1, b"a", b"8")
        context.set(1, b"b", None)
        context.merge(1, [(b"b", b"9")])
        self.assertEqual(context.page(1, True, 9), [(b"a", b"8"), (b"b", b"9"), (b"c", b"6")])
        merged, applied = [(b"a", b"7"), (b"b", b"7")], [(b"a", b"8"), (b"b", None)]
        self.assertEqual(host.calls, [("merge", 1, merged), ("apply", 1, applied), ("merge", 1, [(b"b", b"9")])])

    def test_namespaces_are_named_or_numbered(self) -> None:
        described = Description("a").namespace(Namespace("days", Ordered(1))).timers("ends")
        context, _ = context_of(described.namespace(Namespace("sums", merge=Merge.ADD)))
        ways: list[tuple[str | int, str | int, str | int]] = [("days", "ends", "sums"), (1, 2, 3)]
        for days, ends, sums in ways:
            context.prefetch(days, [b"a"])
            context.set(days, b"a", b"1")
            self.assertEqual(context.get(days, b"a"), b"1")
            self.assertEqual(context.scan(days, limit=9), [(b"a", b"1")])
            context.set(days, b"b", b"2")
            self.assertEqual(context.page(days, True, 9), [(b"a", b"1"), (b"b", b"2")])
            context.set(days, b"c", b"3")
            self.assertEqual(context.delete_range(days), 3)
            context.set_timer(ends, Time(7), b"a")
            self.assertTrue(context.delete_timer(ends, Time(7), b"a"))
            context.merge(sums, [(b"k", (5).to_bytes(8, "little"))])
        self.assertEqual(context.get("sums", b"k"), (10).to_bytes(8, "little"))

    def test_a_range_leaves_what_was_read_of_other_namespaces(self) -> None:
        context, host = context_of(Description("a").namespace(Namespace("days", Ordered(1))).namespace(Namespace("b")))
        context.get("b", b"k")
        context.set("b", b"new", b"1")
        context.set("days", b"a", b"1")
        context.scan("days", limit=1)
        context.get("b", b"k")
        self.assertEqual(host.calls, [("get", 2, [b"k"]), ("apply", 1, [(b"a", b"1")]), ("scan", 1, 1)])

    def test_values_are_merged_as_the_engine_does(self) -> None:
        sets = [set_bytes([b"b", b"d", b"x" * 300]), set_bytes([b"a", b"b", b"", b"b"])]
        cases: list[tuple[Merge, bytes, bytes, bytes]] = [
            (Merge.ADD, (5).to_bytes(8, "little"), b"\xff" * 8, (4).to_bytes(8, "little")),
            (Merge.MIN, b"ab", b"a", b"a"),
            (Merge.MAX, b"ab", b"b", b"b"),
            (Merge.APPEND, b"ab", b"c", b"abc"),
            (Merge.SET_UNION, sets[0], sets[1], set_bytes([b"", b"a", b"b", b"d", b"x" * 300])),
        ]
        for how, before, value, after in cases:
            context, _ = context_of(Description("a").namespace(Namespace("merged", merge=how)))
            context.merge("merged", [(b"k", before), (b"k", value)])
            self.assertEqual(context.get(1, b"k"), after)
        context, _ = context_of(Description("a").namespace(Namespace("sets", merge=Merge.SET_UNION)))
        for wrong in (b"\x02a", b"\x01b\x01a", b"\x01a\x01a", b"\x80\x00", b"\x81", b"\xff\xff\xff\xff\xff\x01"):
            with self.assertRaisesRegex(Refused, "not a set"):
                context.merge("sets", [(b"k", wrong)])
                context.flush()
        self.assertEqual(set_elements(b"\x02N1\x02N2"), {b"N1", b"N2"})

    def assert_refused(self, call: Callable[[], object], what: str) -> None:
        with self.assertRaisesRegex(Refused, what):
            call()
