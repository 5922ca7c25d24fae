// Operators that are ready, over flights, for tests of their keys and errors.
#ifndef ALLUVIUM_TESTS_TRIPS_H
#define ALLUVIUM_TESTS_TRIPS_H

#include "check.h"

typedef struct {
    alluvium_optional_text name;
    alluvium_text carrier;
    int64_t flight;
    alluvium_time at;
} trip;
static const alluvium_row TRIP = ALLUVIUM_ROW(trip, ALLUVIUM_COLUMN(trip, name), ALLUVIUM_COLUMN(trip, carrier),
                                              ALLUVIUM_COLUMN(trip, flight), ALLUVIUM_COLUMN(trip, at));

// The last digit of a flight, and its carrier.
static inline void key_of_trip(const void *row, alluvium_key *key) {
    alluvium_key_unsigned(key, (uint64_t)((const trip *)row)->flight % 10);
    alluvium_key_text(key, ((const trip *)row)->carrier);
}

// A flight of a number below 0 has no time.
static inline alluvium_optional_time time_of_trip(const void *row) {
    const trip *trip = row;
    return (alluvium_optional_time){trip->flight >= 0, trip->at};
}

ALLUVIUM_DEDUPLICATE(named, .key = {"carrier", "flight"}, .key_types = {ALLUVIUM_TEXT, ALLUVIUM_INTEGER}, .time = "at")
ALLUVIUM_DEDUPLICATE(own, .row = &TRIP, .key_of = key_of_trip, .key_types = {ALLUVIUM_UNSIGNED, ALLUVIUM_TEXT},
                     .time_of = time_of_trip, .within_ms = 10)
ALLUVIUM_INTERVAL_JOIN(joined, .left = {.row = &TRIP, .key = {"carrier"}},
                       .right = {.row = &TRIP, .key = {"airline"}, .time_of = time_of_trip}, .before_ms = 10,
                       .after_ms = 10)
ALLUVIUM_WINDOWS(most, .tumbling_ms = 10, .row = &TRIP, .key = {"carrier"},
                 .top = {.limit = 3, .item_of = key_of_trip, .item_types = {ALLUVIUM_UNSIGNED, ALLUVIUM_TEXT}})

typedef struct {
    alluvium_text code;
    alluvium_optional_text name;
} airline;
static const alluvium_row AIRLINE =
    ALLUVIUM_ROW(airline, ALLUVIUM_COLUMN(airline, code), ALLUVIUM_COLUMN(airline, name));

// Flights below 9 are looked up by their carrier, and others by nothing.
static inline void lookup_of_trip(const void *record, alluvium_key *key) {
    const trip *trip = record;
    alluvium_key_text(key, trip->flight < 9 ? trip->carrier : ALLUVIUM_LITERAL(""));
}

static inline void emit_name(const void *record, const void *const *found, alluvium_json *line) {
    const airline *airline = found[0];
    alluvium_json_array(line);
    alluvium_json_integer(line, ((const trip *)record)->flight);
    if (airline && airline->name.is_some) alluvium_json_text(line, airline->name.value);
    else alluvium_json_null(line);
    alluvium_json_array_end(line);
}
ALLUVIUM_TABLE_JOIN(named_trips, .input = "trips", .row = &TRIP, .key = {"carrier"}, .time_of = time_of_trip,
                    .tables = {{.input = "airlines", .row = &AIRLINE, .key = {"code"}, .lookup_of = lookup_of_trip}},
                    .emit = emit_name)

#define TRIPS "name,carrier,flight,at\n"

#endif
