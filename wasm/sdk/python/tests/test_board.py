"""The example plugin `board`, as the tests of its like in Rust have it."""

from __future__ import annotations

import json
import unittest

from alluvium_plugin import Harness, Refused, Time, key_bytes

from .plugins import PLUGINS, plugin

QUESTIONS = 1


def departures(*those: tuple[str, str, int]) -> str:
    lines = [f"{origin},LAX,UA,{flight},2013-01-{at}:00:00Z\n" for origin, at, flight in those]
    return f"origin,dest,carrier,flight,time_hour\n{''.join(lines)}"


def question(origin: str, at: str, last: int) -> str:
    return f'{{"origin":"{origin}","at":"2013-01-{at}:00:00Z","last":{last}}}'


def flights(answer: str) -> list[int]:
    return [each["flight"]["number"] for each in json.loads(answer)["departures"]]


@unittest.skipUnless(PLUGINS.is_dir(), "not in a checkout")
class BoardTest(unittest.TestCase):
    def start(self, **parameters: str) -> Harness:
        return Harness(plugin("board").Board, parameters)

    def refused(self, harness: Harness, records: list[str]) -> str:
        with self.assertRaises(Refused) as refused:
            harness.feed_records(QUESTIONS, records)
        return str(refused.exception)

    def test_an_answer_has_the_last_departures_of_its_airport_and_what_is_older_goes(self) -> None:
        harness = self.start(hours="6")
        harness.feed(departures(("JFK", "01T05", 1), ("EWR", "01T09", 2), ("JFK", "01T09", 3), ("JFK", "01T09", 4)))
        for at, last in [("01T12", 9), ("01T09", 9), ("01T10", 1)]:
            harness.feed_records(QUESTIONS, [question("JFK", at, last)])
        harness.checkpoint()
        harness.crash()
        harness.feed(departures(("JFK", "01T12", 5), ("JFK", "01T11", 6)))
        harness.watermark("2013-01-01T12:00:00Z")
        self.assertEqual([flights(line) for line in harness.emitted()], [[1], [4], [6, 4, 3]])
        first = '{"at":"2013-01-01T05:00:00Z","flight":{"carrier":"UA","number":1,"dest":"LAX"}}'
        answer = f'{{"origin":"JFK","before":"2013-01-01T09:00:00Z","departures":[{first}]}}'
        self.assertEqual(harness.emitted()[0], answer)
        # The departure at 5 o'clock is more than six hours before the last answer.
        kept = harness.entries("departures")
        self.assertEqual(len(kept), 5)
        nine = key_bytes(Time.read("2013-01-01T09:00:00Z"))
        self.assertEqual(kept[0][0], b"EWR" + nine + b"UA\0\x01" + (2).to_bytes(8, "big"), "a number without a sign")
        self.assertEqual((harness.entries("asked"), harness.timers("due")), ([], []))
        jfk = '{"key":"JFK","flights":5,"latest":"2013-01-01T12:00:00Z","destinations":["LAX"]}'
        self.assertEqual(harness.results()[1], jfk)

    def test_questions_belong_to_their_airports_and_bad_ones_are_named(self) -> None:
        harness = self.start()
        good = question("JFK", "01T05", 1)
        self.assertEqual(harness.route_records(QUESTIONS, [good]), [b"JFK"])
        self.assertEqual(harness.route(0, departures(("EWR", "01T05", 1))), [b"EWR"])
        for wrong, what in [
            (good.replace("JFK", "LONDON"), 'origin: "LONDON" has 6 bytes, and not 3'),
            (good.replace('"last"', '"more":1,"last"'), 'Question has no "more"'),
            (good.replace("1}", "65536}"), "last: 65536 has more than 16 bits"),
            (good.replace("1}", "-1}"), "last: -1 is no number without a sign of 64 bits"),
            ("{}", "origin is missing"),
        ]:
            self.assertEqual(self.refused(harness, [good, wrong]), f"record 1: no JSON of a record here: {what}")
        self.assertEqual(harness.entries("asked"), [])
        with self.assertRaisesRegex(Refused, '^record 0: flight: "-1" is no number without a sign$'):
            harness.feed(departures(("JFK", "01T05", -1)))

    def test_the_hours_are_checked_and_a_change_is_told(self) -> None:
        for hours in ("0", "169", "-1", "1.5", "", " 7", "７"):
            with self.assertRaises(Refused) as refused:
                self.start(hours=hours)
            what = f'the parameter hours: "{hours}" is no number of hours from 1 to 168'
            self.assertEqual(str(refused.exception), what)
        harness = self.start(hours="+007")
        harness.checkpoint()
        harness.crash()
        self.assertEqual(harness.messages(), [])
        harness._given = {"hours": "168"}
        harness.crash()
        self.assertEqual(harness.messages(), ["Warn: answers go back 168 hours, and went back +007 before"])

    def test_a_timer_for_what_is_no_airport_is_refused(self) -> None:
        harness = self.start()
        host = harness._run.host
        host.set_timer(host.namespace("due"), 1, b"LONDON")
        with self.assertRaisesRegex(Refused, "^a timer for what is no airport$"):
            harness.watermark("1")
