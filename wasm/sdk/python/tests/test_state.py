"""Typed state: maps, values, lists and counters."""

from __future__ import annotations

import json
import unittest
from dataclasses import dataclass

from alluvium_plugin import (
    Batch,
    Clock,
    Context,
    Counter,
    Description,
    Harness,
    List,
    Map,
    Operator,
    Refused,
    Row,
    Rows,
    Value,
    milliseconds,
    to_json,
)


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

    def results(self, start: bool, limit: int, context: Context) -> list[str]:
        if start:
            self.last.set(("/new", 0), Seen(0, 0.5), context)
        return [to_json({"key": key, "value": seen}) for key, seen in self.last.page(start, limit, context)]


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

    def test_a_page_has_entries_in_the_order_of_their_keys(self) -> None:
        harness = Harness(Visits)
        harness.feed("page,user\n" + "".join(f"/home,{user}\n" for user in range(249, -1, -1)))
        results = harness.results()
        self.assertEqual(results[0], '{"key":["/home",0],"value":{"user":0,"weight":1.0}}')
        self.assertEqual([json.loads(line)["key"][1] for line in results[:-1]], list(range(250)))
        self.assertEqual(results[-1], '{"key":["/new",0],"value":{"user":0,"weight":0.5}}', "what waits is seen")

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
