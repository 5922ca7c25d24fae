// State as bytes, behind the cache of the context. map.h has it with types.
#ifndef ALLUVIUM_CACHE_H
#define ALLUVIUM_CACHE_H

#include "context.h"

// Returns the cache of a namespace. They stand in the order of their numbers, in which they are written.
static inline alluvium_cache *alluvium_cache_of(alluvium_context *context, uint32_t space) {
    size_t at = 0;
    while (at < context->cache_count && context->caches[at].space < space) at++;
    if (at < context->cache_count && context->caches[at].space == space) return &context->caches[at];
    if (context->cache_count == ALLUVIUM_NAMESPACES_MAX + 1) alluvium_bug("more namespaces than an operator has");
    memmove(context->caches + at + 1, context->caches + at, (context->cache_count - at) * sizeof *context->caches);
    context->caches[at] = (alluvium_cache){.space = space, .index = {.arena = context->arena}};
    context->cache_count += 1;
    return &context->caches[at];
}

// Sets what is known of a key. One that was touched before keeps its place.
static inline void alluvium_cache_put(alluvium_context *context, alluvium_cache *cache, alluvium_bytes key,
                                      alluvium_cached cached) {
    size_t at = alluvium_index_find(&cache->index, key);
    if (at == ALLUVIUM_ABSENT) at = alluvium_index_add(&cache->index, alluvium_copy(context->arena, key));
    cache->entries = alluvium_grown(context->arena, cache->entries, at, &cache->capacity, sizeof *cache->entries);
    cache->entries[at] = cached;
}

static inline int alluvium_compare_keys(const void *a, const void *b) {
    return alluvium_compare(*(const alluvium_bytes *)a, *(const alluvium_bytes *)b);
}

// Reads entries that will be needed, all in one call to the host.
static inline bool alluvium_prefetch(alluvium_context *context, const char *name, const alluvium_bytes *keys,
                                     size_t count) {
    uint32_t space;
    if (!alluvium_number_of(context, name, &space)) return false;
    alluvium_cache *cache = alluvium_cache_of(context, space);
    alluvium_bytes *missing = alluvium_take(context->arena, count, sizeof *missing);
    size_t missing_count = 0, different = 0;
    for (size_t at = 0; at < count; at++) {
        if (alluvium_index_find(&cache->index, keys[at]) == ALLUVIUM_ABSENT) missing[missing_count++] = keys[at];
    }
    if (missing_count == 0) return true;
    qsort(missing, missing_count, sizeof *missing, alluvium_compare_keys);
    for (size_t at = 0; at < missing_count; at++) {
        if (at == 0 || !alluvium_equal(missing[at], missing[different - 1])) missing[different++] = missing[at];
    }
    alluvium_optional_bytes *values = alluvium_new(context->arena, different, sizeof *values);
    if (!context->host->get_many(context, space, missing, different, values)) return false;
    for (size_t at = 0; at < different; at++) {
        alluvium_cache_put(context, cache, missing[at], (alluvium_cached){.value = values[at]});
    }
    return true;
}

// Finds the value of a key. Returns false if the call has failed.
static inline bool alluvium_get(alluvium_context *context, const char *name, alluvium_bytes key,
                                alluvium_optional_bytes *value) {
    uint32_t space;
    *value = (alluvium_optional_bytes){0};
    if (!alluvium_prefetch(context, name, &key, 1) || !alluvium_number_of(context, name, &space)) return false;
    const alluvium_cache *cache = alluvium_cache_of(context, space);
    *value = cache->entries[alluvium_index_find(&cache->index, key)].value;
    return true;
}

// Sets a key to a value, or deletes it if there is none.
static inline bool alluvium_put(alluvium_context *context, const char *name, alluvium_bytes key,
                                alluvium_optional_bytes value) {
    uint32_t space;
    if (!alluvium_number_of(context, name, &space)) return false;
    // The engine refuses a delete that has a value.
    value.value = value.is_some ? alluvium_copy(context->arena, value.value) : (alluvium_bytes){0};
    alluvium_cached cached = {.value = value, .is_changed = true};
    alluvium_cache_put(context, alluvium_cache_of(context, space), key, cached);
    return true;
}

// Writes what has changed. The end of each call does this.
static inline bool alluvium_flush(alluvium_context *context) {
    for (size_t at = 0; at < context->cache_count && !context->has_failed; at++) {
        const alluvium_cache *cache = &context->caches[at];
        alluvium_change *changes = alluvium_take(context->arena, cache->index.count, sizeof *changes);
        size_t count = 0;
        for (size_t entry = 0; entry < cache->index.count; entry++) {
            const alluvium_cached *cached = &cache->entries[entry];
            if (!cached->is_changed) continue;
            alluvium_operation operation = cached->value.is_some ? ALLUVIUM_PUT : ALLUVIUM_DELETE;
            changes[count++] = (alluvium_change){operation, cache->index.keys[entry], cached->value.value};
        }
        if (count) context->host->apply(context, cache->space, changes, count);
    }
    context->cache_count = 0;
    return !context->has_failed;
}

#endif
