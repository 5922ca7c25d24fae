// The plugin `joined`. It emits each flight with the weather at its airport in that hour, and with its plane.
//
// A flight waits in the state until the watermark has passed its hour. Then its weather has come, if there is any, and
// it is emitted. So the order of the inputs among each other does not matter, and the lines come in the order of the
// hours and of the flights.
#include <alluvium_plugin.h>

// The inputs by number.
enum { FLIGHTS, WEATHER, PLANES };

// The namespace of the hours at which flights are due.
#define DUE "due"

typedef struct {
    alluvium_text carrier;
    int64_t number;
    alluvium_text tailnum, origin, dest;
    alluvium_time time_hour;
} flight;
static const alluvium_row FLIGHT =
    ALLUVIUM_ROW(flight, ALLUVIUM_COLUMN(flight, carrier), ALLUVIUM_COLUMN_AS(flight, number, "flight"),
                 ALLUVIUM_COLUMN(flight, tailnum), ALLUVIUM_COLUMN(flight, origin), ALLUVIUM_COLUMN(flight, dest),
                 ALLUVIUM_COLUMN(flight, time_hour));

// What is kept of a flight, beside its carrier, number and hour: those are its key.
static const alluvium_row WAITING_FLIGHT = ALLUVIUM_ROW(flight, ALLUVIUM_COLUMN(flight, tailnum),
                                                        ALLUVIUM_COLUMN(flight, origin), ALLUVIUM_COLUMN(flight, dest));

typedef struct {
    alluvium_text origin;
    alluvium_time time_hour;
    alluvium_optional_number temp, visib;
} weather;
static const alluvium_row HOUR =
    ALLUVIUM_ROW(weather, ALLUVIUM_COLUMN(weather, origin), ALLUVIUM_COLUMN(weather, time_hour),
                 ALLUVIUM_COLUMN(weather, temp), ALLUVIUM_COLUMN(weather, visib));
static const alluvium_row KEPT_HOUR =
    ALLUVIUM_ROW_AS(ALLUVIUM_TUPLE, weather, ALLUVIUM_COLUMN(weather, temp), ALLUVIUM_COLUMN(weather, visib));

typedef struct {
    alluvium_text tailnum, manufacturer;
    alluvium_optional_integer seats;
} plane;
static const alluvium_row PLANE = ALLUVIUM_ROW(plane, ALLUVIUM_COLUMN(plane, tailnum),
                                               ALLUVIUM_COLUMN(plane, manufacturer), ALLUVIUM_COLUMN(plane, seats));
static const alluvium_row KEPT_PLANE =
    ALLUVIUM_ROW_AS(ALLUVIUM_TUPLE, plane, ALLUVIUM_COLUMN(plane, manufacturer), ALLUVIUM_COLUMN(plane, seats));

// A line of the output.
typedef struct {
    flight flight;
    alluvium_optional_number temp, visib;
    alluvium_optional_text manufacturer;
    alluvium_optional_integer seats;
} line;
static const alluvium_row LINE =
    ALLUVIUM_ROW(line, ALLUVIUM_COLUMN_AS(line, flight.carrier, "carrier"),
                 ALLUVIUM_COLUMN_AS(line, flight.number, "flight"), ALLUVIUM_COLUMN_AS(line, flight.time_hour, "hour"),
                 ALLUVIUM_COLUMN_AS(line, flight.tailnum, "tailnum"), ALLUVIUM_COLUMN_AS(line, flight.origin, "origin"),
                 ALLUVIUM_COLUMN_AS(line, flight.dest, "dest"), ALLUVIUM_COLUMN(line, temp),
                 ALLUVIUM_COLUMN(line, visib), ALLUVIUM_COLUMN(line, manufacturer), ALLUVIUM_COLUMN(line, seats));

static const alluvium_map WAITING = {.name = "waiting", .value = &WAITING_FLIGHT};
static const alluvium_map WEATHERS = {.name = "weather", .value = &KEPT_HOUR};
static const alluvium_map FLEET = {.name = "planes", .value = &KEPT_PLANE};

// Where the columns of the inputs are.
typedef struct {
    alluvium_rows inputs[3];
} join;

static alluvium_bytes key_of_flight(const flight *flight, alluvium_context *context) {
    alluvium_key key = alluvium_key_in(context->arena);
    alluvium_key_text(&key, flight->carrier);
    alluvium_key_integer(&key, flight->number);
    alluvium_key_integer(&key, flight->time_hour.ms);
    return alluvium_key_bytes(&key);
}

static alluvium_bytes key_of_hour(alluvium_text origin, alluvium_time hour, alluvium_context *context) {
    alluvium_key key = alluvium_key_in(context->arena);
    alluvium_key_text(&key, origin);
    alluvium_key_integer(&key, hour.ms);
    return alluvium_key_bytes(&key);
}

