"""Streams of records for the tests of windows, and the operators that they run."""

from __future__ import annotations

import json
import random
from typing import NamedTuple

from alluvium_plugin import Harness, Row, Session, Sliding, Time, Tumbling, Windowed, milliseconds


class Record(Row):
    key: str
    at: Time
    number: float | None


class Line(NamedTuple):
    """A window that was emitted."""

    key: str
    begin: int
    end: int
    value: object


def tumbling(lateness_ms: int) -> Windowed[Record]:
    """Returns the sums of windows of 10 ms."""
    windows = Tumbling.of(milliseconds(10)).lateness(milliseconds(lateness_ms))
    return windows.by(Record, lambda it: it.key).sum(lambda it: it.number)


def sliding() -> Windowed[Record]:
    """Returns the counts of windows of 10 ms, of which one begins every 4 ms."""
    return Sliding.of(milliseconds(10), milliseconds(4)).by(Record, lambda it: it.key).count()


def sessions(lateness_ms: int) -> Windowed[Record]:
    """Returns the largest numbers of sessions that end after 5 ms."""
    windows = Session.gap(milliseconds(5)).lateness(milliseconds(lateness_ms))
    return windows.by(Record, lambda it: it.key).max(lambda it: it.number)


Records = list[tuple[str, int, int]]


def records(source: random.Random, count: int) -> Records:
    """Returns records of a few keys, up to 20 ms out of order: none is earlier than twice its number."""
    return [
        (source.choice("abc"), number * 2 + source.randrange(20), source.randrange(-50, 50)) for number in range(count)
    ]


def csv(all_records: Records) -> str:
    """Returns records as CSV."""
    return "key,at,number\n" + "".join(f"{key},{at},{number}\n" for key, at, number in all_records)


def cuts(source: random.Random, all_records: Records, most: int) -> list[Records]:
    """Cuts records into batches of random lengths."""
    batches, at = [], 0
    while at < len(all_records):
        length = source.randint(1, most)
        batches.append(all_records[at : at + length])
        at += length
    return batches


def lines(harness: Harness) -> list[Line]:
    """Returns the windows that were emitted."""
    read = [json.loads(line) for line in harness.emitted()]
    return [Line(it["key"], Time.read(it["from"]).ms, Time.read(it["to"]).ms, it["value"]) for it in read]
