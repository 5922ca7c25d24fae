"""Keys: their bytes, which are those of the other languages, and their order."""

import itertools
import unittest
from enum import IntEnum
from typing import Any

from alluvium_plugin import Code, Keys, Time, Unsigned, key_bytes

TEXTS = ["", "\0", "\0\0", "\0a", "a", "a\0", "a\0b", "a\x01", "ab", "b", "é", "\U0001f600"]
NUMBERS = [-(2**63), -256, -1, 0, 1, 255, 256, 2**63 - 1]


class Airport(Code, bytes=3):
    """The code of an airport."""


class KeysTest(unittest.TestCase):
    def test_bytes_are_those_of_the_other_languages(self) -> None:
        known: list[tuple[Any, bytes]] = [
            ("", b""),
            ("JFK", b"JFK"),
            ("é\0", b"\xc3\xa9\0"),
            (0, b"\x80\0\0\0\0\0\0\0"),
            (-1, b"\x7f\xff\xff\xff\xff\xff\xff\xff"),
            (2**63 - 1, b"\xff" * 8),
            (-(2**63), b"\0" * 8),
            (("JFK", 7), b"JFK\0\x01\x80\0\0\0\0\0\0\x07"),
            ((7, "JFK"), b"\x80\0\0\0\0\0\0\x07JFK"),
            (("a\0", "b\0"), b"a\0\x02\0\x01b\0"),
            (("", ""), b"\0\x01"),
            (Time(-1), b"\x7f\xff\xff\xff\xff\xff\xff\xff"),
            ((Time(7), "JFK"), b"\x80\0\0\0\0\0\0\x07JFK"),
            (Airport("JFK"), b"JFK"),
            (Unsigned(7), b"\0\0\0\0\0\0\0\x07"),
            ((Unsigned(2**64 - 1), "a"), b"\xff" * 8 + b"a"),
            ((Airport("\0é"), "JFK"), b"\0\xc3\xa9JFK"),
            (("UA", 1, 2), b"UA\0\x01\x80\0\0\0\0\0\0\x01\x80\0\0\0\0\0\0\x02"),
        ]
        for key, raw in known:
            self.assertEqual(key_bytes(key), raw, key)

    def test_bytes_have_the_order_of_the_keys_and_come_back(self) -> None:
        pairs = list(itertools.product(TEXTS, NUMBERS))
        keys = Keys(tuple[str, int])
        # Python compares texts by code points, which is the order of their UTF-8.
        self.assertEqual([keys.read(raw) for raw in sorted(map(keys.write, pairs))], sorted(pairs))
        twice = list(itertools.product(TEXTS, TEXTS))
        texts = Keys(tuple[str, str])
        self.assertEqual([texts.read(raw) for raw in sorted(map(texts.write, twice))], sorted(twice))
        self.assertEqual([Keys(int).read(Keys(int).write(number)) for number in NUMBERS], NUMBERS)
        nested = Keys(tuple[tuple[str, int], str])
        self.assertEqual(nested.read(nested.write((("a", 1), "b"))), (("a", 1), "b"))
        times = [(Airport(code), Time(ms)) for code in ("EWR", "JFK") for ms in NUMBERS]
        timed = Keys(tuple[Airport, Time])
        self.assertEqual([timed.read(raw) for raw in sorted(map(timed.write, times))], times)
        read = timed.read(timed.write(times[0]))
        self.assertIs(type(read and read[0]), Airport)
        unsigned = Keys(tuple[Unsigned, str])
        self.assertEqual(unsigned.read(unsigned.write((Unsigned(2**63), "a"))), (Unsigned(2**63), "a"))
        # Among texts, a code is written as they are.
        self.assertEqual(texts.read(texts.write((Airport("JFK"), ""))), ("JFK", ""))

    def test_bytes_of_another_key_are_refused(self) -> None:
        for of, raw in [
            (str, b"\xff"),
            (int, b"123456789"),
            (int, b"1234567"),
            (tuple[str, str], b"no end"),
            (tuple[str, str], b"a\0"),
            (tuple[str, str], b"a\0\x03\0\x01"),
            (tuple[str, int], b"a\0\x01\x80"),
            (tuple[str, str], b"\xff\0\x01"),
            (Airport, b"JF"),
            (Airport, b"JFK1"),
            (Airport, b"\xffFK"),
            (tuple[Airport, Time], b"JFK1234567"),
        ]:
            self.assertIsNone(Keys(of).read(raw), (of, raw))

    def test_keys_of_another_type_are_bugs(self) -> None:
        wrong: list[Any] = [(str, 1), (int, "1"), (int, True), (tuple[str, int], ("a", "b")), (tuple[str, int], "a")]
        wrong += [(Time, 7), (int, Time(7)), (Airport, "JFK"), (Unsigned, 7)]
        for of, key in wrong:
            types = "str|int|Time|Airport|Unsigned|tuple.str, int."
            with self.assertRaisesRegex(TypeError, f"is not of the type ({types})"):
                Keys(of).write(key)
        for number in (2**63, -(2**63) - 1):
            with self.assertRaises(OverflowError):
                Keys(int).write(number)
        with self.assertRaises(OverflowError):
            Keys(int).write(Unsigned(2**63))
        kinds: list[Any] = [float, tuple, bool, list[str], tuple[str, ...], Code]
        for kind in kinds:
            types = "str, int, Time, Unsigned, a class of codes or a tuple of these"
            with self.assertRaisesRegex(TypeError, f"the type of a key is {types}"):
                Keys(kind)
        keys: list[Any] = [1.5, None, (), True]
        for key in keys:
            with self.assertRaises(TypeError):
                key_bytes(key)

    def test_named_texts_and_numbers_are_texts_and_numbers(self) -> None:
        class Color(IntEnum):
            RED = 1

        self.assertEqual(key_bytes((Color.RED, "a")), key_bytes((1, "a")))
