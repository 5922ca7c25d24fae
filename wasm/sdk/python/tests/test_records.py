"""Records that are JSON: read as a type, and the errors that name the record."""

from __future__ import annotations

import unittest
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alluvium_plugin import (
    Batch,
    ColumnBatch,
    Context,
    Description,
    Format,
    Harness,
    JsonRecords,
    Operator,
    RecordBatch,
    Refused,
    Time,
    key_bytes,
)


@dataclass
class Place:
    name: str


@dataclass
class Reading:
    sensor: str
    at: Time
    litres: float | None
    place: Place


GOOD = b'{"at":"7","sensor":"a","place":{"name":"\\u00e9\\ud83d\\ude00"},"litres":6}'
READING = Reading("a", Time(7), 6.0, Place("é\U0001f600"))


def batch(*records: bytes) -> RecordBatch:
    return RecordBatch([len(record) for record in records], b"".join(records))


def refused(of: Any, batch: Batch, **how: bool) -> str:
    try:
        return repr(JsonRecords(of, **how).read(batch))
    except Refused as what:
        return str(what)


class Meters(Operator):
    """Emits readings, and belongs to their sensors."""

    def __init__(self) -> None:
        self.readings = JsonRecords(Reading)

    def describe(self) -> Description:
        return Description("meters").input("readings", Format.RECORDS).output("readings")

    def process(self, input: int, batch: Batch, context: Context) -> None:
        for reading in self.readings.read(batch):
            context.emit(0, reading)

    def route(self, input: int, batch: Batch) -> Sequence[bytes]:
        return [key_bytes(reading.sensor) for reading in self.readings.read(batch)]


class RecordsTest(unittest.TestCase):
    def test_records_are_read_as_a_type(self) -> None:
        more = GOOD.replace(b'"litres":6', b'"litres":null,"more":1,"more":2')
        without = Reading("a", Time(7), None, READING.place)
        self.assertEqual(JsonRecords(Reading).read(batch(GOOD, more)), [READING, without])
        self.assertEqual(JsonRecords(dict[str, int]).read(batch(b' {"a":7} ', b"{}")), [{"a": 7}, {}])
        self.assertEqual(JsonRecords(Reading).read(batch()), [])

    def test_the_error_names_the_record_and_the_member(self) -> None:
        for wrong, what in [
            (b"{}", "sensor is missing"),
            (b"[]", "[] is no Reading"),
            (GOOD.replace(b'"7"', b'"soon"'), 'at: "soon" is no time, as 2013-01-01T05:00:00Z'),
            (GOOD.replace(b'"7"', b"7"), "at: 7 is no time"),
            (GOOD.replace(b"6", b"true"), "litres: true is no float"),
            (GOOD.replace(b'"name"', b'"other"'), "place: name is missing"),
            (GOOD.replace(b'"name":', b'"name":7,"x":'), "place: name: 7 is no str"),
        ]:
            self.assertEqual(refused(Reading, batch(GOOD, wrong)), f"record 1: no JSON of a record here: {what}")
        beyond = GOOD.replace(b'"a"', b'"a","\\u0061":1' + b"0" * 30)
        self.assertEqual(JsonRecords(Reading).read(batch(beyond)), [READING], "what is passed over may be any JSON")
        for raw in (b"", b"{", b"\xff", b'"\\ud800"', b"NaN", b"[" * 100_000, b"1 2"):
            self.assertRegex(refused(object, batch(b"1", raw)), "^record 1: no JSON of a record here: .")

    def test_with_exact_no_member_is_passed_over(self) -> None:
        self.assertEqual(refused(Reading, batch(GOOD), exact=True), repr([READING]))
        for wrong, what in [
            (GOOD.replace(b'{"at"', b'{"is \\"it":1,"at"'), 'Reading has no "is \\"it"'),
            (GOOD.replace(b'{"name"', b'{"names":1,"name"'), 'place: Place has no "names"'),
            (GOOD.replace(b'{"at"', b'{"at":"6","at"'), '"at" is there twice'),
        ]:
            self.assertEqual(JsonRecords(Reading).read(batch(wrong)), [READING])
            self.assertEqual(
                refused(Reading, batch(GOOD, wrong), exact=True), f"record 1: no JSON of a record here: {what}"
            )
        of_lists: Any = dict[str, list[Place | None]]
        self.assertRegex(refused(of_lists, batch(b'{"a":[null,{"name":"b","c":1}]}'), exact=True), 'Place has no "c"$')

    def test_batches_of_another_form_are_refused(self) -> None:
        what = "the input has records as bytes, and came with columns"
        self.assertEqual(refused(Reading, ColumnBatch(1, [1], b"7")), what)
        self.assertEqual(refused(Reading, RecordBatch([3], b"7")), "fewer bytes than the lengths say")

    def test_types_that_are_no_json_are_bugs(self) -> None:
        of: Any = set[int]
        with self.assertRaisesRegex(TypeError, "is no JSON"):
            JsonRecords(of)

    def test_the_harness_feeds_and_routes_them(self) -> None:
        harness = Harness(Meters)
        harness.feed_records(0, [GOOD])
        with self.assertRaisesRegex(Refused, "^record 1: no JSON of a record here: sensor is missing$"):
            harness.feed_records(0, [GOOD, "{}"])
        line = '{"sensor":"a","at":"1970-01-01T00:00:00.007Z","litres":6.0,"place":{"name":"é\U0001f600"}}'
        self.assertEqual(harness.emitted(), [line])
        self.assertEqual(harness.route_records(0, [GOOD, GOOD.decode().replace('"a"', '"b"')]), [b"a", b"b"])
        with self.assertRaisesRegex(Refused, "the input readings takes records: route_records routes them"):
            harness.route(0, "sensor\na\n")
