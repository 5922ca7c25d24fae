"""Times: what is read, what is refused, and how they are written."""

import unittest
from datetime import timedelta

from alluvium_plugin import Time, hours, milliseconds, minutes, seconds

DAY_MS = 86_400_000


class TimesTest(unittest.TestCase):
    def test_times_are_read(self) -> None:
        for text, ms in {
            "0": 0,
            "-1": -1,
            "+5": 5,
            "0" * 5_000 + "7": 7,
            "9223372036854775807": 2**63 - 1,
            "-9223372036854775808": -(2**63),
            "1970-01-01T00:00:00Z": 0,
            "2013-01-01T05:00:00Z": 1_357_016_400_000,
            "2013-01-01t05:00:00z": 1_357_016_400_000,
            "2013-01-01 05:00Z": 1_357_016_400_000,
            "2013-01-01T05:00:00.5Z": 1_357_016_400_500,
            "2013-01-01T05:00:00.123999999Z": 1_357_016_400_123,
            "2013-01-01T05:00:00+01:30": 1_357_011_000_000,
            "2013-01-01T05:00:00-23:59": 1_357_102_740_000,
            "2012-02-29T00:00:00Z": 1_330_473_600_000,
            "2000-02-29T00:00:00Z": 951_782_400_000,
            "2013-01-01T23:59:60Z": 1_357_084_799_000,
            "1969-12-31T23:59:59.5Z": -500,
            # What is finer than a millisecond is cut off, towards 1970.
            "1969-12-31T23:59:59.9995Z": 0,
            "0000-01-01T00:00:00Z": -62_167_219_200_000,
            "-000001-12-31T23:59:59.999Z": -62_167_219_200_001,
            "-000004-02-29T00:00:00Z": -62_288_352_000_000,
            "-009999-01-02T01:59:59Z": -377_705_023_201_000,
            "9999-12-30T22:00:00.999Z": 253_402_207_200_999,
        }.items():
            self.assertEqual(Time.read(text), Time(ms), text)

    def test_anything_else_is_refused_and_quoted_as_json(self) -> None:
        for text in (
            *("", "soon", "1.0", "1e3", "--1", "٣", "9223372036854775808", " 1", "1 ", "1\n"),
            *("2013-01-01", "2013-01-01T05:00:00", "2013-01-01T05Z", "20130101T050000Z", "2013-1-01T05:00:00Z"),
            *("2013-13-01T05:00:00Z", "2013-00-01T05:00:00Z", "2013-01-00T05:00:00Z", "2013-04-31T05:00:00Z"),
            *("2013-02-29T05:00:00Z", "1900-02-29T05:00:00Z", "2013-01-01T24:00:00Z", "2013-01-01T05:60:00Z"),
            *("2013-01-01T05:00:61Z", "2013-01-01T05:00:00.Z", "2013-01-01T05:00:00,5Z", "2013-01-01T05:00:00+0100"),
            *("2013-01-01T05:00:00+01", "2013-01-01T05:00:00+26:00", "2013-01-01T05:00:00+01:60"),
            *("2013-01-01T05:00:00.1234567890Z", "9999-12-31T23:59:59Z", "2013-01-01T05:00:00Z[UTC]", "\n'\""),
            *("2013-01-01T05:00.5Z", "2013-01-01T05:00:00+05:30:15", "+002013-01-01T05:00:00Z"),
            *("-002013-02-29T05:00:00Z", "-000000-01-01T00:00:00Z", "-010000-01-01T00:00:00Z"),
            *("-009999-01-01T00:00:00Z",),
        ):
            with self.assertRaises(ValueError) as refused:
                Time.read(text)
            quoted = text.replace('"', '\\"').replace("\n", "\\n")
            self.assertEqual(str(refused.exception), f'"{quoted}" is no time, as 2013-01-01T05:00:00Z')

    def test_times_are_written(self) -> None:
        for ms, text in {
            0: "1970-01-01T00:00:00Z",
            1_357_016_400_000: "2013-01-01T05:00:00Z",
            1_357_016_400_500: "2013-01-01T05:00:00.5Z",
            1_357_016_400_050: "2013-01-01T05:00:00.05Z",
            1_330_473_600_001: "2012-02-29T00:00:00.001Z",
            -1: "1969-12-31T23:59:59.999Z",
            -62_167_219_200_000: "0000-01-01T00:00:00Z",
            -62_167_219_200_001: "-000001-12-31T23:59:59.999Z",
            # The calendar has an end.
            253_402_207_200_000: "9999-12-30T22:00:00Z",
            253_402_207_200_001: "253402207200001",
            -377_705_023_201_000: "-009999-01-02T01:59:59Z",
            -377_705_023_201_001: "-377705023201001",
            2**63 - 1: "9223372036854775807",
        }.items():
            self.assertEqual(str(Time(ms)), text)
            self.assertEqual(Time.read(text), Time(ms))
        for ms in range(-800_000 * DAY_MS, 800_000 * DAY_MS, 997 * DAY_MS + 12_345_678):
            self.assertEqual(Time.read(str(Time(ms))), Time(ms))

    def test_times_and_durations_add_up(self) -> None:
        self.assertEqual(Time(0) + hours(1) - minutes(1) + seconds(2) + milliseconds(3), Time(3_542_003))
        self.assertLess(Time(1), Time(2))
        self.assertEqual(sorted([Time(2), Time(-1)]), [Time(-1), Time(2)])
        self.assertEqual({Time(1): "a"}[Time(1)], "a")
        self.assertNotEqual(Time(1), 1)
        with self.assertRaises(OverflowError):
            Time(2**63 - 1) + timedelta(milliseconds=1)
