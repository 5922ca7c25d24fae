// Adding flights up: one route for each key of the state, and its value as JSON.
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

// Adds `more` to `route`. False: a sum is too large, and `wrong` says so.
bool route_plus(Route *route, const Route *more, Slice key, Text *wrong);

// Digit for digit what the plugin of the same name in Rust writes.
void route_write(const Route *route, Text *json);

// False: `wrong` says that the value is not from this plugin.
bool route_read(Route *route, Slice key, Slice value, Text *wrong);

#endif
