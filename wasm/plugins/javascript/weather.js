// The plugin `weather`. It emits the mean temperature of each day at each airport, in degrees Fahrenheit.

import { hours, number, optional, row, text, time, Tumbling } from "alluvium-plugin";

const Weather = row({ origin: text, time_hour: time, temp: optional(number) });

const days = Tumbling.hours(24).lateness(hours(1));
export default days.by(Weather, (it) => it.origin).mean((it) => it.temp);
