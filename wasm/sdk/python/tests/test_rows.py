"""Rows: columns by name, and the errors that name what is wrong."""

import unittest
from typing import Any

from alluvium_plugin import Batch, ColumnBatch, RecordBatch, Refused, Row, Rows, Time, Unsigned, column
from alluvium_plugin.rows import time_of


class Every(Row):
    text: str
    whole: int
    number: float
    flag: bool
    at: Time
    perhaps: int | None
    renamed: str = column("from")


HEADER = ["from", "perhaps", "at", "unused", "flag", "number", "whole", "text"]
GOOD = {
    "from": "f",
    "perhaps": "",
    "at": "5",
    "unused": "\xff",
    "flag": "true",
    "number": "1",
    "whole": "2",
    "text": "",
}


def batch(*records: list[bytes]) -> ColumnBatch:
    fields = [field for record in records for field in record]
    return ColumnBatch(len(records), [len(field) for field in fields], b"".join(fields))


def read(**changed: Any) -> Every:
    rows = Rows(Every)
    rows.begin(HEADER)
    fields = {name: value.encode() for name, value in GOOD.items()} | changed
    (row,) = rows.read(batch([fields[name] for name in HEADER]))
    return row


class RowsTest(unittest.TestCase):
    def test_fields_are_read_by_the_names_of_their_columns(self) -> None:
        row = read()
        self.assertEqual((row.text, row.whole, row.number, row.flag, row.at), ("", 2, 1.0, True, Time(5)))
        self.assertEqual((row.perhaps, row.renamed), (None, "f"))
        self.assertEqual(read(perhaps=b"NA").perhaps, None)
        self.assertEqual(read(perhaps=b"-7").perhaps, -7)
        self.assertEqual(read(text=b"NA").text, "NA")
        self.assertEqual(time_of(row), Time(5))
        self.assertEqual(repr(read(flag=b"false"))[:31], "Every(text='', whole=2, number=")

    def test_numbers_have_one_grammar_in_all_languages(self) -> None:
        for text, number in {
            b"+.5": 0.5,
            b"5.": 5.0,
            b"-1e3": -1e3,
            b"1E+2": 100.0,
            b"007": 7.0,
            b"1e-400": 0.0,
        }.items():
            self.assertEqual(read(number=text).number, number)
        self.assertEqual(str(read(number=b"-0").number), "-0.0")
        for text in (
            b"",
            b".",
            b"1_0",
            b"inf",
            b"-Infinity",
            b"NaN",
            b"nan",
            b"1e999",
            b"0x1",
            b" 1",
            b"1 ",
            b"1e",
            "١".encode(),
        ):
            self.assert_refused(f'number: "{text.decode()}" is no number', number=text)
        for text, whole in {b"+5": 5, b"-0": 0, b"000012": 12, b"-9223372036854775808": -(2**63)}.items():
            self.assertEqual(read(whole=text).whole, whole)
        for text in (b"", b"1.0", b"1_0", b"9223372036854775808", b" 1", b"+", b"9" * 5_000, "١".encode()):
            self.assert_refused(f'whole: "{text.decode()}" is no number', whole=text)

    def test_numbers_without_a_sign_have_64_bits(self) -> None:
        class Counted(Row):
            count: Unsigned
            perhaps: Unsigned | None

        rows = Rows(Counted)
        rows.begin(["count", "perhaps"])
        for text, number in {b"+5": 5, b"007": 7, b"18446744073709551615": 2**64 - 1}.items():
            (row,) = rows.read(batch([text, b"NA"]))
            self.assertEqual((row.count, type(row.count), row.perhaps), (number, Unsigned, None))
        for text in (b"", b"-1", b"-0", b"1.0", b"18446744073709551616", b"1" + b"0" * 20, b"x"):
            with self.assertRaises(Refused) as refused:
                rows.read(batch([text, b""]))
            self.assertEqual(str(refused.exception), f'record 0: count: "{text.decode()}" is no number without a sign')

    def test_errors_quote_the_field_as_json(self) -> None:
        self.assert_refused('whole: "\x7f\\"\\t" is no number', whole=b'\x7f"\t')
        self.assert_refused('flag: "yes" is no true or false', flag=b"yes")
        self.assert_refused('flag: "True" is no true or false', flag=b"True")
        self.assert_refused('at: "\'" is no time, as 2013-01-01T05:00:00Z', at=b"'")
        self.assert_refused('perhaps: "na" is no number', perhaps=b"na")
        for raw in (b"\xff", b"\xed\xa0\x80", b"\xc0\x80"):
            self.assert_refused("text is no UTF-8", text=raw)
            self.assert_refused("number is no UTF-8", number=raw)
            self.assertEqual(read(unused=raw).renamed, "f", "a column that is not read may have any bytes")
        # The first of the fields in the order of the row is named.
        self.assert_refused('whole: "x" is no number', number=b"x", whole=b"x", perhaps=b"x")

    def test_the_record_is_named(self) -> None:
        rows = Rows(Every)
        rows.begin(HEADER)
        good = [value.encode() for value in GOOD.values()]
        with self.assertRaises(Refused) as refused:
            rows.read(batch(good, good, [*good[:-2], b"x", b""], good))
        self.assertEqual((refused.exception.record, refused.exception.text), (2, 'whole: "x" is no number'))
        self.assertEqual(str(refused.exception), 'record 2: whole: "x" is no number')

    def test_headers_without_a_column_are_refused(self) -> None:
        rows = Rows(Every)
        with self.assertRaisesRegex(Refused, "^the input was not begun$"):
            rows.read(batch())
        with self.assertRaises(Refused) as refused:
            rows.begin(["at", "number", "renamed", "flag", "whole"])
        what = "the columns text, perhaps, from are missing; there are at, number, renamed, flag, whole"
        self.assertEqual(str(refused.exception), what)

    def test_batches_of_another_form_are_refused(self) -> None:
        rows = Rows(Every)
        rows.begin(HEADER)
        good = [value.encode() for value in GOOD.values()]
        whole = batch(good, good)
        others: list[tuple[Batch, str]] = [
            (RecordBatch([1], b"a"), "the input has columns, and came without"),
            (batch(good, good[1:]), "a batch with other columns than its header"),
            (ColumnBatch(1, whole.field_lens, whole.fields), "a batch with other columns than its header"),
            (ColumnBatch(2, whole.field_lens, whole.fields[:-1]), "a batch that is shorter than its lengths say"),
        ]
        for other, what in others:
            with self.assertRaises(Refused) as refused:
                rows.read(other)
            self.assertEqual((refused.exception.record, refused.exception.text), (None, what))
        self.assertEqual(rows.read(batch()), [])

    def test_rows_that_make_no_sense_are_bugs(self) -> None:
        for hint in (list[str], bytes, "str | int", None, tuple[str, int]):
            with self.assertRaisesRegex(TypeError, "Wrong.field: a field is str, int, float, bool, Time or Unsigned"):
                type("Wrong", (Row,), {"__annotations__": {"field": hint}})
        with self.assertRaisesRegex(TypeError, "Wrong.field: a field has no default but column"):
            type("Wrong", (Row,), {"__annotations__": {"field": str}, "field": "x"})
        with self.assertRaisesRegex(TypeError, "Every has the fields text, whole"):
            Every(text="a")  # type: ignore[call-arg]

    def test_a_row_without_one_time_has_none(self) -> None:
        class Two(Row):
            begin: Time
            end: Time | None

        class None_(Row):
            text: str

        class Perhaps(Every):
            at: Time | None  # type: ignore[assignment]

        self.assertIsNone(time_of(Two(begin=Time(1), end=Time(2))))
        self.assertIsNone(time_of(None_(text="a")))
        self.assertEqual(Perhaps.__row_time__, "at")
        self.assertEqual(Perhaps.__row_fields__["renamed"][0], "from")

    def assert_refused(self, what: str, /, **changed: Any) -> None:
        with self.assertRaises(Refused) as refused:
            read(**changed)
        self.assertEqual((refused.exception.record, refused.exception.text), (0, what))
