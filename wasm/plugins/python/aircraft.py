"""The plugin `aircraft`. It emits how many flights each aircraft makes without a pause of twelve hours."""

from alluvium_plugin import Row, Session, Time, export, hours


class Flight(Row):
    tailnum: str
    time_hour: Time


days = Session.gap(hours(12)).lateness(hours(2))
aircraft = days.by(Flight, lambda it: it.tailnum).count()
Operator, Timed = export(aircraft)
