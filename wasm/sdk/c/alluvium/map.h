// Typed state of operators: maps, single values and counters, each in a namespace of its own.
#ifndef ALLUVIUM_MAP_H
#define ALLUVIUM_MAP_H

#include "row_key.h"

// Values by key, in a namespace of its own. The values are rows, kept as JSON, so that `alluvium dump` shows them and
// other languages read them.
//
//     static const alluvium_map WAITING = {.name = "waiting", .value = &FLIGHT};
//
// Its entries belong to their keys when the state is divided. Reads and writes go through the cache of the context:
// name the keys of a batch with alluvium_map_prefetch, and the batch costs one read and one write.
//
// A map whose only key is the empty one is a single value. An operator with such a value cannot be divided by key.
typedef struct alluvium_map {
    const char *name;
    const alluvium_row *value;
    // When an entry goes away by itself, after it was set.
    alluvium_expiry expires;
} alluvium_map;

// A count for each key.
typedef alluvium_map alluvium_counter;

// Reads the values of keys that will be needed, in one call to the host.
static inline bool alluvium_map_prefetch(const alluvium_map *map, const alluvium_bytes *keys, size_t count,
                                         alluvium_context *context) {
    return alluvium_prefetch(context, map->name, keys, count);
}

// Finds the value of a key. Returns false if the call has failed. `is_some` says whether there is one.
static inline bool alluvium_map_get(const alluvium_map *map, alluvium_bytes key, void *value, bool *is_some,
                                    alluvium_context *context) {
    alluvium_optional_bytes found;
    const char *wrong;
    *is_some = false;
    memset(value, 0, map->value->bytes);
    if (!alluvium_get(context, map->name, key, &found) || !found.is_some) return !context->has_failed;
    if (!alluvium_read_row(context->arena, map->value, found.value, value, &wrong)) {
        return alluvium_fail(context, "%s: a value of another type: %s", map->name, wrong);
    }
    *is_some = true;
    return true;
}

// Finds a page of entries in the order of their keys, for results: at most `limit`, and with `start` the first ones. An
// empty page is the end. Returns their values, one behind the other, or null if the call has failed. `keys` are their
// keys.
static inline void *alluvium_map_page(const alluvium_map *map, bool start, uint32_t limit, alluvium_bytes **keys,
                                      size_t *count, alluvium_context *context) {
    alluvium_entries page;
    *keys = NULL;
    *count = 0;
    if (!alluvium_written_page(context, map->name, start, limit, &page)) return NULL;
    char *values = alluvium_new(context->arena, page.count, map->value->bytes);
    *keys = alluvium_take(context->arena, page.count, sizeof **keys);
    for (size_t at = 0; at < page.count; at++) {
        const char *wrong;
        void *value = values + at * map->value->bytes;
        (*keys)[at] = page.at[at].key;
        if (alluvium_read_row(context->arena, map->value, page.at[at].value, value, &wrong)) continue;
        alluvium_fail(context, "%s: a value of another type: %s", map->name, wrong);
        return NULL;
    }
    *count = page.count;
    return values;
}

// Finds all entries, in the order of their keys, for a migration. All of them are in memory then. Returns their values,
// one behind the other, or null if the call has failed. `keys` are their keys.
static inline void *alluvium_map_entries(const alluvium_map *map, alluvium_bytes **keys, size_t *count,
                                         alluvium_context *context) {
    enum { PAGE = 1000 };
    size_t key_capacity = 0, value_capacity = 0, bytes = map->value->bytes, more = 1;
    char *values = alluvium_new(context->arena, 1, bytes);
    *keys = NULL;
    *count = 0;
    for (bool start = true; more > 0; start = false) {
        alluvium_bytes *next_keys;
        const char *next = alluvium_map_page(map, start, PAGE, &next_keys, &more, context);
        if (!next) return NULL;
        for (size_t at = 0; at < more; at++) {
            *keys = alluvium_grown(context->arena, *keys, *count, &key_capacity, sizeof **keys);
            values = alluvium_grown(context->arena, values, *count, &value_capacity, bytes);
            memcpy(values + *count * bytes, next + at * bytes, bytes);
            (*keys)[(*count)++] = next_keys[at];
        }
    }
    return values;
}

// Sets the value of a key.
static inline bool alluvium_map_set(const alluvium_map *map, alluvium_bytes key, const void *value,
                                    alluvium_context *context) {
    alluvium_optional_bytes set = {true, alluvium_row_bytes(context->arena, map->value, value)};
    return alluvium_put(context, map->name, key, set);
}

// Deletes a key.
static inline bool alluvium_map_delete(const alluvium_map *map, alluvium_bytes key, alluvium_context *context) {
    return alluvium_put(context, map->name, key, (alluvium_optional_bytes){0});
}

// Finds the single value of a namespace.
static inline bool alluvium_value_get(const alluvium_map *map, void *value, bool *is_some, alluvium_context *context) {
    return alluvium_map_get(map, ALLUVIUM_LITERAL(""), value, is_some, context);
}

// Sets the single value of a namespace.
static inline bool alluvium_value_set(const alluvium_map *map, const void *value, alluvium_context *context) {
    return alluvium_map_set(map, ALLUVIUM_LITERAL(""), value, context);
}

// What a counter keeps: a number without a sign.
static inline const alluvium_row *alluvium_count_row(void) {
    static const alluvium_column column = {"count", ALLUVIUM_UNSIGNED, 0};
    static const alluvium_row row = {
        .columns = &column, .count = 1, .bytes = sizeof(uint64_t), .shape = ALLUVIUM_SCALAR};
    return &row;
}

// Returns the count of a key. It is 0 if the call has failed.
static inline uint64_t alluvium_counter_get(const alluvium_counter *counter, alluvium_bytes key,
                                            alluvium_context *context) {
    const alluvium_map map = {.name = counter->name, .value = alluvium_count_row()};
    uint64_t count;
    bool is_some;
    return alluvium_map_get(&map, key, &count, &is_some, context) ? count : 0;
}

// Adds to the count of a key, and returns what it is then. More than 64 bits can say is the most that they can say.
static inline uint64_t alluvium_counter_add(const alluvium_counter *counter, alluvium_bytes key, uint64_t more,
                                            alluvium_context *context) {
    const alluvium_map map = {.name = counter->name, .value = alluvium_count_row()};
    uint64_t count = alluvium_counter_get(counter, key, context);
    if (__builtin_add_overflow(count, more, &count)) count = UINT64_MAX;
    alluvium_map_set(&map, key, &count, context);
    return count;
}

#endif
