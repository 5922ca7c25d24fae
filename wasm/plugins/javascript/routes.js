// The plugin `routes`. It emits the three most frequent destinations of each day and origin.

import { hours, row, text, time, Tumbling } from "alluvium-plugin";

const Flight = row({ origin: text, dest: text, time_hour: time });

const days = Tumbling.hours(24).lateness(hours(2));
export default days.by(Flight, (it) => it.origin).top(3, (it) => it.dest);
