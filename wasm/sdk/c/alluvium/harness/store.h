// The state of the harness: entries in memory, which can be undone, kept, and brought back.
//
// It is for tests, and made to be read: entries are in arrays in the order of their keys. Nothing is freed before the
// next checkpoint.
#ifndef ALLUVIUM_HARNESS_STORE_H
#define ALLUVIUM_HARNESS_STORE_H

#include "../operator.h"

// An entry. One that does not expire does so at the end of time.
typedef struct {
    alluvium_bytes key, value;
    int64_t expires_ms;
} alluvium_stored;

// The expiry of an entry that stays, or whose clock does not show a time yet: it begins to age when the clock does.
#define ALLUVIUM_STAYS INT64_MAX

typedef struct {
    alluvium_stored *at;
    size_t count, capacity;
} alluvium_table;

// All tables, by the place of their namespace in the description, and the clocks: of event time, of processing time.
typedef struct {
    alluvium_arena arena;
    alluvium_table tables[ALLUVIUM_NAMESPACES_MAX];
    alluvium_optional_time clocks[2];
    // The values of the parameters when the checkpoint was taken.
    alluvium_optional_bytes settings[ALLUVIUM_PARAMETERS_MAX];
} alluvium_state;

// An entry as it was before a change.
typedef struct {
    size_t space;
    bool was_there;
    alluvium_stored before;
} alluvium_undone;

// What a call has changed, so that it can be undone.
typedef struct {
    alluvium_undone *at;
    size_t count, capacity;
} alluvium_undo_log;

// Returns where a key is, or where it belongs.
static inline size_t alluvium_table_place(const alluvium_table *table, alluvium_bytes key) {
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (alluvium_compare(table->at[middle].key, key) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

static inline bool alluvium_table_has(const alluvium_table *table, size_t at, alluvium_bytes key) {
    return at < table->count && alluvium_equal(table->at[at].key, key);
}

// Sets an entry, whose bytes are in the arena of the state already.
static inline void alluvium_table_put(alluvium_state *state, size_t space, alluvium_stored stored) {
    alluvium_table *table = &state->tables[space];
    size_t at = alluvium_table_place(table, stored.key);
    if (!alluvium_table_has(table, at, stored.key)) {
        table->at = alluvium_grown(&state->arena, table->at, table->count, &table->capacity, sizeof *table->at);
        memmove(table->at + at + 1, table->at + at, (table->count - at) * sizeof *table->at);
        table->count += 1;
    }
    table->at[at] = stored;
}

static inline void alluvium_table_delete(alluvium_state *state, size_t space, alluvium_bytes key) {
    alluvium_table *table = &state->tables[space];
    size_t at = alluvium_table_place(table, key);
    if (!alluvium_table_has(table, at, key)) return;
    table->count -= 1;
    memmove(table->at + at, table->at + at + 1, (table->count - at) * sizeof *table->at);
}

// Notes what a change of a key will replace.
static inline void alluvium_note(alluvium_state *state, alluvium_undo_log *log, size_t space, alluvium_bytes key) {
    const alluvium_table *table = &state->tables[space];
    size_t at = alluvium_table_place(table, key);
    alluvium_undone undone = {.space = space, .was_there = alluvium_table_has(table, at, key)};
    if (undone.was_there) undone.before = table->at[at];
    else undone.before.key = alluvium_copy(&state->arena, key);
    log->at = alluvium_grown(&state->arena, log->at, log->count, &log->capacity, sizeof *log->at);
    log->at[log->count++] = undone;
}

// Undoes all changes, the last one first.
static inline void alluvium_undo(alluvium_state *state, alluvium_undo_log *log) {
    while (log->count > 0) {
        const alluvium_undone *undone = &log->at[--log->count];
        if (undone->was_there) alluvium_table_put(state, undone->space, undone->before);
        else alluvium_table_delete(state, undone->space, undone->before.key);
    }
}

// Copies a state into another, which it replaces.
static inline void alluvium_state_copy(alluvium_state *to, const alluvium_state *from) {
    alluvium_arena_reset(&to->arena);
    alluvium_arena arena = to->arena;
    *to = *from;
    to->arena = arena;
    for (size_t space = 0; space < ALLUVIUM_NAMESPACES_MAX; space++) {
        alluvium_table *table = &to->tables[space];
        table->at = alluvium_take(&to->arena, table->count, sizeof *table->at);
        table->capacity = table->count;
        for (size_t at = 0; at < table->count; at++) {
            alluvium_stored stored = from->tables[space].at[at];
            stored.key = alluvium_copy(&to->arena, stored.key);
            stored.value = alluvium_copy(&to->arena, stored.value);
            table->at[at] = stored;
        }
    }
}

// Returns when an entry expires that is written now.
static inline int64_t alluvium_expiry_of(const alluvium_state *state, alluvium_expiry expires) {
    if (expires.clock == ALLUVIUM_NO_CLOCK) return ALLUVIUM_STAYS;
    alluvium_optional_time now = state->clocks[expires.clock == ALLUVIUM_PROCESSING_TIME];
    int64_t at_ms;
    if (!now.is_some) return ALLUVIUM_STAYS;
    if (__builtin_add_overflow(now.value.ms, expires.after_ms, &at_ms)) return ALLUVIUM_STAYS - 1;
    return at_ms;
}

// Deletes what has expired, after a clock has moved. What has waited for the clock begins to age.
static inline void alluvium_expire(alluvium_state *state, size_t space, alluvium_expiry expires) {
    if (expires.clock == ALLUVIUM_NO_CLOCK) return;
    alluvium_optional_time now = state->clocks[expires.clock == ALLUVIUM_PROCESSING_TIME];
    alluvium_table *table = &state->tables[space];
    size_t left = 0;
    for (size_t at = 0; now.is_some && at < table->count; at++) {
        alluvium_stored stored = table->at[at];
        if (stored.expires_ms == ALLUVIUM_STAYS) stored.expires_ms = alluvium_expiry_of(state, expires);
        if (stored.expires_ms > now.value.ms) table->at[left++] = stored;
    }
    if (now.is_some) table->count = left;
}

#endif
