"""Codes: texts of so many bytes, as columns, in JSON and as keys of windows."""

import copy
import unittest
from typing import Any

from alluvium_plugin import Code, Codec, Harness, Refused, Row, Time, Tumbling, to_json


class Airport(Code, bytes=3):
    """The code of an airport."""


class Flight(Row):
    origin: Airport
    dest: Airport | None
    at: Time


class CodeTest(unittest.TestCase):
    def test_a_code_is_a_text_of_so_many_bytes(self) -> None:
        airport = Airport("JFK")
        self.assertEqual((airport, repr(airport), f"{airport}"), ("JFK", "Airport('JFK')", "JFK"))
        self.assertIs(type(copy.deepcopy(airport)), Airport)
        self.assertEqual(Airport("é1").byte_length, 3)
        for text, what in [
            ("LONDON", '"LONDON" has 6 bytes, and not 3'),
            ("", '"" has 0 bytes, and not 3'),
            ("éé", '"éé" has 4 bytes, and not 3'),
        ]:
            with self.assertRaises(ValueError) as error:
                Airport(text)
            self.assertEqual(str(error.exception), what)

    def test_a_code_without_a_length_is_a_bug(self) -> None:
        with self.assertRaisesRegex(TypeError, "says its length, as class Airport.Code, bytes=3."):
            Code("JFK")
        with self.assertRaisesRegex(TypeError, "Empty: a code has one byte or more, and not 0"):
            type("Empty", (Code,), {}, bytes=0)

    def test_a_code_is_a_column_and_a_key(self) -> None:
        # The type of the key is found without `of`, too.
        for of in (None, Airport):
            windows = Tumbling.hours(1).by(Flight, lambda it: it.origin, of=of).count()
            harness = Harness(windows)
            harness.feed("origin,dest,at\nJFK,NA,0\nEWR,JFK,0\n")
            harness.finish()
            self.assertEqual([line[:12] for line in harness.emitted()], ['{"key":"EWR"', '{"key":"JFK"'])
            with self.assertRaises(Refused) as refused:
                harness.feed("origin,dest,at\nJFK,,0\nJFK,LONDON,0\n")
            self.assertEqual(str(refused.exception), 'record 1: dest: "LONDON" has 6 bytes, and not 3')

    def test_a_code_is_a_text_in_json(self) -> None:
        flight = Flight(origin=Airport("JFK"), dest=None, at=Time(0))
        text = '{"origin":"JFK","dest":null,"at":"1970-01-01T00:00:00Z"}'
        self.assertEqual((to_json(flight), Codec(Flight).text(flight)), (text, text))
        read = Codec(Flight).read(text.encode())
        self.assertEqual((read, type(read.origin)), (flight, Airport))
        for raw in (b'"LONDON"', b"7", b"null"):
            with self.assertRaisesRegex(ValueError, "a value of another type: "):
                Codec(Airport).read(raw)
        wrong: Any = "JFK"
        with self.assertRaisesRegex(TypeError, '"JFK" is no Airport'):
            Codec(Airport).text(wrong)
