// Records at their places: read from a batch with their keys and times.
#ifndef ALLUVIUM_PLACE_H
#define ALLUVIUM_PLACE_H

#include "placing.h"

// A record with its key and its time.
typedef struct {
    const void *row;
    alluvium_bytes key;
    alluvium_time time;
    // The number of the key among those of the batch.
    size_t number;
} alluvium_place;

// The records of a batch, and their keys, in the order in which the batch has them.
typedef struct {
    alluvium_place *at;
    uint32_t count;
    alluvium_index keys;
} alluvium_places;

static inline alluvium_bytes alluvium_key_at(const alluvium_key_plan *plan, const void *row,
                                             alluvium_context *context) {
    alluvium_key key = alluvium_key_in(context->arena);
    if (plan->of) plan->of(row, &key);
    for (size_t part = 0; !plan->of && part < plan->count; part++) {
        alluvium_key_part(&key, plan->types[part], (const char *)row + plan->columns[part]->offset);
    }
    return alluvium_key_bytes(&key);
}

static inline alluvium_optional_time alluvium_time_at(const alluvium_placer *placer, const void *row) {
    if (placer->time_of) return placer->time_of(row);
    bool *is_some;
    const alluvium_time *time = alluvium_value_of(placer->time, row, &is_some);
    return (alluvium_optional_time){!is_some || *is_some, *time};
}

static inline bool alluvium_placer_begin(alluvium_placer *placer, const alluvium_header *header,
                                         alluvium_context *context) {
    return alluvium_rows_begin(&placer->rows, &placer->row, header, context);
}

// Reads the records of a batch with their places. Returns false if the call has failed.
static inline bool alluvium_place_records(const alluvium_placer *placer, const alluvium_batch *batch,
                                          alluvium_places *places, alluvium_context *context) {
    const char *rows = alluvium_rows_read(&placer->rows, batch, context);
    if (!rows) return false;
    *places = (alluvium_places){.at = alluvium_take(context->arena, batch->count, sizeof *places->at),
                                .count = batch->count,
                                .keys = {.arena = context->arena}};
    for (uint32_t record = 0; record < batch->count; record++) {
        alluvium_place *place = &places->at[record];
        place->row = rows + record * placer->row.bytes;
        place->key = alluvium_key_at(&placer->key, place->row, context);
        alluvium_optional_time time = alluvium_time_at(placer, place->row);
        if (!time.is_some) return alluvium_fail(context, "it has no time") || alluvium_blame(context, record);
        place->time = time.value;
        place->number = alluvium_index_add(&places->keys, place->key);
    }
    return true;
}

// Sets the key of each record of a batch, as `route` does.
static inline bool alluvium_place_route(const alluvium_placer *placer, const alluvium_batch *batch,
                                        alluvium_bytes *keys, alluvium_context *context) {
    const char *rows = alluvium_rows_read(&placer->rows, batch, context);
    for (uint32_t record = 0; rows && record < batch->count; record++) {
        keys[record] = alluvium_key_at(&placer->key, rows + record * placer->row.bytes, context);
    }
    return rows;
}

// Emits the line that says of a record where it belongs, if that is all that is said of it.
static inline bool alluvium_emit_place(const alluvium_placer *placer, uint32_t output, alluvium_bytes key,
                                       alluvium_time time, alluvium_context *context) {
    alluvium_json json = alluvium_json_in(context->arena);
    alluvium_json_object(&json);
    alluvium_json_member(&json, "key");
    alluvium_key_json(&json, placer->key.types, placer->key.count, key);
    alluvium_json_member(&json, "time");
    alluvium_json_time(&json, time);
    alluvium_json_object_end(&json);
    return alluvium_emit_json(context, output, &json);
}

// Checks that the keys of timers are keys.
static inline bool alluvium_check_timers(const alluvium_placer *placer, const alluvium_bytes *keys, size_t count,
                                         alluvium_context *context) {
    for (size_t at = 0; at < count; at++) {
        alluvium_json name = alluvium_json_in(context->arena);
        if (!alluvium_key_json(&name, placer->key.types, placer->key.count, keys[at])) {
            return alluvium_fail(context, "a timer for a key that is none");
        }
    }
    return true;
}

#endif
