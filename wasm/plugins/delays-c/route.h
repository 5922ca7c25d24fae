// Adds flights up, with one route for each key of the state, and reads and writes its value as JSON.
#ifndef ROUTE_H
#define ROUTE_H

#include "flights.h"

// The value of one key.
typedef struct {
    uint64_t flights, cancelled;
    int64_t delay, worst;
    bool has_worst;
} Route;

Route route_of(const Flight *flight);

// Adds `more` to `route`. Returns false if a sum is too large; `wrong` then says so.
bool route_plus(Route *route, const Route *more, Slice key, Text *wrong);

// Writes the same JSON as the plugin of the same name in Rust, byte for byte.
void route_write(const Route *route, Text *json);

// Reads a value. Returns false if the value is not from this plugin; `wrong` then says so.
bool route_read(Route *route, Slice key, Slice value, Text *wrong);

#endif
