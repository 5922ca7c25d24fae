// Typed state of operators: maps in the order of their keys.
#ifndef ALLUVIUM_ORDERED_H
#define ALLUVIUM_ORDERED_H

#include "row_key.h"

// Values by an owner and a key, in the order of the keys, in a namespace of its own. The owner, the key and the value
// are members of one struct. The value is kept as JSON.
//
//     static const alluvium_ordered DEPARTURES = {.name = "departures",
//                                                 .owner = ALLUVIUM_CODE_COLUMN(departure, origin, 3),
//                                                 .key = &BY_TIME,
//                                                 .value = &FLIGHT};
//
// The entries of an owner stay together when the state is divided, so `route` returns the bytes of the owner. It is a
// code or a whole number, so that all owners have as many bytes. Ranges of an owner cost what they find, however large
// the state is. A range is read from the host, so what waits in the cache is written before.
typedef struct alluvium_ordered {
    const char *name;
    alluvium_column owner;
    // The parts of the key, and the value.
    const alluvium_row *key, *value;
    // When an entry goes away by itself, after it was set.
    alluvium_expiry expires;
} alluvium_ordered;

// A range of keys: rows of which only the members of the key are read, or null for a range without an end. The range
// begins with `from` and ends before `to`, unless it is said otherwise.
typedef struct {
    const void *from, *to;
    bool from_excluded, to_included;
} alluvium_bounds;

// Returns the namespace of a map.
static inline alluvium_namespace alluvium_ordered_namespace(const alluvium_ordered *ordered) {
    int type = ordered->owner.type;
    if (type == ALLUVIUM_INTEGER || type == ALLUVIUM_UNSIGNED) type = ALLUVIUM_CODE(8);
    if (alluvium_base_type(type) != ALLUVIUM_FIXED) alluvium_bug("an owner is a code or a whole number");
    return (alluvium_namespace){.name = ordered->name,
                                .kind = ALLUVIUM_ORDERED,
                                .route_bytes = (uint32_t)alluvium_code_bytes(type),
                                .expires = ordered->expires};
}

// Finds the bytes of an owner, and of a key of it behind them unless it is null.
static inline bool alluvium_ordered_key(const alluvium_ordered *ordered, const void *owner, const void *row,
                                        alluvium_bytes *bytes, alluvium_context *context) {
    alluvium_key key = alluvium_key_in(context->arena);
    if (!alluvium_key_column(&key, &ordered->owner, owner, context)) return false;
    if (row && !alluvium_key_row(&key, ordered->key, row, context)) return false;
    *bytes = alluvium_key_bytes(&key);
    return true;
}

// Reads a value into the members of a row.
static inline bool alluvium_ordered_value(const alluvium_ordered *ordered, alluvium_bytes value, void *row,
                                          alluvium_context *context) {
    alluvium_json_reader reader = alluvium_json_reader_of(context->arena, value);
    alluvium_json_read_members(&reader, ordered->value, row);
    return alluvium_json_end(&reader) ||
           alluvium_fail(context, "%s: a value of another type: %s", ordered->name, reader.wrong);
}

// Finds the value of the owner and the key in a row, and sets the members of the value. Returns false if the call has
// failed. `is_some` says whether there is a value. Without one, the row stays as it is.
static inline bool alluvium_ordered_get(const alluvium_ordered *ordered, void *row, bool *is_some,
                                        alluvium_context *context) {
    alluvium_bytes key;
    alluvium_optional_bytes found;
    *is_some = false;
    if (!alluvium_ordered_key(ordered, row, row, &key, context)) return false;
    if (!alluvium_get(context, ordered->name, key, &found) || !found.is_some) return !context->has_failed;
    return *is_some = alluvium_ordered_value(ordered, found.value, row, context);
}

// Sets the value of the owner and the key in a row.
static inline bool alluvium_ordered_set(const alluvium_ordered *ordered, const void *row, alluvium_context *context) {
    alluvium_bytes key;
    if (!alluvium_ordered_key(ordered, row, row, &key, context)) return false;
    alluvium_optional_bytes set = {true, alluvium_row_bytes(context->arena, ordered->value, row)};
    return alluvium_put(context, ordered->name, key, set);
}

// Deletes the owner and the key in a row.
static inline bool alluvium_ordered_delete(const alluvium_ordered *ordered, const void *row,
                                           alluvium_context *context) {
    alluvium_bytes key;
    return alluvium_ordered_key(ordered, row, row, &key, context) &&
           alluvium_put(context, ordered->name, key, (alluvium_optional_bytes){0});
}

// Returns the least key that is greater.
static inline alluvium_bytes alluvium_successor(alluvium_arena *arena, alluvium_bytes key) {
    // A zero follows the copy.
    return (alluvium_bytes){alluvium_copy(arena, key).at, key.len + 1};
}

// Returns the least bytes that no key with this beginning reaches, if there are such bytes.
static inline alluvium_optional_bytes alluvium_end_of(alluvium_arena *arena, alluvium_bytes start) {
    while (start.len > 0 && (unsigned char)start.at[start.len - 1] == 0xff) start.len -= 1;
    if (start.len == 0) return (alluvium_optional_bytes){0};
    char *end = alluvium_take(arena, start.len, 1);
    memcpy(end, start.at, start.len);
    end[start.len - 1] = (char)((unsigned char)end[start.len - 1] + 1);
    return (alluvium_optional_bytes){true, {end, start.len}};
}

