// State as bytes, behind the cache of the context. map.h, ordered.h and merged.h have it with types.
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

// Returns what is known of a key, or null.
static inline alluvium_cached *alluvium_cache_find(const alluvium_cache *cache, alluvium_bytes key) {
    size_t at = alluvium_index_find(&cache->index, key);
    return at == ALLUVIUM_ABSENT || cache->entries[at].is_forgotten ? NULL : &cache->entries[at];
}

// Sets what is known of a key. One that was touched before keeps its place.
static inline void alluvium_cache_put(alluvium_context *context, alluvium_cache *cache, alluvium_bytes key,
                                      alluvium_cached cached) {
    size_t at = alluvium_index_find(&cache->index, key);
    if (at == ALLUVIUM_ABSENT) at = alluvium_index_add(&cache->index, alluvium_copy(context->arena, key));
    cache->entries = alluvium_grown(context->arena, cache->entries, at, &cache->capacity, sizeof *cache->entries);
    cache->entries[at] = cached;
}

// Writes what waits to be merged. It comes before everything that is read or set later.
static inline bool alluvium_write_merges(alluvium_context *context, alluvium_cache *cache) {
    size_t count = cache->merge_count;
    cache->merge_count = 0;
    if (context->has_failed) return false;
    return count == 0 || context->host->apply(context, cache->space, cache->merges, count);
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
    if (!alluvium_write_merges(context, cache)) return false;
    alluvium_bytes *missing = alluvium_take(context->arena, count, sizeof *missing);
    size_t missing_count = 0, different = 0;
    for (size_t at = 0; at < count; at++) {
        if (!alluvium_cache_find(cache, keys[at])) missing[missing_count++] = keys[at];
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
    *value = alluvium_cache_find(alluvium_cache_of(context, space), key)->value;
    return true;
}

// Sets a key to a value, or deletes it if there is none.
static inline bool alluvium_put(alluvium_context *context, const char *name, alluvium_bytes key,
                                alluvium_optional_bytes value) {
    uint32_t space;
    if (!alluvium_number_of(context, name, &space)) return false;
    alluvium_cache *cache = alluvium_cache_of(context, space);
    if (!alluvium_write_merges(context, cache)) return false;
    // The engine refuses a delete that has a value.
    value.value = value.is_some ? alluvium_copy(context->arena, value.value) : (alluvium_bytes){0};
    alluvium_cache_put(context, cache, key, (alluvium_cached){.value = value, .is_changed = true});
    return true;
}

// Writes what has changed in a namespace, by the place of its cache, and forgets what was read of it.
static inline bool alluvium_flush_cache(alluvium_context *context, size_t place) {
    alluvium_cache cache = context->caches[place];
    context->cache_count -= 1;
    memmove(context->caches + place, context->caches + place + 1,
            (context->cache_count - place) * sizeof *context->caches);
    if (!alluvium_write_merges(context, &cache)) return false;
    alluvium_change *changes = alluvium_take(context->arena, cache.index.count, sizeof *changes);
    size_t count = 0;
    for (size_t entry = 0; entry < cache.index.count; entry++) {
        const alluvium_cached *cached = &cache.entries[entry];
        if (!cached->is_changed) continue;
        alluvium_operation operation = cached->value.is_some ? ALLUVIUM_PUT : ALLUVIUM_DELETE;
        changes[count++] = (alluvium_change){operation, cache.index.keys[entry], cached->value.value};
    }
    return count == 0 || context->host->apply(context, cache.space, changes, count);
}

// Writes what has changed in a namespace. What is asked past the cache sees it then.
static inline bool alluvium_flush_namespace(alluvium_context *context, const char *name) {
    uint32_t space;
    if (!alluvium_number_of(context, name, &space)) return false;
    for (size_t at = 0; at < context->cache_count; at++) {
        if (context->caches[at].space == space) return alluvium_flush_cache(context, at);
    }
    return true;
}

// Writes what has changed. The end of each call does this.
static inline bool alluvium_flush(alluvium_context *context) {
    while (context->cache_count > 0 && !context->has_failed) alluvium_flush_cache(context, 0);
    context->cache_count = 0;
    return !context->has_failed;
}

// Merges values into those of keys, as the namespace declares. They wait in the cache, so that a batch that only merges
// costs one write.
static inline bool alluvium_merge(alluvium_context *context, const char *name, const alluvium_entry *entries,
                                  size_t count) {
    uint32_t space;
    if (!alluvium_number_of(context, name, &space)) return false;
    for (size_t at = 0; at < count; at++) {
        alluvium_bytes key = entries[at].key;
        alluvium_cached *known = alluvium_cache_find(alluvium_cache_of(context, space), key);
        // What was set before is written before.
        if (known && known->is_changed && !alluvium_flush_namespace(context, name)) return false;
        if (known) known->is_forgotten = true;
        alluvium_cache *cache = alluvium_cache_of(context, space);
        cache->merges = alluvium_grown(context->arena, cache->merges, cache->merge_count, &cache->merge_capacity,
                                       sizeof *cache->merges);
        cache->merges[cache->merge_count++] = (alluvium_change){ALLUVIUM_MERGE, alluvium_copy(context->arena, key),
                                                                alluvium_copy(context->arena, entries[at].value)};
    }
    return true;
}

// Finds the next entries of a namespace, as alluvium_results_page does. What waits in its cache is written before.
static inline bool alluvium_written_page(alluvium_context *context, const char *name, bool start, uint32_t limit,
                                         alluvium_entries *found) {
    *found = (alluvium_entries){0};
    return alluvium_flush_namespace(context, name) && alluvium_results_page(context, name, start, limit, found);
}

#endif
