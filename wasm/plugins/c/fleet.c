// The plugin `fleet`. It emits each flight with the manufacturer and the seats of its aircraft.
//
// A flight waits until the watermark has reached its hour. Flights and planes have the same keys, so the work can be
// divided among workers.
#include <alluvium_plugin.h>

typedef struct {
    alluvium_text carrier;
    int64_t flight;
    alluvium_text tailnum;
    alluvium_time time_hour;
} flight;
static const alluvium_row FLIGHT =
    ALLUVIUM_ROW(flight, ALLUVIUM_COLUMN(flight, carrier), ALLUVIUM_COLUMN(flight, flight),
                 ALLUVIUM_COLUMN(flight, tailnum), ALLUVIUM_COLUMN(flight, time_hour));

typedef struct {
    alluvium_text tailnum, manufacturer;
    alluvium_optional_integer seats;
} plane;
static const alluvium_row PLANE = ALLUVIUM_ROW(plane, ALLUVIUM_COLUMN(plane, tailnum),
                                               ALLUVIUM_COLUMN(plane, manufacturer), ALLUVIUM_COLUMN(plane, seats));

// A line of the output.
typedef struct {
    flight flight;
    alluvium_optional_text manufacturer;
    alluvium_optional_integer seats;
} flown;
static const alluvium_row FLOWN = ALLUVIUM_ROW(
    flown, ALLUVIUM_COLUMN_AS(flown, flight.carrier, "carrier"), ALLUVIUM_COLUMN_AS(flown, flight.flight, "flight"),
    ALLUVIUM_COLUMN_AS(flown, flight.time_hour, "hour"), ALLUVIUM_COLUMN_AS(flown, flight.tailnum, "tailnum"),
    ALLUVIUM_COLUMN(flown, manufacturer), ALLUVIUM_COLUMN(flown, seats));

static void emit_flown(const void *record, const void *const *found, alluvium_json *line) {
    const plane *plane = found[0];
    flown flown = {.flight = *(const flight *)record};
    if (plane) flown.manufacturer = (alluvium_optional_text){true, plane->manufacturer};
    if (plane) flown.seats = plane->seats;
    alluvium_json_row(line, &FLOWN, &flown);
}

ALLUVIUM_TABLE_JOIN(fleet, .input = "flights", .row = &FLIGHT, .key = {"tailnum"},
                    .tables = {{.input = "planes", .row = &PLANE, .key = {"tailnum"}, .lookup = {"tailnum"}}},
                    .emit = emit_flown)
