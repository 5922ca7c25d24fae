// The plugin `aircraft`. It emits how many flights each aircraft makes without a pause of twelve hours.

import { hours, row, Session, text, time } from "alluvium-plugin";

const Flight = row({ tailnum: text, time_hour: time });

const days = Session.gap(hours(12)).lateness(hours(2));
export default days.by(Flight, (it) => it.tailnum).count();
