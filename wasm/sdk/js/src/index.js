// Stream operators for Alluvium in a few lines: see README.md and index.d.ts.

export { Count, Fold, Max, Mean, Min, Sum } from "./aggregates.js";
export { Deduplicate } from "./deduplicate.js";
export { hashed, ordered, timers } from "./description.js";
export { bigint, code, integer, time, unsigned } from "./fixed_keys.js";
export { Harness } from "./harness/harness.js";
export { IntervalJoin } from "./joins/interval.js";
export { Table } from "./joins/table.js";
export { TableJoin } from "./joins/table_join.js";
export { key, text } from "./keys.js";
export { Merged } from "./merged.js";
export { add, append, greatest, least, union } from "./merges.js";
export { OrderedMap } from "./ordered.js";
export { readJson } from "./read_json.js";
export { record } from "./records.js";
export { Refusal } from "./refusal.js";
export { Rows, column, row } from "./rows.js";
export { Counter, ListState, MapState, ValueState } from "./state.js";
export { days, formatTime, hours, milliseconds, minutes, parseTime, seconds } from "./time.js";
export { Top } from "./top.js";
export { boolean, list, number, optional, tuple } from "./types.js";
export { Session, Sliding, Tumbling } from "./windows/windows.js";
