"""The plugin `routes`. It emits the three most frequent destinations of each day and origin."""

from alluvium_plugin import Row, Time, Tumbling, export, hours


class Flight(Row):
    origin: str
    dest: str
    time_hour: Time


days = Tumbling.hours(24).lateness(hours(2))
routes = days.by(Flight, lambda it: it.origin).top(3, lambda it: it.dest)
Operator, Timed = export(routes)
