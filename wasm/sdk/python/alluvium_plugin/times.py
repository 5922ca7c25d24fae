"""Points in event time, and durations."""

from __future__ import annotations

import re
from datetime import timedelta

from .json_text import quoted

I64_MIN, I64_MAX = -(2**63), 2**63 - 1

# The calendar ends a day before the years -9999 and 9999 do, so that every offset stays within it.
CALENDAR_MIN_S, CALENDAR_MAX_S = -377_705_023_201, 253_402_207_200

WHOLE_NUMBER = re.compile(r"([+-]?)([0-9]+)", re.ASCII)
# Years before 0 have six digits, so that a time is read as it was written.
RFC_3339 = re.compile(
    r"(-00)?([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]"
    r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))",
    re.ASCII,
)
MILLISECOND = timedelta(milliseconds=1)
DAYS_OF_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Time:
    """A point in time, in milliseconds since 1970 UTC. It is written as RFC 3339."""

    __slots__ = ("ms",)

    def __init__(self, ms: int) -> None:
        if not I64_MIN <= ms <= I64_MAX:
            raise OverflowError(f"{ms} milliseconds do not fit 64 bits")
        self.ms = ms

    @classmethod
    def read(cls, text: str) -> Time:
        """Reads RFC 3339, or milliseconds since 1970. Raises `ValueError` for anything else."""
        ms = whole_number(text)
        if ms is None:
            ms = _read_rfc_3339(text)
        if ms is None:
            raise ValueError(f"{quoted(text)} is no time, as 2013-01-01T05:00:00Z")
        return cls(ms)

    def __str__(self) -> str:
        seconds, ms = divmod(self.ms, 1_000)
        if not CALENDAR_MIN_S * 1_000 <= self.ms <= CALENDAR_MAX_S * 1_000:
            return str(self.ms)
        days, second = divmod(seconds, 86_400)
        year, month, day = _date(days)
        date = f"{'-00' if year < 0 else ''}{abs(year):04}-{month:02}-{day:02}"
        fraction = f".{ms:03}".rstrip("0") if ms else ""
        return f"{date}T{second // 3_600:02}:{second // 60 % 60:02}:{second % 60:02}{fraction}Z"

    def __json__(self) -> str:
        return f'"{self}"'

    def __repr__(self) -> str:
        return f"Time({self.ms})"

    def __hash__(self) -> int:
        return hash(self.ms)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Time) and self.ms == other.ms

    def __lt__(self, other: Time) -> bool:
        return self.ms < other.ms

    def __le__(self, other: Time) -> bool:
        return self.ms <= other.ms

    def __gt__(self, other: Time) -> bool:
        return self.ms > other.ms

    def __ge__(self, other: Time) -> bool:
        return self.ms >= other.ms

    def __add__(self, duration: timedelta) -> Time:
        return Time(self.ms + duration // MILLISECOND)

    def __sub__(self, duration: timedelta) -> Time:
        return Time(self.ms - duration // MILLISECOND)


def hours(number: float) -> timedelta:
    """Returns a duration of so many hours."""
    return timedelta(hours=number)


def minutes(number: float) -> timedelta:
    """Returns a duration of so many minutes."""
    return timedelta(minutes=number)


def seconds(number: float) -> timedelta:
    """Returns a duration of so many seconds."""
    return timedelta(seconds=number)


def milliseconds(number: int) -> timedelta:
    """Returns a duration of so many milliseconds."""
    return timedelta(milliseconds=number)


def in_ms(duration: timedelta) -> int:
    """Returns a duration in whole milliseconds."""
    if duration < timedelta(0):
        raise ValueError(f"a duration of {duration}, but none is negative")
    return duration // MILLISECOND


def whole_number(text: str, least: int = I64_MIN, most: int = I64_MAX) -> int | None:
    """Reads a whole number, of 64 bits with a sign if nothing else is said. `None` says that the text is none."""
    found = WHOLE_NUMBER.fullmatch(text)
    if found is None:
        return None
    # Python refuses to read thousands of digits, even if they are zeros.
    digits = found[2].lstrip("0")[:21]
    number = int(digits or "0") * (-1 if found[1] == "-" else 1)
    return number if least <= number <= most else None


def _read_rfc_3339(text: str) -> int | None:
    found = RFC_3339.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute = (int(found[part]) for part in range(2, 7))
    second = int(found[7] or 0)
    if found[1]:
        if year == 0:
            return None
        year = -year
    if not 1 <= month <= 12 or not 1 <= day <= _days_of_month(year, month):
        return None
    if hour > 23 or minute > 59 or second > 60:
        return None
    # A leap second counts as the second before it.
    at_s = _days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + min(second, 59)
    if found[9]:
        offset_hours, offset_minutes = int(found[10]), int(found[11])
        if offset_hours > 25 or offset_minutes > 59:
            return None
        offset_s = offset_hours * 3_600 + offset_minutes * 60
        at_s -= offset_s if found[9] == "+" else -offset_s
    if not CALENDAR_MIN_S <= at_s <= CALENDAR_MAX_S:
        return None
    at_ns = at_s * 10**9 + int((found[8] or "").ljust(9, "0"))
    # What is finer than a millisecond is cut off, towards 1970.
    return at_ns // 10**6 if at_ns >= 0 else -(-at_ns // 10**6)


def _days_of_month(year: int, month: int) -> int:
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and is_leap else DAYS_OF_MONTHS[month - 1]


def _days(year: int, month: int, day: int) -> int:
    """Returns the days since 1970 of a date. Python's own calendar begins with the year 1."""
    # Years are counted from March on, so that the leap day is the last of its year.
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def _date(days: int) -> tuple[int, int, int]:
    """Returns the date that is so many days after the first of 1970."""
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return era * 400 + year_of_era + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1
