// What windows compute of their records.
#ifndef ALLUVIUM_AGGREGATE_H
#define ALLUVIUM_AGGREGATE_H

#include "top.h"

// An aggregate of your own: a value that takes records one by one. It is kept in the state meanwhile.
//
// Most are a row, which is kept as JSON and is also the value that a window emits:
//
//     static const alluvium_aggregate TRIP = {.kept = &TRIP_ROW, .add = add, .join = join};
//
// Its bytes must be the same for the same records in the same order.
typedef struct {
    // What it keeps. It begins as zeroes.
    const alluvium_row *kept;
    // Takes a record.
    void (*add)(void *kept, const void *row, alluvium_context *context);
    // Joins two, of which the first has the earlier records.
    void (*join)(void *kept, const void *later, alluvium_context *context);
    // Writes the value that a window emits, if that is not what is kept.
    void (*value)(const void *kept, alluvium_json *json);
    // What it keeps, if it is no row: its size, and how it is written and read. `read` returns whether the bytes are
    // that. Memory that it needs comes from the arena of the context.
    size_t kept_bytes;
    void (*write)(const void *kept, alluvium_buffer *bytes);
    bool (*read)(void *kept, alluvium_bytes bytes, alluvium_context *context);
} alluvium_aggregate;

// The aggregates that are ready.
typedef enum {
    ALLUVIUM_OWN_AGGREGATE,
    ALLUVIUM_COUNT,
    ALLUVIUM_SUM,
    ALLUVIUM_MEAN,
    ALLUVIUM_LEAST,
    ALLUVIUM_GREATEST,
    ALLUVIUM_TOP,
} alluvium_aggregate_kind;

// A count, and a number that was computed of so many.
typedef struct {
    uint64_t count;
    double number;
} alluvium_counted;

// What computes: one that is ready, or one of your own.
typedef struct {
    alluvium_aggregate_kind kind;
    const alluvium_aggregate *own;
    // Of the most frequent items.
    const alluvium_top_plan *top;
} alluvium_computing;

static inline size_t alluvium_kept_bytes(alluvium_computing by) {
    if (by.kind == ALLUVIUM_TOP) return sizeof(alluvium_item_counts);
    if (by.kind != ALLUVIUM_OWN_AGGREGATE) return sizeof(alluvium_counted);
    return by.own->kept ? by.own->kept->bytes : by.own->kept_bytes;
}

// Takes a number that was computed of so many. Of equal ones, the first is the least and the greatest.
static inline void alluvium_counted_take(alluvium_aggregate_kind kind, alluvium_counted *kept, alluvium_counted more) {
    if (more.count == 0) return;
    double number = more.number;
    if (kept->count > 0) {
        if (kind == ALLUVIUM_SUM || kind == ALLUVIUM_MEAN) number = kept->number + more.number;
        if (kind == ALLUVIUM_LEAST && !(more.number < kept->number)) number = kept->number;
        if (kind == ALLUVIUM_GREATEST && !(more.number > kept->number)) number = kept->number;
    }
    // Machines differ in the bits of what is no number, and those bits are a part of the state.
    const uint64_t no_number = UINT64_C(0x7ff8000000000000);
    if (isnan(number)) memcpy(&number, &no_number, sizeof number);
    kept->number = number;
    kept->count += more.count;
}

// Takes a record. `number` is that of the record, for an aggregate that needs it.
static inline void alluvium_kept_add(alluvium_computing by, void *kept, const void *row,
                                     alluvium_optional_number number, alluvium_context *context) {
    if (by.kind == ALLUVIUM_OWN_AGGREGATE) by.own->add(kept, row, context);
    else if (by.kind == ALLUVIUM_TOP) alluvium_top_add(by.top, kept, row, context);
    else if (by.kind == ALLUVIUM_COUNT) ((alluvium_counted *)kept)->count += 1;
    else if (number.is_some) alluvium_counted_take(by.kind, kept, (alluvium_counted){1, number.value});
}

// Joins two, of which the first has the earlier records.
static inline void alluvium_kept_join(alluvium_computing by, void *kept, const void *later, alluvium_context *context) {
    if (by.kind == ALLUVIUM_OWN_AGGREGATE) by.own->join(kept, later, context);
    else if (by.kind == ALLUVIUM_TOP) alluvium_top_join(kept, later, context->arena);
    else alluvium_counted_take(by.kind, kept, *(const alluvium_counted *)later);
}

// Writes the value that a window emits.
static inline void alluvium_kept_value(alluvium_computing by, const void *kept, alluvium_json *json) {
    const alluvium_counted *counted = kept;
    if (by.kind == ALLUVIUM_OWN_AGGREGATE && by.own->value) by.own->value(kept, json);
    else if (by.kind == ALLUVIUM_OWN_AGGREGATE) alluvium_json_row(json, by.own->kept, kept);
    else if (by.kind == ALLUVIUM_TOP) alluvium_top_value(by.top, kept, json);
    else if (by.kind == ALLUVIUM_COUNT) alluvium_json_unsigned(json, counted->count);
    else if (counted->count == 0) alluvium_json_null(json);
    else if (by.kind == ALLUVIUM_MEAN) alluvium_json_number(json, counted->number / (double)counted->count);
    else alluvium_json_number(json, counted->number);
}

// Writes what is kept: a count of eight bytes, and for numbers eight more, little-endian.
static inline void alluvium_kept_write(alluvium_computing by, const void *kept, alluvium_buffer *bytes) {
    const alluvium_counted *counted = kept;
    if (by.kind == ALLUVIUM_OWN_AGGREGATE) {
        if (by.own->write) by.own->write(kept, bytes);
        else alluvium_add_text(bytes, alluvium_row_bytes(bytes->arena, by.own->kept, kept));
        return;
    }
    if (by.kind == ALLUVIUM_TOP) {
        alluvium_top_write(kept, bytes);
        return;
    }
    alluvium_add_little(bytes, counted->count, 8);
    if (by.kind == ALLUVIUM_COUNT) return;
    uint64_t bits;
    memcpy(&bits, &counted->number, sizeof bits);
    alluvium_add_little(bytes, bits, 8);
}

// Reads what is kept. Returns whether the bytes are that.
static inline bool alluvium_kept_read(alluvium_computing by, void *kept, alluvium_bytes bytes,
                                      alluvium_context *context) {
    const char *wrong;
    alluvium_counted *counted = kept;
    if (by.kind == ALLUVIUM_OWN_AGGREGATE) {
        if (by.own->read) return by.own->read(kept, bytes, context);
        return alluvium_read_row(context->arena, by.own->kept, bytes, kept, &wrong);
    }
    if (by.kind == ALLUVIUM_TOP) return alluvium_top_read(by.top, kept, bytes, context->arena);
    bool has_number = by.kind != ALLUVIUM_COUNT;
    if (bytes.len != (has_number ? 16 : 8)) return false;
    counted->count = alluvium_little(bytes.at, 8);
    uint64_t bits = has_number ? alluvium_little(bytes.at + 8, 8) : 0;
    memcpy(&counted->number, &bits, sizeof bits);
    return true;
}

#endif
