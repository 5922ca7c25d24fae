// Reading records of flights: which columns matter, and the flights that the fields of a batch tell of.
//
// It accepts and refuses the same input, in the same words, as wasm/plugins/flights does in Rust.
#ifndef FLIGHTS_H
#define FLIGHTS_H

#include "bindings/plugin.h"
#include "text.h"

enum { CARRIER, ORIGIN, DEST, DEP_TIME, ARR_DELAY, COLUMNS };

// Where the columns that matter stand in a record.
typedef struct {
    size_t width;
    size_t positions[COLUMNS];
} Columns;

// What one record says. The names are still where the batch has them.
typedef struct {
    Slice carrier, origin, dest;
    bool is_cancelled, has_delay;
    int64_t delay_minutes;
} Flight;

// False: `wrong` says what is wrong with the header.
bool columns_find(Columns *columns, const plugin_list_string_t *header, Text *wrong);

// Reads all records of the batch into `flights`, which has room for `count`. False: `wrong` says why not.
bool flights_read(const Columns *columns, const exports_alluvium_checkpoint_operator_records_t *batch, Flight *flights,
                  Text *wrong);

#endif
