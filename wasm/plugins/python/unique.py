"""The plugin `unique`. It emits the flight with which an aircraft goes to a place for the first time in a week."""

from datetime import timedelta

from alluvium_plugin import Deduplicate, Row, Time, export


class Flight(Row):
    tailnum: str
    dest: str
    time_hour: Time


unique = Deduplicate.by(Flight, lambda it: (it.tailnum, it.dest)).within(timedelta(days=7))
Operator, Timed = export(unique)
