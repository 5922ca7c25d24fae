// Windows by event time: tumbling, sliding, and sessions.
#ifndef ALLUVIUM_WINDOWS_DECLARE_H
#define ALLUVIUM_WINDOWS_DECLARE_H

#include "../aggregate.h"

// An operator that computes an aggregate for each key and window:
//
//     ALLUVIUM_WINDOWS(weather, .tumbling_ms = ALLUVIUM_HOURS(24), .lateness_ms = ALLUVIUM_HOURS(1),
//                      .key = {"origin"}, .time = "time_hour", .mean = "temp")
//
// It has the input `records` and the outputs `windows` and `late`. When the watermark has reached the end of a window,
// it emits a line {"key":…,"from":…,"to":…,"value":…} to the first, the windows of one end in the order of their keys.
// A record that comes too late for all of its windows is a line {"key":…,"time":…} of the second, and changes nothing.
typedef struct {
    // One of these three. Windows of one length, each beginning where the one before it ends, at multiples of their
    // length since 1970.
    int64_t tumbling_ms;
    // Windows of one length that overlap, because a window begins after each step. A record is in at most 1,000
    // windows: a shorter step counts as a thousandth of the length.
    struct {
        int64_t length_ms, step_ms;
    } sliding;
    // Windows that begin with a record and end when no other has come for a gap.
    int64_t session_gap_ms;

    // Records may come so much later than the end of their window. The result is emitted at the end, and again when the
    // watermark moves next after such a record. Without it, none may come later.
    int64_t lateness_ms;

    // The row, the key and the time of the records: see alluvium_placing.
    ALLUVIUM_PLACED_BY

    // One of these: how many records, or what is computed of a column of numbers. Empty fields and NA are passed over,
    // and without any number the value is null.
    bool count;
    const char *sum, *mean, *min, *max;
    // Or the most frequent items of the records.
    alluvium_top top;
    const alluvium_aggregate *aggregate;
} alluvium_windows;

// The namespace of the windows that are open, and that of their ends. All windows of a key are one entry of the state,
// and each window has a timer for its end. So both belong to the key when the state is divided.
#define ALLUVIUM_WINDOWS_OPEN "windows"
#define ALLUVIUM_WINDOWS_ENDS "ends"

// The outputs by number.
enum { ALLUVIUM_OUTPUT_WINDOWS, ALLUVIUM_OUTPUT_LATE };

// Declares windows as an operator, by the members of alluvium_windows. The first argument is the name of the operator.
#define ALLUVIUM_WINDOWS(called, ...)                                                                                  \
    static const alluvium_windows called##_alluvium_windows = {__VA_ARGS__};                                           \
    ALLUVIUM_OPERATOR(called, .describe = ALLUVIUM_WINDOWS_DESCRIBED, .declared_as = "windows",                        \
                      .declared = &called##_alluvium_windows, .instance_bytes = sizeof(alluvium_windows_instance),     \
                      .open = alluvium_windows_open, .begin = alluvium_windows_begin,                                  \
                      .process = alluvium_windows_process, .route = alluvium_windows_route,                            \
                      .on_timers = alluvium_windows_on_timers)

#define ALLUVIUM_WINDOWS_DESCRIBED                                                                                     \
    {                                                                                                                  \
        .inputs = {{.name = "records"}},                                                                               \
        .outputs = {{.name = "windows"}, {.name = "late"}},                                                            \
        .namespaces = {{.name = ALLUVIUM_WINDOWS_OPEN},                                                                \
                       {.name = ALLUVIUM_WINDOWS_ENDS, .kind = ALLUVIUM_EVENT_TIMERS}},                                \
    }

#endif
