// Keys with numbers, in the order in which they came first.
#ifndef ALLUVIUM_INDEX_H
#define ALLUVIUM_INDEX_H

#include "text.h"

// Different keys, each with its number from 0 on. An index of all zeroes, apart from the arena, is empty.
typedef struct {
    alluvium_arena *arena;
    alluvium_bytes *keys;
    size_t count, capacity;
    // A hash table with open addresses: numbers of keys plus 1, and 0 where there is none.
    size_t *slots;
    size_t slot_count;
} alluvium_index;

// What is found of a key that is not there.
#define ALLUVIUM_ABSENT SIZE_MAX

// Hashes a key. Nothing that is written depends on it.
static inline size_t alluvium_hash(alluvium_bytes key) {
    uint64_t hash = key.len * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = 0;
    for (; key.len - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, key.at + at, sizeof word);
        hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 32;
    }
    for (; at < key.len; at++) hash = (hash ^ (unsigned char)key.at[at]) * UINT64_C(0x100000001b3);
    hash *= UINT64_C(0xc4ceb9fe1a85ec53);
    return (size_t)(hash ^ hash >> 32);
}

// Returns the slot of a key, or the empty one where it belongs. There must be an empty one.
static inline size_t *alluvium_index_slot(const alluvium_index *index, alluvium_bytes key) {
    size_t at = alluvium_hash(key) & (index->slot_count - 1);
    while (index->slots[at] && !alluvium_equal(index->keys[index->slots[at] - 1], key)) {
        at = (at + 1) & (index->slot_count - 1);
    }
    return &index->slots[at];
}

// Returns the number of a key, or ALLUVIUM_ABSENT.
static inline size_t alluvium_index_find(const alluvium_index *index, alluvium_bytes key) {
    return index->slot_count ? *alluvium_index_slot(index, key) - 1 : ALLUVIUM_ABSENT;
}

static inline void alluvium_index_grow(alluvium_index *index) {
    size_t capacity = index->capacity ? alluvium_times(index->capacity, 2) : 16;
    alluvium_bytes *keys = alluvium_take(index->arena, capacity, sizeof *keys);
    if (index->count) memcpy(keys, index->keys, index->count * sizeof *keys);
    index->keys = keys;
    index->capacity = capacity;
    // At most half of the slots are in use.
    index->slot_count = alluvium_times(capacity, 2);
    index->slots = alluvium_new(index->arena, index->slot_count, sizeof *index->slots);
    for (size_t number = 0; number < index->count; number++) {
        *alluvium_index_slot(index, index->keys[number]) = number + 1;
    }
}

// Adds a key if it is not there. Returns its number. The bytes must stay where they are.
static inline size_t alluvium_index_add(alluvium_index *index, alluvium_bytes key) {
    if (index->count == index->capacity) alluvium_index_grow(index);
    size_t *slot = alluvium_index_slot(index, key);
    if (!*slot) {
        index->keys[index->count++] = key;
        *slot = index->count;
    }
    return *slot - 1;
}

// Makes room for at least so many elements in an array that lives in an arena, and returns it.
static inline void *alluvium_grown(alluvium_arena *arena, void *array, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity) return array;
    *capacity = *capacity ? alluvium_times(*capacity, 2) : 8;
    void *grown = alluvium_take(arena, *capacity, size);
    if (count) memcpy(grown, array, alluvium_times(count, size));
    return grown;
}

#endif
