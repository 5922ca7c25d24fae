"""JSON: byte for byte what serde_json writes in Rust."""

import math
import random
import struct
import unittest
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from alluvium_plugin import Codec, Row, Time, Unsigned, to_json

# What serde_json writes. It has the shortest digits, an exponent from 1e16 on and below 0.00001, and its sign.
FLOATS = {
    0.0: "0.0",
    6.0: "6.0",
    0.1: "0.1",
    1 / 3: "0.3333333333333333",
    38.70235294117647: "38.70235294117647",
    1e15: "1000000000000000.0",
    9999999999999998.0: "9999999999999998.0",
    1e16: "1e+16",
    -1e16: "-1e+16",
    1.5e16: "1.5e+16",
    123456789012345680.0: "1.2345678901234568e+17",
    1e21: "1e+21",
    1.5e300: "1.5e+300",
    1.7976931348623157e308: "1.7976931348623157e+308",
    0.001: "0.001",
    0.0001: "0.0001",
    0.00012345: "0.00012345",
    1e-5: "0.00001",
    -1.25e-5: "-0.0000125",
    9.999e-6: "9.999e-6",
    1e-6: "1e-6",
    2.9802322387695312e-08: "2.9802322387695312e-8",
    6.62607015e-34: "6.62607015e-34",
    2.2250738585072014e-308: "2.2250738585072014e-308",
    5e-324: "5e-324",
    5.444310685350916e14: "544431068535091.6",
}


@dataclass
class Inner:
    name: str
    score: float | None


@dataclass
class Outer:
    z: int
    inner: list[Inner]
    at: Time


class Sample(Row):
    id: str
    value: float


class JsonTest(unittest.TestCase):
    def test_floats_are_written_as_serde_json_does(self) -> None:
        for number, text in FLOATS.items():
            self.assertEqual(to_json(number), text)
        # A zero keeps its sign, which a dict cannot tell.
        self.assertEqual(to_json(-0.0), "-0.0")
        for number in (math.nan, -math.nan, math.inf, -math.inf):
            self.assertEqual(to_json(number), "null")

    def test_subclasses_are_written_as_what_they_are(self) -> None:
        class Color(IntEnum):
            RED = 1

        class Celsius(float):
            def __repr__(self) -> str:
                return "warm"

        self.assertEqual(to_json({"color": Color.RED, "at": Celsius(6)}), '{"color":1,"at":6.0}')

    def test_floats_come_back(self) -> None:
        source = random.Random(1)
        for _ in range(20_000):
            (number,) = struct.unpack("<d", source.randbytes(8))
            if math.isfinite(number):
                self.assertEqual(Codec(float).read(to_json(number).encode()), number)

    def test_texts_are_escaped_as_serde_json_does(self) -> None:
        for text, written in [
            ("", '""'),
            ('"\\/', '"\\"\\\\/"'),
            ("\b\f\n\r\t", '"\\b\\f\\n\\r\\t"'),
            ("\0\x01\x0b\x1f", '"\\u0000\\u0001\\u000b\\u001f"'),
            ("\x7f é \u2028 \U0001f600", '"\x7f é \u2028 \U0001f600"'),
        ]:
            self.assertEqual(to_json(text), written)

    def test_values_are_compact_and_in_order(self) -> None:
        values: list[Any] = [
            (None, "null"),
            (True, "true"),
            (2**64 - 1, "18446744073709551615"),
            (-(2**63), "-9223372036854775808"),
            ({"b": 1, "a": [1.0, "x", (2, None)]}, '{"b":1,"a":[1.0,"x",[2,null]]}'),
            ({"at": Time(0)}, '{"at":"1970-01-01T00:00:00Z"}'),
            (Outer(1, [Inner("a", None)], Time(1)), OUTER),
            (Sample(id="a", value=2.0), '{"id":"a","value":2.0}'),
        ]
        for value, text in values:
            self.assertEqual(to_json(value), text)
        for wrong in (2**64, -(2**63) - 1):
            with self.assertRaises(OverflowError):
                to_json(wrong)
        for other in (object(), b"bytes", {1: 2}, {"a": {1}}):
            with self.assertRaises(TypeError):
                to_json(other)


OUTER = '{"z":1,"inner":[{"name":"a","score":null}],"at":"1970-01-01T00:00:00.001Z"}'


class CodecTest(unittest.TestCase):
    def test_the_type_says_what_is_written_and_read(self) -> None:
        values: list[Any] = [
            (str, "é", '"é"'),
            (int, 6, "6"),
            (Unsigned, Unsigned(6), "6"),
            (float, 6.0, "6.0"),
            (bool, False, "false"),
            (Time, Time(5), '"1970-01-01T00:00:00.005Z"'),
            (float | None, None, "null"),
            (list[float], [1.0, 2.5], "[1.0,2.5]"),
            (tuple[float | None, str], (None, "a"), '[null,"a"]'),
            (dict[str, int], {"b": 1, "a": 2}, '{"b":1,"a":2}'),
            (Outer, Outer(1, [Inner("a", None)], Time(1)), OUTER),
            (object, {"a": [1, 2.0, None]}, '{"a":[1,2.0,null]}'),
        ]
        for of, value, text in values:
            self.assertEqual(Codec(of).text(value), text)
            self.assertEqual(Codec(of).read(text.encode()), value)
        self.assertEqual(Codec(float).text(6), "6.0", "a whole number in a float is a float")
        self.assertEqual(Codec(float).read(b"6"), 6.0)
        self.assertEqual(Codec(Inner).read(b'{"name":"a"}'), Inner("a", None), "what may be none may be missing")

    def test_values_of_another_type_are_bugs(self) -> None:
        values: list[Any] = [(str, 1), (int, 1.0), (int, True), (float, "1"), (float, None), (bool, 1), (Inner, "a")]
        values += [(Unsigned, 6)]
        values += [(tuple[int, int], (1,)), (list[int], (1, 2)), (list[int], ["a"]), (dict[str, int], {"a": "b"})]
        for of, value in values:
            with self.assertRaises(TypeError, msg=f"{of} {value!r}"):
                Codec(of).text(value)
        kinds: list[Any] = [set[int], bytes, int | str, tuple[int, ...]]
        for kind in kinds:
            with self.assertRaisesRegex(TypeError, "JSON"):
                Codec(kind)

    def test_bytes_of_another_type_are_told(self) -> None:
        values: list[Any] = [(str, b"1"), (int, b"1.0"), (int, b"true"), (int, b"18446744073709551616"), (str, b"\xff")]
        values += [
            (Unsigned, b"-1"),
            (float, b"NaN"),
            (float, b"1e999"),
            (Inner, b'{"score":1}'),
            (list[int], b"{}"),
            (int, b""),
            (int, b"1 2"),
        ]
        for of, raw in values:
            with self.assertRaisesRegex(ValueError, "a value of another type: ", msg=f"{of} {raw!r}"):
                Codec(of).read(raw)
