"""Reads flight records: it finds the columns that matter, and converts the fields of a batch to flights.

It accepts and refuses the same input with the same messages as wasm/plugins/flights in Rust.
"""

import json
import re
from dataclasses import dataclass
from typing import Iterator, List, Optional, Tuple

from wit_world.exports.operator import ColumnBatch

COLUMNS = ["carrier", "origin", "dest", "dep_time", "arr_delay"]
I64_MIN, I64_MAX = -(2**63), 2**63 - 1
# int() would also accept spaces, underscores and the digits of other scripts.
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")


class Wrong(Exception):
    """An error in the input, described in words, and the record that is to blame, if it is a single one."""

    def __init__(self, text: str, record: Optional[int] = None):
        super().__init__(text)
        self.record = record


@dataclass
class Columns:
    """The positions of the needed columns in a record."""

    width: int
    positions: List[int]


@dataclass
class Flight:
    """One flight, read from a record."""

    key: str
    cancelled: bool
    delay_minutes: Optional[int]


def find_columns(header: List[str]) -> Columns:
    for column in COLUMNS:
        # If two columns have the same name, choosing one of them would be a guess.
        if header.count(column) > 1:
            raise Wrong(f"the input has more than one column {column}")
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise Wrong(f"the input has no column {', '.join(missing)}; it has {', '.join(header)}")
    return Columns(len(header), [header.index(column) for column in COLUMNS])


def each_flight(columns: Columns, batch: ColumnBatch) -> Iterator[Tuple[int, Flight]]:
    """Yields every flight of the batch with its record's number, in order."""
    lens, fields, width = batch.field_lens, batch.fields, columns.width
    if len(lens) != batch.count * width:
        raise Wrong(f"{batch.count} records with {len(lens)} fields where the header has {width} columns")
    at = 0
    for record in range(batch.count):
        ends = []
        for length in lens[record * width : (record + 1) * width]:
            at += length
            ends.append(at)
        if at > len(fields):
            raise Wrong("its fields are longer than the batch", record)
        of_record = [
            fields[ends[position] - lens[record * width + position] : ends[position]] for position in columns.positions
        ]
        yield record, flight(record, of_record)
    if at != len(fields):
        raise Wrong(f"the batch has {len(fields) - at} bytes after its last field")


def flight(record: int, fields: List[bytes]) -> Flight:
    def wrong(column: int, what: str) -> Wrong:
        return Wrong(f"column {COLUMNS[column]}: {what}", record)

    def text(column: int) -> str:
        try:
            return fields[column].decode()
        except UnicodeDecodeError:
            raise wrong(column, f"{escaped(fields[column])} is not UTF-8") from None

    def name(column: int, separator: str) -> str:
        found = text(column)
        if is_missing(found):
            raise wrong(column, "is missing")
        # With a separator inside a name, two routes could have the same key.
        if separator in found:
            raise wrong(column, f'{quoted(found)} contains "{separator}"')
        return found

    # The delay is checked first, so that every language reports the same one of two mistakes in a record.
    delay = text(4)
    minutes = None
    if not is_missing(delay):
        minutes = int(delay) if WHOLE_NUMBER.fullmatch(delay) else None
        if minutes is None or not I64_MIN <= minutes <= I64_MAX:
            raise wrong(4, f"{quoted(delay)} is not a whole number of minutes")
    carrier, origin, dest = name(0, ":"), name(1, "-"), name(2, "-")
    return Flight(f"{carrier}:{origin}-{dest}", is_missing(text(3)), minutes)


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def is_missing(text: str) -> bool:
    return text in ("", "NA")


def escaped(data: bytes) -> str:
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in data)
