// Reads flight records: it finds the columns that matter, and converts the fields of a batch to flights.
//
// It accepts and refuses the same input with the same messages as wasm/plugins/flights in Rust.
#ifndef FLIGHTS_H
#define FLIGHTS_H

#include "bindings/plugin.h"
#include "text.h"

enum { CARRIER, ORIGIN, DEST, DEP_TIME, ARR_DELAY, COLUMNS };

// The positions of the needed columns in a record.
typedef struct {
    size_t width;
    size_t positions[COLUMNS];
} Columns;

// The number in `blamed` when no single record is to blame for an error.
#define NO_RECORD UINT32_MAX

// One flight, read from a record. Its names point into the batch.
typedef struct {
    Slice carrier, origin, dest;
    bool is_cancelled, has_delay;
    int64_t delay_minutes;
} Flight;

// Finds the needed columns. Returns false on an error in the header, which `wrong` describes.
bool columns_find(Columns *columns, const plugin_list_string_t *header, Text *wrong);

// Reads all records of the batch into `flights`, which has room for `count`. Returns false on an error, which
// `wrong` describes; `blamed` is then the record that is to blame.
bool flights_read(const Columns *columns, const exports_alluvium_checkpoint_operator_column_batch_t *batch,
                  Flight *flights, uint32_t *blamed, Text *wrong);

#endif
