// Version 1 of the plugin `carriers`, whose state version 2 migrates.
#include <alluvium_plugin.h>

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
static const alluvium_row KEPT =
    ALLUVIUM_ROW_AS(ALLUVIUM_TUPLE, line, ALLUVIUM_COLUMN(line, flights), ALLUVIUM_COLUMN(line, miles));

static const alluvium_map TOTALS = {.name = "totals", .value = &KEPT};

static bool begin(void *self, uint32_t input, const alluvium_header *header, alluvium_context *context) {
    (void)input;
    return alluvium_rows_begin(self, &FLIGHT, header, context);
}

static bool process(void *self, uint32_t input, const alluvium_batch *batch, alluvium_context *context) {
    (void)input;
    const flight *flights = alluvium_rows_read(self, batch, context);
    if (!flights) return false;
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

ALLUVIUM_OPERATOR(carriers_1, .instance_bytes = sizeof(alluvium_rows), .begin = begin, .process = process,
                  .describe = {.name = "carriers",
                               .inputs = {{.name = "flights"}},
                               .outputs = {{.name = "flights"}},
                               .namespaces = {{.map = &TOTALS}}})
