"""Deduplication, joins and the most frequent items: against what is computed of all records at once."""

from __future__ import annotations

import json
import random
import unittest
from collections import Counter, defaultdict
from typing import Any

from alluvium_plugin import (
    Deduplicate,
    Harness,
    IntervalJoin,
    Operator,
    Refused,
    Row,
    Table,
    TableJoin,
    Time,
    Tumbling,
    milliseconds,
)

from .streams import Records, csv


class Event(Row):
    key: str
    at: Time
    number: int


class Price(Row):
    key: str
    price: float | None


HEADER = "key,at,number\n"


def numbered(source: random.Random, count: int) -> Records:
    """Returns records up to 20 ms out of order, each with its number."""
    return [(source.choice("abc"), number * 2 + source.randrange(20), number) for number in range(count)]


def line(record: tuple[str, int, int]) -> str:
    """Returns a record as JSON."""
    key, at, number = record
    return f'{{"key":"{key}","at":"{Time(at)}","number":{number}}}'


def fed(operator: Operator, inputs: list[Records], source: random.Random, crashes: bool) -> Harness:
    """Feeds records to inputs in turns, in batches of any length, and moves the watermark behind them.

    Crashes lose what came after the last checkpoint, and it is fed again.
    """
    harness, epoch = Harness(operator), 0
    while epoch < len(inputs[0]) // 10:
        for input, records in enumerate(inputs):
            at, end = epoch * 10, epoch * 10 + 10
            while at < end:
                cut = source.randint(at + 1, end)
                harness.feed_to(input, csv(records[at:cut]))
                at = cut
        harness.watermark(str((epoch + 1) * 20))
        if crashes and source.random() < 0.5:
            harness.crash()
            continue
        harness.checkpoint()
        epoch += 1
    harness.finish()
    return harness


def joined() -> TableJoin:
    first = Table("first", Event, lambda it: it.key, lambda it: it.key)
    second = Table("second", Event, lambda it: it.number % 7, lambda it: it.number % 7)

    def numbers(event: Event, first: Event | None, second: Event | None) -> list[int | None]:
        return [event.number, *(found.number if found else None for found in (first, second))]

    return TableJoin.by("stream", Event, lambda it: it.key, first, second).wait(milliseconds(5)).emit(numbers)