static bool begin(void *self, uint32_t input, const alluvium_header *header, alluvium_context *context) {
    static const alluvium_row *const rows[] = {&FLIGHT, &HOUR, &PLANE};
    return alluvium_rows_begin(&((join *)self)->inputs[input], rows[input], header, context);
}

static bool process_flights(const flight *flights, uint32_t count, alluvium_context *context) {
    for (const flight *flight = flights; flight < flights + count; flight++) {
        alluvium_bytes key = key_of_flight(flight, context);
        alluvium_time due = {alluvium_saturating_add(flight->time_hour.ms, ALLUVIUM_HOURS(1))};
        if (!alluvium_set_timer(context, DUE, due, key)) return false;
        if (!alluvium_map_set(&WAITING, key, flight, context)) return false;
    }
    return true;
}

static bool process_weather(const weather *hours, uint32_t count, alluvium_context *context) {
    for (const weather *hour = hours; hour < hours + count; hour++) {
        alluvium_bytes key = key_of_hour(hour->origin, hour->time_hour, context);
        if (!alluvium_map_set(&WEATHERS, key, hour, context)) return false;
    }
    return true;
}

static bool process_planes(const plane *planes, uint32_t count, alluvium_context *context) {
    for (const plane *plane = planes; plane < planes + count; plane++) {
        if (!alluvium_map_set(&FLEET, plane->tailnum, plane, context)) return false;
    }
    return true;
}

static bool process(void *self, uint32_t input, const alluvium_batch *batch, alluvium_context *context) {
    const void *rows = alluvium_rows_read(&((join *)self)->inputs[input], batch, context);
    if (!rows) return false;
    if (input == FLIGHTS) return process_flights(rows, batch->count, context);
    if (input == WEATHER) return process_weather(rows, batch->count, context);
    return process_planes(rows, batch->count, context);
}

// Finds the flights that wait under these keys, and deletes them. Returns how many there are.
static size_t take_waiting(const alluvium_bytes *keys, size_t count, line *lines, alluvium_context *context) {
    size_t found = 0;
    alluvium_map_prefetch(&WAITING, keys, count, context);
    for (size_t at = 0; at < count; at++) {
        flight *flight = &lines[found].flight;
        bool is_waiting;
        if (!alluvium_map_get(&WAITING, keys[at], flight, &is_waiting, context) || !is_waiting) continue;
        alluvium_map_delete(&WAITING, keys[at], context);
        alluvium_key_reader name = alluvium_key_reader_of(context->arena, keys[at]);
        flight->carrier = alluvium_key_read_text(&name);
        flight->number = alluvium_key_read_integer(&name);
        flight->time_hour.ms = alluvium_key_read_integer(&name);
        if (!alluvium_key_end(&name)) alluvium_fail(context, "a timer for what is no flight");
        found += 1;
    }
    return found;
}

static bool on_timers(void *self, const char *name, alluvium_time at, const alluvium_bytes *keys, size_t count,
                      alluvium_context *context) {
    (void)self, (void)name, (void)at;
    line *lines = alluvium_new(context->arena, count, sizeof *lines);
    alluvium_bytes *places = alluvium_new(context->arena, count, sizeof *places);
    alluvium_bytes *tails = alluvium_new(context->arena, count, sizeof *tails);
    size_t due = take_waiting(keys, count, lines, context);
    for (size_t flight = 0; flight < due; flight++) {
        places[flight] = key_of_hour(lines[flight].flight.origin, lines[flight].flight.time_hour, context);
        tails[flight] = lines[flight].flight.tailnum;
    }
    alluvium_map_prefetch(&WEATHERS, places, due, context);
    alluvium_map_prefetch(&FLEET, tails, due, context);
    for (size_t flight = 0; flight < due; flight++) {
        line *line = &lines[flight];
        weather hour;
        plane plane;
        bool is_some;
        // Without weather or without a plane, these are none.
        alluvium_map_get(&WEATHERS, places[flight], &hour, &is_some, context);
        line->temp = hour.temp;
        line->visib = hour.visib;
        alluvium_map_get(&FLEET, tails[flight], &plane, &is_some, context);
        line->manufacturer = (alluvium_optional_text){is_some, plane.manufacturer};
        line->seats = plane.seats;
        // After the first error, all of these do nothing, and the call fails.
        alluvium_emit_row(context, 0, &LINE, line);
    }
    return !context->has_failed;
}

ALLUVIUM_OPERATOR(joined, .instance_bytes = sizeof(join), .begin = begin, .process = process, .on_timers = on_timers,
                  .describe = {.inputs = {{.name = "flights"}, {.name = "weather"}, {.name = "planes"}},
                               .outputs = {{.name = "flights"}},
                               .namespaces = {{.map = &WAITING},
                                              {.map = &WEATHERS},
                                              {.map = &FLEET},
                                              {.name = DUE, .kind = ALLUVIUM_EVENT_TIMERS}}})
