"""What ready operators and typed state emit and keep is what it is in Rust, whose test writes the files."""

from __future__ import annotations

import unittest
from datetime import timedelta
from pathlib import Path

from alluvium_plugin import (
    Add,
    Append,
    Batch,
    Code,
    Context,
    Deduplicate,
    Description,
    Greatest,
    Harness,
    IntervalJoin,
    Least,
    List,
    Merged,
    Operator,
    OrderedMap,
    Refused,
    Row,
    Rows,
    Table,
    TableJoin,
    Time,
    Top,
    Tumbling,
    Union,
    milliseconds,
)

GOLDEN = Path(__file__).resolve().parents[2] / "tests/golden"


class Order(Row):
    id: str
    at: Time
    price: float
    big: int
    note: str | None


class Payment(Row):
    id: str
    at: Time
    ok: bool


class Price(Row):
    big: int
    price: float | None


class Lists(Operator):
    """Pushes each order to three lists, and takes the orders of a key when there are three."""

    def __init__(self) -> None:
        self.rows = Rows(Order)
        self.orders = List("orders", str, Order)
        self.times = List("times", str, Time)
        self.pairs = List("pairs", str, tuple[int, str | None])

    def describe(self) -> Description:
        described = Description("lists").input("orders").output("counts").namespace(self.orders.namespace)
        return described.namespace(self.times.namespace).namespace(self.pairs.namespace)

    def begin(self, input: int, header: list[str]) -> None:
        self.rows.begin(header)

    def process(self, input: int, batch: Batch, context: Context) -> None:
        for it in self.rows.read(batch):
            count = self.orders.push(it.id, it, context)
            self.times.push(it.id, it.at, context)
            self.pairs.push(it.id, (it.big, it.note), context)
            context.emit(0, count if count < 3 else self.orders.take(it.id, context))


class Shop(Code, bytes=2):
    """The code of a shop."""


class Sale(Row):
    shop: Shop
    id: str
    at: Time
    big: int
    note: str | None


class Sales(Operator):
    """Keeps sales in the order of their times and merges what they say. It emits the ranges before each."""

    def __init__(self) -> None:
        self.rows = Rows(Sale)
        self.sales = OrderedMap("sales", Shop, tuple[Time, str], tuple[int, str | None])
        self.numbers = OrderedMap("numbers", int, str, bool)
        self.sums = Merged("sums", str, Add())
        self.least = Merged("least", Shop, Least(Time))
        self.greatest = Merged("greatest", Shop, Greatest(tuple[str, int]))
        self.notes = Merged("notes", int, Append())
        self.ids = Merged("ids", Shop, Union(str))

    def describe(self) -> Description:
        described = Description("sales").input("sales").output("ranges").output("values")
        for each in (self.sales, self.numbers, self.sums, self.least, self.greatest, self.notes, self.ids):
            described = described.namespace(each.namespace)
        return described

    def begin(self, input: int, header: list[str]) -> None:
        self.rows.begin(header)

    def process(self, input: int, batch: Batch, context: Context) -> None:
        for it in self.rows.read(batch):
            key, before = (it.at, it.id), (it.at - milliseconds(10), "")
            first = self.sales.range(it.shop, context, at_least=before, below=key, limit=2)
            last = self.sales.range(it.shop, context, at_most=key, reverse=True, limit=3)
            context.emit(0, (first, last))
            self.sales.set(it.shop, key, (it.big, it.note), context)
            self.numbers.set(it.big, it.id, it.note is not None, context)
            self.sums.merge(it.id, it.big, context)
            self.least.merge(it.shop, it.at, context)
            self.greatest.merge(it.shop, (it.id, it.big), context)
            self.ids.merge(it.shop, it.id, context)
            if it.note is not None:
                self.notes.merge(it.big, it.note.encode(), context)
            extremes = self.least.get(it.shop, context), self.greatest.get(it.shop, context)
            context.emit(1, (self.sums.get(it.id, context), *extremes, self.ids.get(it.shop, context)))
            if it.big == 7:
                gone = self.sales.delete_range(it.shop, context, below=before)
                self.numbers.delete(7, it.id, context)
                self.sums.delete(it.id, context)
                context.emit(1, (gone, self.sums.get(it.id, context), self.numbers.get(7, it.id, context)))


def ordered() -> Operator:
    return Sales()


def lists() -> Operator:
    return Lists()


def interval() -> IntervalJoin:
    joined = IntervalJoin.by(Order, lambda it: it.id, Payment, lambda it: it.id)
    return joined.between(milliseconds(3), milliseconds(5)).lateness(milliseconds(2)).outer()


