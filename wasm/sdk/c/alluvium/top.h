// The most frequent items of a window.
#ifndef ALLUVIUM_TOP_H
#define ALLUVIUM_TOP_H

#include "place.h"

// Counts the items of the records, and finds those with the most:
//
//     ALLUVIUM_WINDOWS(routes, .tumbling_ms = ALLUVIUM_HOURS(24), .key = {"origin"}, .time = "time_hour",
//                      .top = {.limit = 3, .item = {"dest"}})
//
// The value is the first of {"item":…,"count":…}, the most frequent one first, and of equally frequent ones the first
// in the order of their keys. It keeps all items of a window, because a rare one may become frequent: the length of
// each and its bytes, four bytes and so many, and its count in eight bytes, little-endian.
typedef struct {
    size_t limit;
    // The item of a record: columns, as those of a key, or a function that writes it.
    const char *item[ALLUVIUM_KEY_PARTS_MAX];
    int item_types[ALLUVIUM_KEY_PARTS_MAX];
    void (*item_of)(const void *row, alluvium_key *item);
} alluvium_top;

// What that means for a record.
typedef struct {
    size_t limit;
    alluvium_key_plan item;
} alluvium_top_plan;

// How often there was an item. The counts stand in the order of the numbers of their items.
typedef struct {
    alluvium_index items;
    uint64_t *counts;
    size_t capacity;
} alluvium_item_counts;

// An item and its count.
typedef struct {
    alluvium_bytes item;
    uint64_t count;
} alluvium_item_count;

static inline bool alluvium_plan_top(alluvium_top_plan *plan, const alluvium_top *top, alluvium_placer *placer,
                                     alluvium_context *context) {
    plan->limit = top->limit;
    if (top->limit == 0) return alluvium_misdeclared(context, "a .top has a .limit");
    return alluvium_plan_key(placer, &plan->item, "item", top->item, top->item_types, top->item_of, context);
}

// Adds to the count of an item, whose bytes must stay where they are.
static inline void alluvium_top_count(alluvium_item_counts *kept, alluvium_bytes item, uint64_t count,
                                      alluvium_arena *arena) {
    kept->items.arena = arena;
    size_t before = kept->items.count, number = alluvium_index_add(&kept->items, item);
    kept->counts = alluvium_grown(arena, kept->counts, before, &kept->capacity, sizeof *kept->counts);
    if (number == before) kept->counts[number] = 0;
    kept->counts[number] += count;
}

static inline void alluvium_top_add(const alluvium_top_plan *plan, void *kept, const void *row,
                                    alluvium_context *context) {
    alluvium_top_count(kept, alluvium_key_at(&plan->item, row, context), 1, context->arena);
}

static inline void alluvium_top_join(void *kept, const void *later, alluvium_arena *arena) {
    const alluvium_item_counts *more = later;
    for (size_t at = 0; at < more->items.count; at++) {
        alluvium_top_count(kept, more->items.keys[at], more->counts[at], arena);
    }
}

static inline int alluvium_compare_items(const void *a, const void *b) {
    return alluvium_compare(((const alluvium_item_count *)a)->item, ((const alluvium_item_count *)b)->item);
}

static inline int alluvium_compare_item_counts(const void *a, const void *b) {
    uint64_t one = ((const alluvium_item_count *)a)->count, other = ((const alluvium_item_count *)b)->count;
    return one == other ? alluvium_compare_items(a, b) : one < other ? 1 : -1;
}

// Returns the items with their counts, in an order.
static inline alluvium_item_count *alluvium_top_sorted(const alluvium_item_counts *kept,
                                                       int (*compare)(const void *, const void *),
                                                       alluvium_arena *arena) {
    alluvium_item_count *sorted = alluvium_take(arena, kept->items.count, sizeof *sorted);
    for (size_t at = 0; at < kept->items.count; at++) {
        sorted[at] = (alluvium_item_count){kept->items.keys[at], kept->counts[at]};
    }
    qsort(sorted, kept->items.count, sizeof *sorted, compare);
    return sorted;
}

static inline void alluvium_top_value(const alluvium_top_plan *plan, const void *kept, alluvium_json *json) {
    const alluvium_item_counts *counts = kept;
    const alluvium_item_count *sorted = alluvium_top_sorted(counts, alluvium_compare_item_counts, json->buffer.arena);
    alluvium_json_array(json);
    for (size_t at = 0; at < counts->items.count && at < plan->limit; at++) {
        alluvium_json_object(json);
        alluvium_json_member(json, "item");
        alluvium_key_json(json, plan->item.types, plan->item.count, sorted[at].item);
        alluvium_json_member(json, "count");
        alluvium_json_unsigned(json, sorted[at].count);
        alluvium_json_object_end(json);
    }
    alluvium_json_array_end(json);
}

static inline void alluvium_top_write(const void *kept, alluvium_buffer *bytes) {
    const alluvium_item_counts *counts = kept;
    const alluvium_item_count *sorted = alluvium_top_sorted(counts, alluvium_compare_items, bytes->arena);
    for (size_t at = 0; at < counts->items.count; at++) {
        // The engine refuses a value of so many bytes.
        size_t len = sorted[at].item.len;
        alluvium_add_little(bytes, len > UINT32_MAX ? UINT32_MAX : len, 4);
        alluvium_add_text(bytes, sorted[at].item);
        alluvium_add_little(bytes, sorted[at].count, 8);
    }
}

// Reads what is kept. Returns whether the bytes are that.
static inline bool alluvium_top_read(const alluvium_top_plan *plan, void *kept, alluvium_bytes bytes,
                                     alluvium_arena *arena) {
    while (bytes.len > 0) {
        alluvium_bytes len, item, count;
        if (!alluvium_split(&bytes, 4, &len)) return false;
        if (!alluvium_split(&bytes, (size_t)alluvium_little(len.at, 4), &item)) return false;
        if (!alluvium_split(&bytes, 8, &count)) return false;
        alluvium_json name = alluvium_json_in(arena);
        if (!alluvium_key_json(&name, plan->item.types, plan->item.count, item)) return false;
        alluvium_top_count(kept, item, alluvium_little(count.at, 8), arena);
    }
    return true;
}

#endif
