// The plugin `carriers`. It adds up the flights and miles of each carrier.
//
// Version 1 kept them as an array, `[flights, miles]`. Version 2 keeps them by name, so that members can be added, and
// migrates what version 1 has left.
#include <alluvium_plugin.h>

// The namespace of the totals by carrier, in both versions.
#define TOTALS_NAME "totals"

typedef struct {
    alluvium_text carrier;
    int64_t distance;
} flight;
static const alluvium_row FLIGHT =
    ALLUVIUM_ROW(flight, ALLUVIUM_COLUMN(flight, carrier), ALLUVIUM_COLUMN(flight, distance));

// A line of the output. What is kept of a carrier is the last two members.
typedef struct {
    alluvium_text carrier;
    uint64_t flights;
    int64_t miles;
} line;
static const alluvium_row LINE =
    ALLUVIUM_ROW(line, ALLUVIUM_COLUMN(line, carrier), ALLUVIUM_COLUMN(line, flights), ALLUVIUM_COLUMN(line, miles));
static const alluvium_row KEPT = ALLUVIUM_ROW(line, ALLUVIUM_COLUMN(line, flights), ALLUVIUM_COLUMN(line, miles));
static const alluvium_row KEPT_BEFORE =
    ALLUVIUM_ROW_AS(ALLUVIUM_TUPLE, line, ALLUVIUM_COLUMN(line, flights), ALLUVIUM_COLUMN(line, miles));

static const alluvium_map TOTALS = {.name = TOTALS_NAME, .value = &KEPT};
static const alluvium_map TOTALS_BEFORE = {.name = TOTALS_NAME, .value = &KEPT_BEFORE};

static bool migrate(void *self, uint32_t from, alluvium_context *context) {
    (void)self;
    if (from != 1) return alluvium_fail(context, "version %lu is not known", (unsigned long)from);
    alluvium_bytes *carriers;
    size_t count;
    const line *before = alluvium_map_entries(&TOTALS_BEFORE, &carriers, &count, context);
    for (size_t at = 0; before && at < count; at++) alluvium_map_set(&TOTALS, carriers[at], &before[at], context);
    return !context->has_failed;
}

static bool begin(void *self, uint32_t input, const alluvium_header *header, alluvium_context *context) {
    (void)input;
    return alluvium_rows_begin(self, &FLIGHT, header, context);
}

static bool route(void *self, uint32_t input, const alluvium_batch *batch, alluvium_bytes *keys,
                  alluvium_context *context) {
    (void)input;
    const flight *flights = alluvium_rows_read(self, batch, context);
    for (uint32_t at = 0; flights && at < batch->count; at++) keys[at] = flights[at].carrier;
    return flights;
}

static bool process(void *self, uint32_t input, const alluvium_batch *batch, alluvium_context *context) {
    (void)input;
    const flight *flights = alluvium_rows_read(self, batch, context);
    if (!flights) return false;
    alluvium_bytes *carriers = alluvium_new(context->arena, batch->count, sizeof *carriers);
    for (uint32_t at = 0; at < batch->count; at++) carriers[at] = flights[at].carrier;
    alluvium_map_prefetch(&TOTALS, carriers, batch->count, context);
    for (const flight *flight = flights; flight < flights + batch->count; flight++) {
        line totals;
        bool is_some;
        if (!alluvium_map_get(&TOTALS, flight->carrier, &totals, &is_some, context)) return false;
        totals.carrier = flight->carrier;
        totals.flights += 1;
        totals.miles = alluvium_saturating_add(totals.miles, flight->distance);
        if (!alluvium_map_set(&TOTALS, flight->carrier, &totals, context)) return false;
        if (totals.flights % 100 == 0 && !alluvium_emit_row(context, 0, &LINE, &totals)) return false;
    }
    return true;
}

ALLUVIUM_MIGRATING_OPERATOR(carriers, migrate, .instance_bytes = sizeof(alluvium_rows), .begin = begin,
                            .process = process, .route = route,
                            .describe = {.schema_version = 2,
                                         .inputs = {{.name = "flights"}},
                                         .outputs = {{.name = "flights"}},
                                         .namespaces = {{.map = &TOTALS}}})
