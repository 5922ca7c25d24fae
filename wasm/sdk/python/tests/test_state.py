"""Typed state, and the cache through which it is read and written."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from alluvium_plugin import (
    Batch,
    Clock,
    Context,
    Counter,
    Description,
    Harness,
    List,
    Map,
    Merge,
    Namespace,
    Operator,
    Ordered,
    Refused,
    Row,
    Rows,
    Time,
    Value,
    milliseconds,
    set_bytes,
    set_elements,
)
from alluvium_plugin.harness.host import Kept, MemoryHost


class Click(Row):
    page: str
    user: int


@dataclass
class Seen:
    user: int
    weight: float


class Visits(Operator):
    """Counts clicks by page, keeps the last user of each page and of all, and forgets users after a while."""

    def __init__(self) -> None:
        self.rows = Rows(Click)
        self.visits = Counter("visits", str)
        self.last = Map("last", tuple[str, int], Seen)
        self.user = Value("user", int)
        self.recent = Map("recent", int, str).expires(Clock.EVENT, milliseconds(10))

    def describe(self) -> Description:
        described = Description("visits").input("clicks").output("visits")
        for each in (self.visits, self.last, self.user, self.recent):
            described = described.namespace(each.namespace)
        return described

    def begin(self, input: int, header: list[str]) -> None:
        self.rows.begin(header)

    def process(self, input: int, batch: Batch, context: Context) -> None:
        clicks = self.rows.read(batch)
        self.visits.prefetch([it.page for it in clicks], context)
        for number, it in enumerate(clicks):
            visits = self.visits.add(it.page, 1, context)
            context.emit(0, f"{it.page}: {visits} {self.recent.get(it.user, context)} {self.user.get(context)}")
            if it.user < 0:
                raise Refused("no user", number)
            self.last.set((it.page, it.user), Seen(it.user, 1), context)
            self.user.set(it.user, context)
            self.recent.set(it.user, it.page, context)
            if it.page == "/gone" and self.last.has((it.page, it.user), context):
                self.last.delete((it.page, it.user), context)


class Recent(Operator):
    """Keeps what each user has clicked, until that is three pages."""

    def __init__(self) -> None:
        self.rows = Rows(Click)
        self.pages = List("pages", int, str)

    def describe(self) -> Description:
        return Description("recent").input("clicks").output("pages").namespace(self.pages.namespace)

    def begin(self, input: int, header: list[str]) -> None:
        self.rows.begin(header)

    def process(self, input: int, batch: Batch, context: Context) -> None:
        for it in self.rows.read(batch):
            if self.pages.push(it.user, it.page, context) == 3:
                context.emit(0, " ".join(self.pages.take(it.user, context)))


class StateTest(unittest.TestCase):
    def test_lists_keep_what_was_pushed_and_can_be_taken(self) -> None:
        harness = Harness(Recent)
        harness.feed("page,user\n/a,7\n/b,8\n/c,7\n")
        seven, eight = (b"\x80\0\0\0\0\0\0" + bytes([at]) for at in (7, 8))
        self.assertEqual(harness.entries("pages"), [(seven, b'["/a","/c"]'), (eight, b'["/b"]')])
        harness.checkpoint()
        harness.feed("page,user\n/d,7\n")
        harness.crash()
        harness.feed("page,user\n/d,7\n/e,7\n")
        self.assertEqual(harness.emitted(), ['"/a /c /d"'])
        self.assertEqual(harness.entries("pages"), [(seven, b'["/e"]'), (eight, b'["/b"]')])

    def test_maps_values_and_counters_keep_json(self) -> None:
        harness = Harness(Visits)
        harness.feed("page,user\n/home,7\n/gone,8\n/home,8\n")
        self.assertEqual(harness.emitted(), ['"/home: 1 None None"', '"/gone: 1 None 7"', '"/home: 2 /gone 8"'])
        self.assertEqual(harness.entries("visits"), [(b"/gone", b"1"), (b"/home", b"2")])
        number = b"\x80\0\0\0\0\0\0"
        seen = [(b"/home\0\x01" + number + bytes([at]), b'{"user":%d,"weight":1.0}' % at) for at in (7, 8)]
        self.assertEqual(harness.entries("last"), seen)
        self.assertEqual(harness.entries("user"), [(b"", b"8")])

    def test_an_error_leaves_the_state_untouched(self) -> None:
        harness = Harness(Visits)
        harness.feed("page,user\n/home,7\n")
        names = ("visits", "last", "user", "recent")
        before = [harness.entries(name) for name in names], harness.emitted()
        with self.assertRaisesRegex(Refused, "^record 1: no user$"):
            harness.feed("page,user\n/home,8\n/other,-1\n")
        self.assertEqual(([harness.entries(name) for name in names], harness.emitted()), before)
        harness.feed("page,user\n/home,8\n")
        self.assertEqual(harness.emitted()[1:], ['"/home: 2 None 7"'])

    def test_entries_expire(self) -> None:
        harness = Harness(Visits)
        harness.feed("page,user\n/a,1\n")
        harness.watermark("100")
        harness.feed("page,user\n/b,2\n")
        harness.watermark("109")
        self.assertEqual(len(harness.entries("recent")), 2, "what was there before the first time ages from it on")
        harness.feed("page,user\n/c,2\n")
        harness.checkpoint()
        harness.watermark("110")
        self.assertEqual([value for _, value in harness.entries("recent")], [b'"/c"'])
        harness.crash()
        self.assertEqual(len(harness.entries("recent")), 2, "the time went back with the state")
        harness.watermark("119")
        self.assertEqual(harness.entries("recent"), [])

    def test_bytes_of_another_type_refuse_the_call(self) -> None:
        harness = Harness(Visits)
        host = harness._run.host
        host.apply(host.namespace("visits"), [(b"/home", b'"many"')])
        with self.assertRaisesRegex(Refused, '^visits: a value of another type: "many" is no int$'):
            harness.feed("page,user\n/home,1\n")

    def test_a_count_stays_at_the_largest(self) -> None:
        harness = Harness(Visits)
        host = harness._run.host
        host.apply(host.namespace("visits"), [(b"/home", b"18446744073709551615")])
        harness.feed("page,user\n/home,1\n")
        self.assertEqual(harness.entries("visits"), [(b"/home", b"18446744073709551615")])


class Counting(MemoryHost):
    """Notes what it is asked."""

    calls: list[Any]

    def get_many(self, namespace: int, keys: Any) -> Any:
        self.calls.append(("get", namespace, list(keys)))
        return super().get_many(namespace, keys)

    def apply(self, namespace: int, changes: Any) -> None:
        self.calls.append(("apply", namespace, list(changes)))
        super().apply(namespace, changes)


def context_of(described: Description) -> tuple[Context, Counting]:
    host = Counting(described, Kept({}, {}, {}))
    host.calls = []
    return Context(host, {}), host


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
        for wrong, what in [
            (lambda: context.scan("sums", limit=1), "namespace 2 is not ordered"),
            (lambda: context.scan("days", limit=0), "a scan of 0 entries"),
            (lambda: context.merge("days", [(b"k", b"")]), "does not declare how"),
            (lambda: context.merge("sums", [(b"new", bytes(8)), (b"k", b"7")]), "not a number of eight bytes"),
            (lambda: context.set_timer("days", Time(1), b""), "namespace 1 does not hold timers"),
            (lambda: context.namespace("none"), "has not described a namespace 'none'"),
        ]:
            self.assert_refused(wrong, what)
        context.flush()
        self.assertIsNone(context.get(2, b"new"), "a batch of changes is refused as a whole")

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
        self.assertEqual(set_elements(b"\x02N1\x02N2"), {b"N1", b"N2"})

    def assert_refused(self, call: Callable[[], object], what: str) -> None:
        with self.assertRaisesRegex(Refused, what):
            call()
