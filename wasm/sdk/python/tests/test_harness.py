"""The harness: it keeps to what a host does, and its errors can be read."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Sequence

from alluvium_plugin import (
    Batch,
    Clock,
    Context,
    Description,
    Format,
    Harness,
    Level,
    Operator,
    RecordBatch,
    Refused,
    Time,
    Value,
)

from .streams import tumbling


class Probe(Operator):
    """Sets timers of three namespaces, and does what the names of columns and keys say."""

    def __init__(self) -> None:
        self.page = 0
        self.count = Value("count", int)

    def describe(self) -> Description:
        described = Description("probe").input("records").input("more").output("fired")
        described = described.timers("second").timers("first").timers("clock", Clock.PROCESSING)
        described = described.namespace(self.count.namespace)
        return described.parameter("limit", "3", "How many.").parameter("name", None, "Whose it is.")

    def open(self, context: Context) -> None:
        if context.parameter("limit") == "0":
            raise Refused("limit: 0 is too few")
        told = (context.parameter("limit"), context.previous_parameter("limit"), context.parameter("none"))
        context.log(Level.INFO, " ".join(map(str, told)))

    def begin(self, input: int, header: list[str]) -> None:
        if header == ["refused"]:
            raise Refused("a header that is refused")

    def process(self, input: int, batch: Batch, context: Context) -> None:
        self.count.set((self.count.get(context) or 0) + 1, context)
        for name in ("first", "second", "clock"):
            for at, key in [(2, b"b"), (2, b"a"), (1, b"c")]:
                context.set_timer(name, Time(at), key)

    def on_timers(self, namespace: str, at_ms: int, keys: Sequence[bytes], context: Context) -> None:
        if (namespace, at_ms) == ("first", 1):
            context.set_timer("second", Time(1), b"late")
        if b"refused" in keys:
            context.emit(0, "lost")
            raise Refused("a timer that is refused")
        times = (context.watermark(), context.processing_time())
        context.emit(0, f"{namespace} {at_ms} {b' '.join(keys).decode()}")
        context.log(Level.DEBUG, " ".join(map(str, times)))

    def finish(self, context: Context) -> None:
        context.emit(0, "finished")

    def results(self, start: bool, limit: int, context: Context) -> list[str]:
        self.page = 0 if start else self.page + 1
        return [f'{{"key":{number}}}' for number in range(self.page * limit, min((self.page + 1) * limit, 250))]


def probe() -> Harness:
    return Harness(Probe, {"name": "me"})


class Lengths(Operator):
    """Emits the length of each record of an input of bytes, and refuses empty ones."""

    def describe(self) -> Description:
        return Description("lengths").input("records", Format.RECORDS).output("lengths")

    def process(self, input: int, batch: Batch, context: Context) -> None:
        assert isinstance(batch, RecordBatch)
        for number, record in enumerate(batch.records()):
            if not record:
                raise Refused("it is empty", number)
            context.emit(0, len(record))


class HarnessTest(unittest.TestCase):
    def test_an_input_of_bytes_gets_records_as_they_are(self) -> None:
        harness = Harness(Lengths)
        harness.feed_records(0, [b"\xff\n,", "é"])
        with self.assertRaisesRegex(Refused, "it is empty"):
            harness.feed_records(0, ["lost", b""])
        self.assertEqual(harness.emitted(), ["3", "2"])
        with self.assertRaisesRegex(Refused, "the input records takes records: feed_records feeds them"):
            harness.feed("length\n1\n")
        with self.assertRaisesRegex(Refused, "the input records takes lines: feed_to feeds them"):
            Harness(Probe, {"name": "a"}).feed_records(0, ["1"])
        with self.assertRaisesRegex(Refused, "there is no input 1"):
            harness.feed_records(1, [])

    def test_timers_are_due_in_order_and_those_that_they_set_as_well(self) -> None:
        harness = probe()
        harness.feed("x\n1\n")
        harness.processing_time("5")
        self.assertEqual(harness.emitted(), ['"clock 1 c"', '"clock 2 a b"'], "there is no watermark yet")
        harness.watermark("2")
        fired = ["second 1 c", "first 1 c", "second 1 late", "second 2 a b", "first 2 a b"]
        self.assertEqual(harness.emitted()[2:], [f'"{line}"' for line in fired])
        self.assertIn("Debug: 1970-01-01T00:00:00.002Z 1970-01-01T00:00:00.005Z", harness.messages())
        harness.watermark(Time(1))
        harness.feed("x\n1\n")
        harness.finish()
        self.assertEqual(harness.emitted()[-4:], ['"first 2 a b"', '"clock 1 c"', '"clock 2 a b"', '"finished"'])

    def test_a_refused_timer_stays_set_and_emits_nothing(self) -> None:
        harness = probe()
        host = harness._run.host
        host.set_timer(host.namespace("first"), 1, b"refused")
        with self.assertRaisesRegex(Refused, "^a timer that is refused$"):
            harness.watermark("1")
        self.assertEqual(harness.timers("first"), [(Time(1), b"refused")])
        self.assertEqual(harness.timers("second"), [], "the timer that the call has set is gone")
        self.assertEqual(harness.emitted(), [])

    def test_more_timers_than_a_call_has_come_in_several(self) -> None:
        harness = probe()
        host = harness._run.host
        for number in range(5_000):
            host.set_timer(host.namespace("first"), 1, b"%04d" % number)
        harness.watermark("1")
        sizes = [len(line.split()) - 2 for line in harness.emitted() if line.startswith('"first')]
        self.assertEqual(sizes, [4_096, 904])

    def test_a_crash_loses_what_came_after_the_checkpoint(self) -> None:
        harness = probe()
        harness.feed("x\n1\n")
        harness.watermark("1")
        harness.checkpoint()
        shown = harness.emitted()
        harness.feed("x\n1\n")
        harness.watermark("9")
        harness.crash()
        self.assertEqual(harness.emitted(), shown)
        self.assertEqual(harness.entries("count"), [(b"", b"1")])
        self.assertEqual([at.ms for at, _ in harness.timers("first")], [2, 2])
        harness.watermark("2")
        self.assertEqual(harness.emitted()[len(shown) :], ['"second 2 a b"', '"first 2 a b"'])

    def test_parameters_have_their_defaults_and_their_values_before(self) -> None:
        harness = Harness(Probe, {"name": "me", "limit": "5"})
        self.assertEqual(harness.messages(), ["Info: 5 None None"])
        harness.checkpoint()
        harness.crash()
        self.assertEqual(harness.messages(), ["Info: 5 5 None"])
        for given, what in [
            ({}, "the parameter 'name' must be set: Whose it is."),
            ({"name": "me", "other": "1"}, "the operator has no parameter 'other'"),
            ({"name": "me", "limit": "0"}, "limit: 0 is too few"),
        ]:
            with self.assertRaises(Refused) as refused:
                Harness(Probe, given)
            self.assertEqual(str(refused.exception), what)

    def test_results_come_page_by_page(self) -> None:
        self.assertEqual([line for line in probe().results()][::100], ['{"key":0}', '{"key":100}', '{"key":200}'])
        self.assertEqual(Harness(tumbling(0)).results(), [])

    def test_wrong_uses_are_told(self) -> None:
        harness = probe()
        calls: list[tuple[Callable[[], object], str]] = [
            (lambda: harness.feed_to(2, "x\n"), "there is no input 2: the operator describes 2"),
            (lambda: harness.feed(""), "there is no header: the first line names the columns"),
            (lambda: harness.feed("a,b\n1,2\n1\n"), "record 1: it has 1 fields, and the header has 2"),
            (lambda: harness.feed('a,b\n1,"2\n'), "line 2 is no CSV: unexpected end of data"),
            (lambda: harness.feed("refused\n1\n"), "a header that is refused"),
            (lambda: harness.watermark("soon"), '"soon" is no time, as 2013-01-01T05:00:00Z'),
            (lambda: harness.entries("none"), "there is no namespace 'none'"),
            (lambda: harness.timers("count"), "namespace 4 does not hold timers"),
            (lambda: harness.emitted_to(1), "there is no output 1: the operator describes 1"),
        ]
        for call, what in calls:
            with self.assertRaises(Refused) as refused:
                call()
            self.assertEqual(str(refused.exception), what)

    def test_bugs_are_bugs(self) -> None:
        class Broken(Probe):
            def process(self, input: int, batch: Batch, context: Context) -> None:
                super().process(input, batch, context)
                raise KeyError("bug")

        harness = Harness(Broken, {"name": "me"})
        with self.assertRaises(KeyError):
            harness.feed("x\n1\n")
        self.assertEqual((harness.entries("count"), harness.timers("first")), ([], []))
        with self.assertRaisesRegex(Refused, "there is no work for the timers of ends"):
            Operator.on_timers(harness._run.operator, "ends", 0, [], Context(harness._run.host, {}))

    def test_fields_may_have_any_bytes_and_quotes(self) -> None:
        harness = Harness(tumbling(0))
        harness.feed('key,at,number\r\n"a ""b"", c",1,2\r\n"new\nline",2,3\r\n')
        self.assertEqual([key for key, _ in harness.entries("windows")], [b'a "b", c', b"new\nline"])
        with self.assertRaisesRegex(Refused, "^record 0: key is no UTF-8$"):
            harness.feed(b"key,at,number\n\xff,1,2\n")
