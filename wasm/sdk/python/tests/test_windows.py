"""Windows: against sums that are made at once, for disordered and late records, in any cuts, with crashes."""

from __future__ import annotations

import random
import unittest
from collections import defaultdict

from alluvium_plugin import Harness, Operator, Refused

from .streams import Line, Records, csv, cuts, lines, records, sessions, sliding, tumbling

# The outputs by number.
LATE = 1


def sums(all_records: Records) -> list[Line]:
    """Returns the sums of tumbling windows of 10 ms, computed of all records at once."""
    found: dict[tuple[int, str], int] = defaultdict(int)
    for key, at, number in all_records:
        found[at // 10 * 10, key] += number
    return [Line(key, begin, begin + 10, float(total)) for (begin, key), total in sorted(found.items())]


class AtOnce:
    """A stream with late records, whose windows are computed from all records that were in time."""

    def __init__(self, lateness_ms: int) -> None:
        self.lateness_ms = lateness_ms
        self.in_time: Records = []
        self.late: Records = []
        self.watermark = -1

    def feed(self, all_records: Records) -> None:
        """Sorts records into those in time and those that are late."""
        for record in all_records:
            closes = record[1] // 10 * 10 + 10 + self.lateness_ms
            (self.late if closes <= self.watermark else self.in_time).append(record)


class WindowsTest(unittest.TestCase):
    def test_tumbling_windows_are_those_of_sums_at_once_in_any_cuts(self) -> None:
        for seed in range(60):
            source = random.Random(seed)
            every = records(source, 200)
            harness = Harness(tumbling(0))
            fed = 0
            for batch in cuts(source, every, 40):
                harness.feed(csv(batch))
                fed += len(batch)
                # No record has a time before this.
                harness.watermark(str(fed * 2))
            harness.finish()
            self.assertEqual(harness.emitted_to(LATE), [], f"seed {seed}: nothing was late")
            self.assertEqual(lines(harness), sums(every), f"seed {seed}")
            self.assertEqual(harness.entries("windows"), [], "windows that have ended are gone")
            self.assertEqual(harness.entries("ends"), [])

    def test_late_records_correct_their_windows_as_long_as_they_may(self) -> None:
        for seed in range(60):
            source = random.Random(seed)
            every = records(source, 200)
            at_once = AtOnce(source.choice([0, 3, 10, 25]))
            harness = Harness(tumbling(at_once.lateness_ms))
            for batch in cuts(source, every, 20):
                harness.feed(csv(batch))
                at_once.feed(batch)
                # Times are up to 20 ms out of order, so some records come too late.
                watermark = max(at for _, at, _ in batch) - source.randrange(15)
                harness.watermark(str(watermark))
                at_once.watermark = max(at_once.watermark, watermark)
            harness.finish()
            # The last line of a window has all of its records.
            last = {(line.begin, line.key): line for line in lines(harness)}
            self.assertEqual([last[place] for place in sorted(last)], sums(at_once.in_time), f"seed {seed}")
            late = [f'{{"key":"{key}","time":"1970-01-01T00:00:00{ms(at)}Z"}}' for key, at, _ in at_once.late]
            self.assertEqual(harness.emitted_to(LATE), late, f"seed {seed}")
            self.assertEqual(harness.entries("windows"), [])

    def test_batches_may_be_cut_anywhere_between_two_times(self) -> None:
        for seed in range(100):
            source = random.Random(seed)
            every = records(source, 90)
            operator: Operator = source.choice([sessions(4), tumbling(7), sliding()])
            runs = []
            for most in (90, 7, 1):
                harness = Harness(operator)
                for begin in range(0, 90, 30):
                    epoch = every[begin : begin + 30]
                    for batch in cuts(source, epoch, most):
                        harness.feed(csv(batch))
                    harness.watermark(str(max(at for _, at, _ in epoch) - 10))
                state = harness.entries("windows"), harness.timers("ends")
                runs.append((state, harness.emitted(), harness.emitted_to(LATE)))
            self.assertEqual(runs[1:], runs[:1] * 2, f"seed {seed}")

    def test_crashes_change_nothing_that_is_shown(self) -> None:
        def run(every: Records, crashes: random.Random | None) -> tuple[list[str], list[str]]:
            harness = Harness(sessions(6))
            done = durable = 0
            while done < len(every):
                harness.feed(csv(every[done : done + 10]))
                done += 10
                if crashes and crashes.randrange(4) == 0:
                    harness.crash()
                    done = durable
                    continue
                harness.watermark(str(done * 2))
                if crashes is None or crashes.randrange(3) > 0:
                    harness.checkpoint()
                    durable = done
            harness.finish()
            return harness.emitted(), harness.emitted_to(LATE)

        for seed in range(30):
            source = random.Random(seed)
            every = records(source, 120)
            expected = run(every, None)
            self.assertGreater(len(expected[0]), 3)
            self.assertEqual(run(every, source), expected, f"seed {seed}")

    def test_a_record_that_is_too_late_is_told_and_one_within_the_lateness_corrects_its_window(self) -> None:
        harness = Harness(tumbling(5))
        harness.feed("key,at,number\na,1,10\na,12,1\n")
        harness.watermark("12")
        self.assertEqual(lines(harness), [Line("a", 0, 10, 10.0)])
        harness.feed("key,at,number\na,2,7\na,3,1\n")
        harness.watermark("13")
        self.assertEqual(lines(harness)[1:], [Line("a", 0, 10, 18.0)], "one correction for both")
        harness.watermark("15")
        harness.feed("key,at,number\na,4,7\n")
        harness.finish()
        self.assertEqual(harness.emitted_to(LATE), ['{"key":"a","time":"1970-01-01T00:00:00.004Z"}'])
        self.assertEqual(lines(harness)[2:], [Line("a", 10, 20, 1.0)])

    def test_a_time_is_in_each_window_that_slides_over_it(self) -> None:
        harness = Harness(sliding())
        harness.feed("key,at,number\na,8,\n")
        harness.finish()
        self.assertEqual(lines(harness), [Line("a", 0, 10, 1), Line("a", 4, 14, 1), Line("a", 8, 18, 1)])

    def test_a_record_between_two_sessions_joins_them(self) -> None:
        harness = Harness(sessions(0))
        harness.feed("key,at,number\na,1,3\na,9,4\nb,1,9\n")
        self.assertEqual(len(harness.timers("ends")), 3)
        harness.feed("key,at,number\na,5,1\n")
        self.assertEqual(len(harness.timers("ends")), 2, "one end for each session")
        harness.watermark("13")
        self.assertEqual(lines(harness), [Line("b", 1, 6, 9.0)])
        harness.watermark("14")
        self.assertEqual(lines(harness)[1:], [Line("a", 1, 14, 4.0)])

    def test_a_late_record_is_in_time_if_the_session_that_it_joins_is(self) -> None:
        harness = Harness(sessions(0))
        harness.feed("key,at,number\na,10,1\n")
        harness.watermark("13")
        harness.feed("key,at,number\na,1,9\na,7,2\na,2,5\n")
        harness.finish()
        self.assertEqual(lines(harness), [Line("a", 2, 15, 5.0)], "7 reaches to 10, and 2 to 7")
        self.assertEqual(harness.emitted_to(LATE), ['{"key":"a","time":"1970-01-01T00:00:00.001Z"}'])

    def test_records_that_are_none_are_named_and_change_nothing(self) -> None:
        harness = Harness(tumbling(0))
        harness.feed("key,at,number\na,5,1\n")
        before = harness.entries("windows"), harness.timers("ends")
        for records_, what in [
            ("key,time\na,1\n", "the columns at, number are missing; there are key, time"),
            ("key,at,number\na,1,1\na,soon,1\n", 'record 1: at: "soon" is no time, as 2013-01-01T05:00:00Z'),
            ("key,at,number\na,1,1\na,2,x\n", 'record 1: number: "x" is no number'),
        ]:
            with self.assertRaises(Refused) as refused:
                harness.feed(records_)
            self.assertEqual(str(refused.exception), what)
            self.assertEqual((harness.entries("windows"), harness.timers("ends")), before)


def ms(at: int) -> str:
    """Returns a part of a second as a time has it."""
    return f".{at:03}".rstrip("0") if at else ""
