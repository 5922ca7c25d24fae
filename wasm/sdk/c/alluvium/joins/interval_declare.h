// The join of two streams whose records are near in time.
#ifndef ALLUVIUM_JOINS_INTERVAL_DECLARE_H
#define ALLUVIUM_JOINS_INTERVAL_DECLARE_H

#include "../place.h"

// An operator that joins the records of two streams that have the same key and times that are near:
//
//     ALLUVIUM_INTERVAL_JOIN(paid, .left = {.row = &ORDER, .key = {"id"}}, .right = {.row = &PAYMENT, .key =
//     {"order"}},
//                            .after_ms = ALLUVIUM_HOURS(1))
//
// It has the inputs `left` and `right`. Each pair whose right time is not earlier than the left one by more than
// `before_ms`, and not later by more than `after_ms`, is a line {"key":…,"left":…,"right":…} of the output `joined`,
// with both rows in JSON. It is emitted when the second of the two has come. With `outer`, a left record that found
// none is such a line, too, without a right one, when the watermark says that none will come. A record that comes later
// than the watermark by more than the lateness is a line {"key":…,"time":…} of the output `late`, because what it would
// join may be gone.
//
// For each key it keeps the records that others may still join, as JSON, with a timer for when none can.
typedef struct {
    // The rows, the keys and the times of the inputs. The keys are of the same types.
    alluvium_placing left, right;
    // How much earlier, and how much later than the left one the time of a right record may be.
    int64_t before_ms, after_ms;
    // Records may come so much later than the watermark.
    int64_t lateness_ms;
    // Has left records emitted that no right one joins.
    bool outer;
} alluvium_interval_join;

// The namespace of the records that others may still join, and that of when none can.
#define ALLUVIUM_INTERVAL_OPEN "open"
#define ALLUVIUM_INTERVAL_ENDS "ends"

// The inputs by number, and the outputs.
enum { ALLUVIUM_LEFT, ALLUVIUM_RIGHT };
enum { ALLUVIUM_OUTPUT_JOINED, ALLUVIUM_OUTPUT_UNJOINED };

// Declares an interval join as an operator, by the members of alluvium_interval_join. The first argument is the name of
// the operator.
#define ALLUVIUM_INTERVAL_JOIN(called, ...)                                                                            \
    static const alluvium_interval_join called##_alluvium_interval_join = {__VA_ARGS__};                               \
    ALLUVIUM_OPERATOR(called, .describe = ALLUVIUM_INTERVAL_JOIN_DESCRIBED, .declared_as = "interval join",            \
                      .declared = &called##_alluvium_interval_join,                                                    \
                      .instance_bytes = sizeof(alluvium_interval_instance), .open = alluvium_interval_open,            \
                      .begin = alluvium_interval_begin, .process = alluvium_interval_process,                          \
                      .route = alluvium_interval_route, .on_timers = alluvium_interval_on_timers)

#define ALLUVIUM_INTERVAL_JOIN_DESCRIBED                                                                               \
    {                                                                                                                  \
        .inputs = {{.name = "left"}, {.name = "right"}},                                                               \
        .outputs = {{.name = "joined"}, {.name = "late"}},                                                             \
        .namespaces = {{.name = ALLUVIUM_INTERVAL_OPEN},                                                               \
                       {.name = ALLUVIUM_INTERVAL_ENDS, .kind = ALLUVIUM_EVENT_TIMERS}},                               \
    }

#endif
