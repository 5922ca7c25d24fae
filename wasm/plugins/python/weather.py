"""The plugin `weather`. It emits the mean temperature of each day at each airport, in degrees Fahrenheit."""

from alluvium_plugin import Row, Time, Tumbling, export, hours


class Weather(Row):
    origin: str
    time_hour: Time
    temp: float | None


days = Tumbling.hours(24).lateness(hours(1))
weather = days.by(Weather, lambda it: it.origin).mean(lambda it: it.temp)
Operator, Timed = export(weather)
