// Stream operators for Alluvium in a few lines of C.
//
// An operator turns records into state, and state into results. It runs as a WebAssembly component in a sandbox of its
// own. The host keeps its state in checkpoints: after a crash it continues as if nothing had happened, and what it
// emits is shown exactly once. This is a whole one:
//
//     #include <alluvium_plugin.h>
//
//     ALLUVIUM_WINDOWS(delays, .tumbling_ms = ALLUVIUM_HOURS(1), .lateness_ms = ALLUVIUM_MINUTES(10),
//                      .key = {"carrier"}, .time = "time_hour", .mean = "dep_delay")
//
// build.sh makes a component of it, and alluvium/harness.h runs it natively in a test.
//
// Everything here is static inline. An operator is one file as a rule, and the test of an operator includes it, so
// there is no library to build, to link and to keep in step with its header. The compiler leaves out what is not
// called.
//
// | header             | has                                                                |
// |--------------------|--------------------------------------------------------------------|
// | windows/declare.h  | ALLUVIUM_WINDOWS: windows by event time, each with allowed lateness |
// | aggregate.h        | what windows compute, and aggregates of your own                   |
// | top.h              | the most frequent items of a window                                |
// | deduplicate.h      | ALLUVIUM_DEDUPLICATE: the first record of a key passes             |
// | joins/             | ALLUVIUM_INTERVAL_JOIN, of two streams; ALLUVIUM_TABLE_JOIN        |
// | placing.h          | the row, the key and the time of records, as all of these take them |
// | operator.h         | ALLUVIUM_OPERATOR, ALLUVIUM_MIGRATING_OPERATOR: of your own        |
// | context.h          | what such an operator works with during a call                     |
// | map.h, list.h      | typed state: maps, values, counters; lists                         |
// | ordered.h          | maps in the order of their keys, with ranges                       |
// | merged.h           | sums, extremes and sets that change without being read             |
// | row.h, row_json.h  | structs that are read from columns, and kept and emitted as JSON   |
// | json_rows.h        | records of JSON, as such structs                                   |
// | key.h, row_key.h   | keys of several parts, whose bytes have their order                |
// | json.h             | a writer of JSON; json_reader.h reads it                           |
// | cache.h            | state as bytes                                                     |
// | harness.h          | runs an operator natively; not included here                       |
#ifndef ALLUVIUM_PLUGIN_H
#define ALLUVIUM_PLUGIN_H

#include "alluvium/deduplicate.h"
#include "alluvium/joins/interval.h"
#include "alluvium/joins/table.h"
#include "alluvium/windows/operator.h"

#ifdef __wasm__
#include "alluvium/export_migration.h"
#endif

#endif