class JoinsTest(unittest.TestCase):
    def check(self, operator: Operator, inputs: list[Records], seed: int, expected: list[str], *empty: str) -> Harness:
        """Checks what is emitted, with crashes and without, and that nothing is left in these namespaces."""
        source = random.Random(seed + 1000)
        harness = fed(operator, inputs, source, crashes=False)
        lines = harness.emitted()
        self.assertGreater(len(expected), 10)
        is_sorted = not isinstance(operator, IntervalJoin)
        self.assertEqual(lines if is_sorted else sorted(lines), expected if is_sorted else sorted(expected), seed)
        for name in empty:
            self.assertEqual(harness.entries(name), [], name)
        self.assertEqual(fed(operator, inputs, source, crashes=True).emitted(), lines, f"seed {seed}: crashes")
        return harness

    def test_an_interval_join_has_each_pair_once(self) -> None:
        by = IntervalJoin.by(Event, lambda it: it.key, Event, lambda it: it.key)
        for seed in range(8):
            source = random.Random(seed)
            inputs = [numbered(source, 100), numbered(source, 100)]
            expected = []
            for left in inputs[0]:
                pairs = [it for it in inputs[1] if it[0] == left[0] and left[1] - 3 <= it[1] <= left[1] + 5]
                rights = list(map(line, pairs)) or ["null"]
                expected += [f'{{"key":"{left[0]}","left":{line(left)},"right":{right}}}' for right in rights]
            operator = by.between(milliseconds(3), milliseconds(5)).outer()
            harness = self.check(operator, inputs, seed, expected, "open", "ends")
            self.assertEqual(harness.emitted_to(1), [], "nothing was late")

    def test_duplicates_are_those_of_a_scan_at_once(self) -> None:
        operator = Deduplicate.by(Event, lambda it: it.key).within(milliseconds(7))
        for seed in range(8):
            every = numbered(random.Random(seed), 200)
            passed: Records = []
            for record in every:
                if all(it[0] != record[0] or abs(it[1] - record[1]) >= 7 for it in passed):
                    passed.append(record)
            harness = self.check(operator, [every], seed, list(map(line, passed)), "passed", "ends")
            self.assertEqual(len(harness.emitted_to(1)), 200 - len(passed))

    def test_the_most_frequent_items_are_those_of_a_count_at_once(self) -> None:
        operator = Tumbling.of(milliseconds(50)).by(Event, lambda it: "").top(2, lambda it: it.key)
        for seed in range(8):
            every = numbered(random.Random(seed), 600)
            windows: dict[int, Counter[str]] = defaultdict(Counter)
            for key, at, _ in every:
                windows[at // 50 * 50][key] += 1
            expected = []
            for begin, counts in sorted(windows.items()):
                most = sorted(counts.items(), key=lambda it: (-it[1], it[0]))[:2]
                value = ",".join(f'{{"item":"{item}","count":{count}}}' for item, count in most)
                times = f'"from":"{Time(begin)}","to":"{Time(begin + 50)}"'
                expected.append(f'{{"key":"",{times},"value":[{value}]}}')
            self.check(operator, [every], seed, expected, "windows", "ends")

    def test_a_table_join_finds_what_has_come_by_the_end_of_the_wait(self) -> None:
        def last(records: Records, place: int, of: Any) -> int | None:
            """Returns the number of the last record with this key or remainder, of those that came by an epoch."""
            return next((it[2] for it in records[: place * 10][::-1] if of in (it[0], it[2] % 7)), None)

        for seed in range(12):
            source = random.Random(seed)
            inputs = [numbered(source, 100) for _ in range(3)]
            # The epoch in which each record is due, and what was read of the tables by then.
            dues = sorted(
                (min(max(-(-(at + 5) // 20), number // 10 + 1), 10), at + 5, key, number)
                for key, at, number in inputs[0]
            )
            expected = [
                json.dumps(
                    [number, last(inputs[1], epoch, key), last(inputs[2], epoch, number % 7)], separators=(",", ":")
                )
                for epoch, _, key, number in dues
            ]
            self.check(joined(), inputs, seed, expected, "waiting", "due")

    def test_a_table_join_is_divided_if_its_tables_have_the_keys_of_its_records(self) -> None:
        table = Table("table", Event, lambda it: it.key, lambda it: it.key if it.number < 9 else "")
        harness = Harness(TableJoin.by("stream", Event, lambda it: it.key, table).emit(lambda it, _: it.number))
        self.assertEqual(harness.route(0, HEADER + "a,1,8\né,1,7\n"), [b"a", "é".encode()])
        self.assertEqual(harness.route(1, HEADER + "c,1,9\n"), [b"c"])
        what = "record 1: it is looked up in table by another key than its own, so the work cannot be divided"
        with self.assertRaisesRegex(Refused, f"^{what}$"):
            harness.route(0, HEADER + "a,1,8\nb,1,9\n")
        with self.assertRaisesRegex(Refused, '^record 0: at: "soon" is no time'):
            harness.route(1, HEADER + "a,soon,9\n")
        pair = IntervalJoin.by(Event, lambda it: (it.key, it.number), Event, lambda it: (it.key, it.number))
        for operator in (Deduplicate.by(Event, lambda it: (it.key, it.number)), pair):
            self.assertEqual(Harness(operator).route(0, HEADER + "a,1,8\n"), [b"a\0\x01\x80\0\0\0\0\0\0\x08"])

    def test_mistakes_in_table_joins_are_told(self) -> None:
        table = Table("table", Event, lambda it: it.key, lambda it: it.key)
        with self.assertRaisesRegex(TypeError, "joined with tables"):
            TableJoin.by("stream", Event, lambda it: it.key)
        with self.assertRaisesRegex(TypeError, "a table join says what it emits"):
            Harness(TableJoin.by("stream", Event, lambda it: it.key, table))
        by_number = Table("table", Event, lambda it: it.number, lambda it: it.key)
        harness = Harness(TableJoin.by("stream", Event, lambda it: it.key, by_number).emit(lambda it, _: it.number))
        harness.feed(HEADER + "a,1,1\n")
        with self.assertRaisesRegex(TypeError, "the key 'a' is not of the type int"):
            harness.finish()

    def test_records_of_a_table_join_that_are_none_are_named_and_change_nothing(self) -> None:
        harness = Harness(joined())
        harness.feed(HEADER + "a,1,1\n")

        def state() -> list[Any]:
            return [harness.entries(name) for name in ("waiting", "due", "first", "second")]

        before = state()
        for input, records, what in [
            (0, HEADER + "a,1,1\na,soon,1\n", 'record 1: at: "soon" is no time, as 2013-01-01T05:00:00Z'),
            (1, "key,at\na,1\n", "the columns number are missing; there are key, at"),
            (2, HEADER + "a,1,1\na,1,x\n", 'record 1: number: "x" is no number'),
        ]:
            with self.assertRaises(Refused) as refused:
                harness.feed_to(input, records)
            self.assertEqual(str(refused.exception), what)
            self.assertEqual(state(), before)
        harness.feed_to(1, HEADER + "a,9223372036854775807,2\n")
        harness.finish()
        self.assertEqual(harness.emitted(), ["[1,2,null]"])
        prices = Table("table", Price, lambda it: it.key, lambda it: it.key)
        by = TableJoin.by("stream", Event, lambda it: it.key, prices, at=lambda it: it.at if it.number != 1 else None)
        priced = Harness(by.emit(lambda _, found: found and found.price))
        priced.feed_to(1, "key,price\na,6\nb,\n")
        priced.feed(HEADER + "a,1,0\nb,1,0\nc,1,0\n")
        with self.assertRaisesRegex(Refused, "^record 0: it has no time$"):
            priced.feed(HEADER + "a,1,1\n")
        priced.finish()
        self.assertEqual(priced.emitted(), ["6.0", "null", "null"])
