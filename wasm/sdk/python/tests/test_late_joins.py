"""Interval joins of late records: a record that is in time finds all others that are, and no other record counts."""

from __future__ import annotations

import random
import unittest

from alluvium_plugin import Harness, IntervalJoin, Row, Time, milliseconds

from .streams import Records, csv

# The outputs by number.
LATE = 1


class Event(Row):
    key: str
    at: Time
    number: int


def join(before: int, after: int, lateness: int) -> Harness:
    by = IntervalJoin.by(Event, lambda it: it.key, Event, lambda it: it.key)
    between = by.between(milliseconds(before), milliseconds(after))
    return Harness(between.lateness(milliseconds(lateness)).outer())


def line(record: tuple[str, int, int]) -> str:
    """Returns a record as JSON."""
    key, at, number = record
    return f'{{"key":"{key}","at":"{Time(at)}","number":{number}}}'


class LateJoinsTest(unittest.TestCase):
    def test_records_that_are_in_time_make_all_of_their_pairs(self) -> None:
        for seed in range(40):
            source = random.Random(seed)
            before, after, lateness = (source.randint(0, most) for most in (30, 30, 15))
            harness = join(before, after, lateness)
            in_time: tuple[Records, Records] = ([], [])
            late = []
            watermark = -100
            harness.watermark(str(watermark))
            for number in range(120):
                record = source.choice("ab"), watermark + source.randrange(-25, 25), number
                input = source.randrange(2)
                harness.feed_to(input, csv([record]))
                if record[1] + lateness >= watermark:
                    in_time[input].append(record)
                else:
                    late.append(f'{{"key":"{record[0]}","time":"{Time(record[1])}"}}')
                watermark += source.randrange(6)
                harness.watermark(str(watermark))
            harness.finish()
            expected = []
            for left in in_time[0]:
                key, at, _ = left
                pairs = [it for it in in_time[1] if it[0] == key and at - before <= it[1] <= at + after]
                rights = list(map(line, pairs)) or ["null"]
                expected += [f'{{"key":"{key}","left":{line(left)},"right":{right}}}' for right in rights]
            place = f"seed {seed}: {before} before, {after} after, lateness {lateness}"
            self.assertGreater(min(len(late), len(expected) - 10), 0, place)
            self.assertEqual(sorted(harness.emitted()), sorted(expected), place)
            self.assertEqual(harness.emitted_to(LATE), late, place)
            self.assertEqual((harness.entries("open"), harness.entries("ends")), ([], []), place)

    def test_a_left_record_behind_the_watermark_is_late_and_not_without_a_right_one(self) -> None:
        harness = join(60, 10, 0)
        harness.feed_to(1, csv([("a", -30, 1)]))
        harness.watermark("32")
        harness.feed_to(0, csv([("a", 25, 2), ("a", 32, 3)]))
        harness.finish()
        self.assertEqual(harness.emitted_to(LATE), ['{"key":"a","time":"1970-01-01T00:00:00.025Z"}'])
        expected = [f'{{"key":"a","left":{line(("a", 32, 3))},"right":null}}']
        self.assertEqual(harness.emitted(), expected, "the right record is not in its interval")
