// What a declaration of a table join means, and the records that wait, as one value of the state.
#ifndef ALLUVIUM_JOINS_TABLE_PLAN_H
#define ALLUVIUM_JOINS_TABLE_PLAN_H

#include "table_declare.h"

// What is done with a table.
typedef struct {
    alluvium_placer placer;
    alluvium_map rows;
    // The key of a record of the stream in this table.
    alluvium_key_plan lookup;
} alluvium_table_reader;

// The instance of a table join.
typedef struct {
    bool is_planned;
    alluvium_placer placer;
    alluvium_table_reader tables[ALLUVIUM_TABLES_MAX];
    size_t table_count;
    int64_t wait_ms;
} alluvium_table_instance;

// A record that waits until a time.
typedef struct {
    int64_t until_ms;
    const void *row;
} alluvium_waiting;

// The records of a key that wait, in the order in which they came.
typedef struct {
    bool is_read;
    alluvium_waiting *at;
    size_t count, capacity;
} alluvium_waitings;

static inline bool alluvium_plan_table(alluvium_table_instance *self, const alluvium_join_table *declared,
                                       alluvium_context *context) {
    alluvium_table_reader *table = &self->tables[self->table_count++];
    alluvium_plan_row(&table->placer, declared->row);
    table->rows = (alluvium_map){.name = declared->input, .value = &table->placer.row};
    if (!alluvium_plan_key(&table->placer, &table->placer.key, "key", declared->key, declared->key_types,
                           declared->key_of, context)) {
        return false;
    }
    // A lookup has the types of the keys that it finds.
    const alluvium_key_plan *key = &table->placer.key;
    size_t names = 0;
    while (names < ALLUVIUM_KEY_PARTS_MAX && declared->lookup[names]) names++;
    if (names > 0 && names != key->count) return alluvium_misdeclared(context, "a .lookup has the parts of the .key");
    return alluvium_plan_key(&self->placer, &table->lookup, "lookup", declared->lookup, key->types, declared->lookup_of,
                             context) &&
           alluvium_plan_kept_rows(&table->placer, context);
}

// Plans what the join does, once for each instance.
static inline bool alluvium_table_plan(alluvium_table_instance *self, alluvium_context *context) {
    if (self->is_planned) return true;
    const alluvium_table_join *declared = context->plugin->declared;
    self->wait_ms = declared->wait_ms;
    if (self->wait_ms < 0) return alluvium_misdeclared(context, "a length is less than 0");
    if (!declared->input || !declared->tables[0].input) {
        return alluvium_misdeclared(context, "there is an .input of the stream, and of one to three .tables");
    }
    if (!declared->emit) return alluvium_misdeclared(context, "there is no .emit");
    if (!alluvium_plan_placing(&self->placer, &declared->placing, context)) return false;
    for (size_t at = 0; at < ALLUVIUM_TABLES_MAX && declared->tables[at].input; at++) {
        if (!alluvium_plan_table(self, &declared->tables[at], context)) return false;
    }
    self->is_planned = alluvium_plan_kept_rows(&self->placer, context);
    return self->is_planned;
}

// Adds a record to those that wait.
static inline void alluvium_waitings_add(alluvium_waitings *all, alluvium_waiting waiting, alluvium_arena *arena) {
    all->at = alluvium_grown(arena, all->at, all->count, &all->capacity, sizeof *all->at);
    all->at[all->count++] = waiting;
}

// Reads [[until, row],…], unless this call has read it.
static inline bool alluvium_waitings_read(const alluvium_table_instance *self, alluvium_waitings *all,
                                          alluvium_bytes key, alluvium_context *context) {
    alluvium_optional_bytes found;
    if (all->is_read) return true;
    if (!alluvium_get(context, ALLUVIUM_TABLE_WAITING, key, &found)) return false;
    all->is_read = true;
    if (!found.is_some) return true;
    alluvium_json_reader reader = alluvium_json_reader_of(context->arena, found.value);
    alluvium_json_enter(&reader, '[');
    while (alluvium_json_next_element(&reader)) {
        void *row = alluvium_new(context->arena, 1, self->placer.row.bytes);
        alluvium_waiting waiting = {.row = row};
        alluvium_json_enter(&reader, '[');
        if (!alluvium_json_next_element(&reader)) alluvium_json_refuse(&reader, "too few elements");
        waiting.until_ms = alluvium_json_read_integer(&reader);
        if (!alluvium_json_next_element(&reader)) alluvium_json_refuse(&reader, "too few elements");
        alluvium_json_read_row(&reader, &self->placer.row, row);
        if (alluvium_json_next_element(&reader)) alluvium_json_refuse(&reader, "too many elements");
        alluvium_waitings_add(all, waiting, context->arena);
    }
    return alluvium_json_end(&reader) ||
           alluvium_fail(context, ALLUVIUM_TABLE_WAITING ": a value of another type: %s", reader.wrong);
}

// Writes the records of keys that wait, of those that were read. A key without records goes away.
static inline bool alluvium_waitings_write(const alluvium_table_instance *self, const alluvium_waitings *all,
                                           const alluvium_bytes *keys, size_t count, alluvium_context *context) {
    for (size_t key = 0; key < count; key++) {
        alluvium_json json = alluvium_json_in(context->arena);
        alluvium_json_array(&json);
        for (size_t at = 0; at < all[key].count; at++) {
            alluvium_json_array(&json);
            alluvium_json_integer(&json, all[key].at[at].until_ms);
            alluvium_json_row(&json, &self->placer.row, all[key].at[at].row);
            alluvium_json_array_end(&json);
        }
        alluvium_json_array_end(&json);
        alluvium_optional_bytes value = {all[key].count > 0, alluvium_json_bytes(&json)};
        if (!alluvium_put(context, ALLUVIUM_TABLE_WAITING, keys[key], value)) return false;
    }
    return true;
}

#endif
