// The plugin `unique`. It emits the flight with which an aircraft goes to a place for the first time in a week.

import { days, Deduplicate, row, text, time } from "alluvium-plugin";

const Flight = row({ tailnum: text, dest: text, time_hour: time });

export default Deduplicate.by(Flight, (it) => [it.tailnum, it.dest]).within(days(7));
