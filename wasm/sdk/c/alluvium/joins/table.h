// The table join as an operator.
#ifndef ALLUVIUM_JOINS_TABLE_H
#define ALLUVIUM_JOINS_TABLE_H

#include "table_plan.h"

static inline bool alluvium_table_open(void *self, alluvium_context *context) {
    return alluvium_table_plan(self, context);
}

// Returns the placer of an input: of the stream, or of a table.
static inline alluvium_placer *alluvium_table_placer(alluvium_table_instance *self, uint32_t input) {
    return input == 0 ? &self->placer : &self->tables[input - 1].placer;
}

static inline bool alluvium_table_begin(void *instance, uint32_t input, const alluvium_header *header,
                                        alluvium_context *context) {
    alluvium_table_instance *self = instance;
    return alluvium_table_plan(self, context) &&
           alluvium_placer_begin(alluvium_table_placer(self, input), header, context);
}

// Takes rows of a table.
static inline bool alluvium_table_take(const alluvium_table_reader *table, const alluvium_batch *batch,
                                       alluvium_context *context) {
    const alluvium_placer *placer = &table->placer;
    const char *rows = alluvium_rows_read(&placer->rows, batch, context);
    for (uint32_t record = 0; rows && record < batch->count; record++) {
        const void *row = rows + record * placer->row.bytes;
        alluvium_bytes key = alluvium_key_at(&placer->key, row, context);
        if (!alluvium_map_set(&table->rows, key, row, context)) return false;
    }
    return rows;
}

static inline bool alluvium_table_process(void *instance, uint32_t input, const alluvium_batch *batch,
                                          alluvium_context *context) {
    const alluvium_table_instance *self = instance;
    if (input > 0) return alluvium_table_take(&self->tables[input - 1], batch, context);
    alluvium_places places;
    if (!alluvium_place_records(&self->placer, batch, &places, context)) return false;
    const alluvium_index *keys = &places.keys;
    if (!alluvium_prefetch(context, ALLUVIUM_TABLE_WAITING, keys->keys, keys->count)) return false;
    alluvium_waitings *all = alluvium_new(context->arena, keys->count, sizeof *all);
    for (uint32_t record = 0; record < places.count; record++) {
        const alluvium_place *place = &places.at[record];
        alluvium_time until = {alluvium_saturating_add(place->time.ms, self->wait_ms)};
        alluvium_waiting waiting = {until.ms, place->row};
        if (!alluvium_waitings_read(self, &all[place->number], place->key, context)) return false;
        alluvium_waitings_add(&all[place->number], waiting, context->arena);
        if (!alluvium_set_timer(context, ALLUVIUM_TABLE_DUE, until, place->key)) return false;
    }
    return alluvium_waitings_write(self, all, keys->keys, keys->count, context);
}

static inline bool alluvium_table_route(void *instance, uint32_t input, const alluvium_batch *batch,
                                        alluvium_bytes *keys, alluvium_context *context) {
    alluvium_table_instance *self = instance;
    if (input > 0) return alluvium_place_route(alluvium_table_placer(self, input), batch, keys, context);
    const char *rows = alluvium_rows_read(&self->placer.rows, batch, context);
    for (uint32_t record = 0; rows && record < batch->count; record++) {
        const void *row = rows + record * self->placer.row.bytes;
        keys[record] = alluvium_key_at(&self->placer.key, row, context);
        for (size_t at = 0; at < self->table_count; at++) {
            const alluvium_table_reader *table = &self->tables[at];
            if (alluvium_equal(alluvium_key_at(&table->lookup, row, context), keys[record])) continue;
            return alluvium_fail(context,
                                 "it is looked up in %s by another key than its own, so the work cannot be divided",
                                 table->rows.name) ||
                   alluvium_blame(context, record);
        }
    }
    return rows;
}

// Takes away the records of keys whose wait has ended, and adds them to those that are due.
static inline bool alluvium_table_end_waits(const alluvium_table_instance *self, int64_t at_ms,
                                            const alluvium_bytes *keys, size_t count, alluvium_waitings *due,
                                            alluvium_context *context) {
    if (!alluvium_prefetch(context, ALLUVIUM_TABLE_WAITING, keys, count)) return false;
    alluvium_waitings *all = alluvium_new(context->arena, count, sizeof *all);
    for (size_t key = 0; key < count; key++) {
        if (!alluvium_waitings_read(self, &all[key], keys[key], context)) return false;
        size_t left = 0;
        for (size_t at = 0; at < all[key].count; at++) {
            alluvium_waiting waiting = all[key].at[at];
            if (waiting.until_ms > at_ms) all[key].at[left++] = waiting;
            else alluvium_waitings_add(due, waiting, context->arena);
        }
        all[key].count = left;
    }
    return alluvium_waitings_write(self, all, keys, count, context);
}

// Finds the rows of a table that belong to records, with one read. `found` has a place for each of all tables.
static inline bool alluvium_table_find(const alluvium_table_instance *self, size_t number, const alluvium_waitings *due,
                                       const void **found, alluvium_context *context) {
    const alluvium_table_reader *table = &self->tables[number];
    alluvium_bytes *keys = alluvium_take(context->arena, due->count, sizeof *keys);
    for (size_t at = 0; at < due->count; at++) keys[at] = alluvium_key_at(&table->lookup, due->at[at].row, context);
    if (!alluvium_map_prefetch(&table->rows, keys, due->count, context)) return false;
    for (size_t at = 0; at < due->count; at++) {
        bool is_some;
        void *row = alluvium_take(context->arena, 1, table->placer.row.bytes);
        if (!alluvium_map_get(&table->rows, keys[at], row, &is_some, context)) return false;
        found[at * ALLUVIUM_TABLES_MAX + number] = is_some ? row : NULL;
    }
    return true;
}

static inline bool alluvium_table_on_timers(void *instance, const char *name, alluvium_time at,
                                            const alluvium_bytes *keys, size_t count, alluvium_context *context) {
    (void)name;
    alluvium_table_instance *self = instance;
    alluvium_waitings due = {0};
    if (!alluvium_table_plan(self, context)) return false;
    if (!alluvium_check_timers(&self->placer, keys, count, context)) return false;
    if (!alluvium_table_end_waits(self, at.ms, keys, count, &due, context)) return false;
    const void **found = alluvium_new(context->arena, due.count, ALLUVIUM_TABLES_MAX * sizeof *found);
    for (size_t number = 0; number < self->table_count; number++) {
        if (!alluvium_table_find(self, number, &due, found, context)) return false;
    }
    const alluvium_table_join *declared = context->plugin->declared;
    for (size_t record = 0; record < due.count; record++) {
        alluvium_json line = alluvium_json_in(context->arena);
        declared->emit(due.at[record].row, found + record * ALLUVIUM_TABLES_MAX, &line);
        if (!alluvium_emit_json(context, 0, &line)) return false;
    }
    return true;
}

#endif
