// The join of a stream with tables.
#ifndef ALLUVIUM_JOINS_TABLE_DECLARE_H
#define ALLUVIUM_JOINS_TABLE_DECLARE_H

#include "../place.h"

// A stream is joined with so many tables at most.
enum { ALLUVIUM_TABLES_MAX = 3 };

// A table: the last row of each key of an input.
typedef struct {
    // The name of the input, and of the namespace of its rows.
    const char *input;
    // The row of the table, and the key of each, as of alluvium_placing.
    const alluvium_row *row;
    const char *key[ALLUVIUM_KEY_PARTS_MAX];
    int key_types[ALLUVIUM_KEY_PARTS_MAX];
    void (*key_of)(const void *row, alluvium_key *key);
    // The key of the row that belongs to a record of the stream: columns of the record, or a function that writes it.
    const char *lookup[ALLUVIUM_KEY_PARTS_MAX];
    void (*lookup_of)(const void *record, alluvium_key *key);
} alluvium_join_table;

// An operator that joins each record of a stream with the rows of tables that belong to it:
//
//     ALLUVIUM_TABLE_JOIN(fleet, .input = "flights", .row = &FLIGHT, .key = {"tailnum"},
//                         .tables = {{.input = "planes", .row = &PLANE, .key = {"tailnum"}, .lookup = {"tailnum"}}},
//                         .emit = emit_flown)
//
// Its inputs are the stream and the tables, in this order. A record waits in the state until the watermark has reached
// its time and the time of `wait_ms`. Then what has come of the tables by then is looked up, and a line of the output
// `joined` is emitted. So the order of the inputs among each other does not matter, and the lines come in the order of
// the records' times and keys. A record that comes later waits for the next move of the watermark.
//
// For each key it keeps the records that wait, as JSON, with a timer for when their wait ends, and of each table the
// last row of each key. The work can be divided among workers if records are looked up in all tables by the bytes of
// their own key. A record that is looked up by others is refused by `route`.
typedef struct {
    // The name of the input of the stream.
    const char *input;
    // The row, the key and the time of its records: see alluvium_placing.
    ALLUVIUM_PLACED_BY

    alluvium_join_table tables[ALLUVIUM_TABLES_MAX];
    // How much longer a record waits for what belongs to it.
    int64_t wait_ms;
    // Writes the line of a record, with the row of each table that was found for it, or null.
    void (*emit)(const void *record, const void *const *found, alluvium_json *line);
} alluvium_table_join;

// The namespace of the records that wait, and that of when their wait ends.
#define ALLUVIUM_TABLE_WAITING "waiting"
#define ALLUVIUM_TABLE_DUE "due"

// Declares a table join as an operator, by the members of alluvium_table_join. The first argument is the name of the
// operator.
#define ALLUVIUM_TABLE_JOIN(called, ...)                                                                               \
    static const alluvium_table_join called##_alluvium_table_join = {__VA_ARGS__};                                     \
    ALLUVIUM_OPERATOR(called, .describe = ALLUVIUM_TABLE_JOIN_DESCRIBED(called##_alluvium_table_join),                 \
                      .declared_as = "table join", .declared = &called##_alluvium_table_join,                          \
                      .instance_bytes = sizeof(alluvium_table_instance), .open = alluvium_table_open,                  \
                      .begin = alluvium_table_begin, .process = alluvium_table_process, .route = alluvium_table_route, \
                      .on_timers = alluvium_table_on_timers)

#define ALLUVIUM_TABLE_JOIN_DESCRIBED(declared)                                                                        \
    {                                                                                                                  \
        .inputs = {{.name_at = &declared.input},                                                                       \
                   {.name_at = &declared.tables[0].input},                                                             \
                   {.name_at = &declared.tables[1].input},                                                             \
                   {.name_at = &declared.tables[2].input}},                                                            \
        .outputs = {{.name = "joined"}},                                                                               \
        .namespaces = {{.name = ALLUVIUM_TABLE_WAITING},                                                               \
                       {.name = ALLUVIUM_TABLE_DUE, .kind = ALLUVIUM_EVENT_TIMERS},                                    \
                       {.name_at = &declared.tables[0].input},                                                         \
                       {.name_at = &declared.tables[1].input},                                                         \
                       {.name_at = &declared.tables[2].input}},                                                        \
    }

#endif