def deduplicate() -> Operator:
    return Deduplicate.by(Order, lambda it: (it.id, it.big)).within(milliseconds(10)).lateness(milliseconds(3))


def top() -> Operator:
    windows = Tumbling.of(milliseconds(10)).lateness(milliseconds(5))
    return windows.by(Order, lambda it: it.id).top(2, lambda it: it.big)


def table() -> Operator:
    payments = Table("payments", Payment, lambda it: it.id, lambda it: it.id)
    prices = Table("prices", Price, lambda it: it.big, lambda it: it.big)
    joined = TableJoin.by("orders", Order, lambda it: (it.id, it.big), payments, prices)
    return joined.wait(milliseconds(4)).emit(lambda *every: every)


def shown(raw: bytes) -> str:
    """Shows bytes: as text what is text, and everything else in hexadecimal."""
    return raw.decode() if all(0x20 <= byte <= 0x7E for byte in raw) else f"x{raw.hex()}"


def steps(text: str, harness: Harness) -> str:
    """Does the steps of a file, and returns what the file says of them then."""
    found = ""
    for step in text.removeprefix("# ").split("\n# "):
        head, _, body = step.partition("\n")
        what, _, of = head.partition(" ")
        lines: list[str] = []
        if what == "feed":
            harness.feed_to(int(of), body)
            lines = body.rstrip().split("\n")
        elif what == "watermark":
            harness.watermark(of)
        elif what == "finish":
            harness.finish()
        elif what == "emitted":
            lines = harness.emitted_to(int(of))
        else:
            lines = [f"{shown(key)} {shown(value)}".rstrip() for key, value in harness.entries(of)]
        found += "".join(f"{line}\n" for line in [f"# {head}", *lines])
    return found


class GoldenTest(unittest.TestCase):
    maxDiff = None

    @unittest.skipUnless(GOLDEN.is_dir(), "not in a checkout")
    def test_what_is_emitted_and_kept_is_the_same_in_all_languages(self) -> None:
        for make in (lists, ordered, interval, deduplicate, top, table):
            with self.subTest(make.__name__):
                text = (GOLDEN / f"{make.__name__}.txt").read_text(encoding="utf-8")
                self.assertEqual(steps(text, Harness(make)), text)

    def test_a_crash_loses_nothing_of_a_join_because_all_of_it_is_in_the_state(self) -> None:
        harness = Harness(interval)
        harness.feed_to(0, "id,at,price,big,note\na,0,6,1,\n")
        harness.checkpoint()
        harness.feed_to(1, "id,at,ok\na,1,true\n")
        harness.crash()
        harness.feed_to(1, "id,at,ok\na,1,true\n")
        self.assertEqual(len(harness.emitted()), 1)
        harness.finish()
        self.assertEqual(len(harness.emitted()), 1, "it is joined, so it does not come alone")

    def test_mistakes_are_told_where_they_are_made(self) -> None:
        with self.assertRaisesRegex(TypeError, "of one type, and not str and int"):
            IntervalJoin.by(Order, lambda it: it.id, Order, lambda it: it.big)
        with self.assertRaisesRegex(TypeError, "say the type of the key, as by"):
            Deduplicate.by(Order, lambda it: it.none)  # type: ignore[attr-defined]
        with self.assertRaisesRegex(TypeError, r"as top\(…, of=str\)"):
            Tumbling.hours(1).by(Order, lambda it: it.id).top(1, lambda it: it.none)  # type: ignore[attr-defined]
        with self.assertRaisesRegex(ValueError, "-1 is no number of items"):
            Top(-1, lambda it: it.id, str)

    def test_a_record_without_a_time_is_named(self) -> None:
        by = Deduplicate.by(Order, lambda it: it.id, at=lambda it: None if it.big == 1 else it.at)
        harness = Harness(by.within(timedelta(days=1)))
        with self.assertRaisesRegex(Refused, "^record 1: it has no time$"):
            harness.feed("id,at,price,big,note\na,0,6,2,\na,0,6,1,\n")
        self.assertEqual(harness.emitted(), [])

    def test_bytes_that_no_top_has_written_are_refused(self) -> None:
        counts = Top(2, lambda it: it, str)
        kept = counts.add(counts.add(counts.begin(), "b"), "a")
        raw = counts.write(kept)
        self.assertEqual(counts.read(raw), kept)
        for length in range(len(raw)):
            if length % 13:
                with self.assertRaises(ValueError):
                    counts.read(raw[:length])