// Finds the bytes between which the keys of a range are, and writes what waits in the cache.
static inline bool alluvium_ordered_bounds(const alluvium_ordered *ordered, const void *owner, alluvium_bounds bounds,
                                           alluvium_range *range, alluvium_context *context) {
    alluvium_bytes all;
    *range = (alluvium_range){.to.is_some = true};
    if (!alluvium_flush_namespace(context, ordered->name)) return false;
    if (!alluvium_ordered_key(ordered, owner, NULL, &all, context)) return false;
    if (!alluvium_ordered_key(ordered, owner, bounds.from, &range->from, context)) return false;
    if (!alluvium_ordered_key(ordered, owner, bounds.to, &range->to.value, context)) return false;
    if (bounds.from && bounds.from_excluded) range->from = alluvium_successor(context->arena, range->from);
    if (!bounds.to) range->to = alluvium_end_of(context->arena, all);
    else if (bounds.to_included) range->to.value = alluvium_successor(context->arena, range->to.value);
    return true;
}

static inline bool alluvium_range_is_empty(const alluvium_range *range) {
    return range->to.is_some && alluvium_compare(range->to.value, range->from) <= 0;
}

// Reads entries into rows.
static inline bool alluvium_ordered_read(const alluvium_ordered *ordered, const alluvium_entries *page, char *rows,
                                         alluvium_context *context) {
    for (size_t at = 0; at < page->count; at++) {
        void *row = memset(rows + at * ordered->key->bytes, 0, ordered->key->bytes);
        alluvium_key_reader key = alluvium_key_reader_of(context->arena, page->at[at].key);
        alluvium_key_read_part(&key, ordered->owner.type, false, (char *)row + ordered->owner.offset);
        alluvium_key_read_row(&key, ordered->key, row);
        if (!alluvium_key_end(&key)) return alluvium_fail(context, "%s: a key of another type", ordered->name);
        if (!alluvium_ordered_value(ordered, page->at[at].value, row, context)) return false;
    }
    return true;
}

static inline void *alluvium_ordered_scan(const alluvium_ordered *ordered, const void *owner, alluvium_bounds bounds,
                                          bool reverse, size_t limit, size_t *count, alluvium_context *context) {
    size_t read = 0, capacity = 1, bytes = ordered->key->bytes;
    char *rows = alluvium_new(context->arena, 1, bytes);
    alluvium_range range;
    if (ordered->value->bytes != bytes) alluvium_bug("the key and the value are members of one struct");
    *count = 0;
    if (!alluvium_ordered_bounds(ordered, owner, bounds, &range, context)) return NULL;
    range.reverse = reverse;
    // The host may return fewer entries than it is asked for, so that an answer does not become too large.
    while (read < limit && !alluvium_range_is_empty(&range)) {
        alluvium_entries page;
        range.limit = limit - read > UINT32_MAX ? UINT32_MAX : (uint32_t)(limit - read);
        if (!alluvium_scan(context, ordered->name, &range, &page)) return NULL;
        if (page.count == 0) break;
        alluvium_bytes last = page.at[page.count - 1].key;
        if (reverse) range.to = (alluvium_optional_bytes){true, last};
        else range.from = alluvium_successor(context->arena, last);
        if (alluvium_plus(read, page.count) > capacity) {
            capacity = alluvium_plus(alluvium_times(read, 2), page.count);
            rows = memcpy(alluvium_take(context->arena, capacity, bytes), rows, read * bytes);
        }
        if (!alluvium_ordered_read(ordered, &page, rows + read * bytes, context)) return NULL;
        read += page.count;
    }
    *count = read;
    return rows;
}

// Finds the first entries of a range of the owner in a row, at most `limit`. Returns them as rows, one behind the
// other, or null if the call has failed. Only the members of the owner, the key and the value are set in them.
static inline void *alluvium_ordered_range(const alluvium_ordered *ordered, const void *owner, alluvium_bounds bounds,
                                           size_t limit, size_t *count, alluvium_context *context) {
    return alluvium_ordered_scan(ordered, owner, bounds, false, limit, count, context);
}

// Finds the last entries of a range as alluvium_ordered_range does. The last one comes first.
static inline void *alluvium_ordered_range_reversed(const alluvium_ordered *ordered, const void *owner,
                                                    alluvium_bounds bounds, size_t limit, size_t *count,
                                                    alluvium_context *context) {
    return alluvium_ordered_scan(ordered, owner, bounds, true, limit, count, context);
}

// Deletes a range of the owner in a row. `count` is how many entries there were.
static inline bool alluvium_ordered_delete_range(const alluvium_ordered *ordered, const void *owner,
                                                 alluvium_bounds bounds, uint64_t *count, alluvium_context *context) {
    alluvium_range range;
    *count = 0;
    return alluvium_ordered_bounds(ordered, owner, bounds, &range, context) &&
           (alluvium_range_is_empty(&range) || alluvium_delete_range(context, ordered->name, &range, count));
}

#endif
