// The windows of a key that are open, as one value of the state.
#ifndef ALLUVIUM_WINDOWS_OPEN_H
#define ALLUVIUM_WINDOWS_OPEN_H

#include "assign.h"

// A window, and what was computed of its records.
typedef struct {
    alluvium_window window;
    void *kept;
} alluvium_open;

// The open windows of a key, in their order.
typedef struct {
    alluvium_open *at;
    size_t count, capacity;
} alluvium_opens;

// Puts a window at its place.
static inline void alluvium_opens_insert(alluvium_opens *opens, alluvium_open open, alluvium_arena *arena) {
    size_t at = 0;
    while (at < opens->count && alluvium_window_before(opens->at[at].window, open.window)) at++;
    opens->at = alluvium_grown(arena, opens->at, opens->count, &opens->capacity, sizeof *opens->at);
    memmove(opens->at + at + 1, opens->at + at, (opens->count - at) * sizeof *opens->at);
    opens->at[at] = open;
    opens->count += 1;
}

// Writes the windows: for each the two times and the length of what it keeps, eight, eight and four bytes,
// little-endian, and what it keeps.
static inline alluvium_bytes alluvium_opens_write(alluvium_computing by, const alluvium_opens *opens,
                                                  alluvium_arena *arena) {
    alluvium_buffer bytes = alluvium_buffer_in(arena);
    for (size_t at = 0; at < opens->count; at++) {
        alluvium_add_little(&bytes, (uint64_t)opens->at[at].window.from, 8);
        alluvium_add_little(&bytes, (uint64_t)opens->at[at].window.to, 8);
        size_t len_at = bytes.len;
        alluvium_add_little(&bytes, 0, 4);
        alluvium_kept_write(by, opens->at[at].kept, &bytes);
        size_t len = bytes.len - len_at - 4, end = bytes.len;
        // The engine refuses a value of so many bytes.
        if (len > UINT32_MAX) len = UINT32_MAX;
        bytes.len = len_at;
        alluvium_add_little(&bytes, len, 4);
        bytes.len = end;
    }
    return alluvium_buffer_bytes(&bytes);
}

// Reads the windows of a key. Returns false if the bytes are none.
static inline bool alluvium_opens_read(alluvium_computing by, alluvium_bytes bytes, alluvium_opens *opens,
                                       alluvium_context *context) {
    *opens = (alluvium_opens){0};
    while (bytes.len > 0) {
        alluvium_bytes head, kept;
        if (!alluvium_split(&bytes, 20, &head)) return false;
        if (!alluvium_split(&bytes, (size_t)alluvium_little(head.at + 16, 4), &kept)) return false;
        alluvium_open open = {
            .window = {.from = (int64_t)alluvium_little(head.at, 8), .to = (int64_t)alluvium_little(head.at + 8, 8)},
            .kept = alluvium_new(context->arena, 1, alluvium_kept_bytes(by))};
        if (!alluvium_kept_read(by, open.kept, kept, context)) return false;
        opens->at = alluvium_grown(context->arena, opens->at, opens->count, &opens->capacity, sizeof *opens->at);
        opens->at[opens->count++] = open;
    }
    return true;
}

// Reads the open windows of keys, in one call to the host. Returns null if the call has failed.
static inline alluvium_opens *alluvium_read_all(const alluvium_windows_instance *self, const alluvium_bytes *keys,
                                                size_t count, alluvium_context *context) {
    uint32_t space;
    alluvium_optional_bytes *values = alluvium_new(context->arena, count, sizeof *values);
    alluvium_opens *all = alluvium_new(context->arena, count, sizeof *all);
    if (!alluvium_number_of(context, ALLUVIUM_WINDOWS_OPEN, &space)) return NULL;
    if (!context->host->get_many(context, space, keys, count, values)) return NULL;
    for (size_t at = 0; at < count; at++) {
        if (alluvium_opens_read(self->by, values[at].value, &all[at], context)) continue;
        alluvium_fail(context, "an entry of the windows is none");
        return NULL;
    }
    return all;
}

// Writes the open windows of keys, in one call to the host. A key without windows goes away.
static inline bool alluvium_write_all(const alluvium_windows_instance *self, const alluvium_bytes *keys,
                                      const alluvium_opens *all, size_t count, alluvium_context *context) {
    uint32_t space;
    alluvium_change *changes = alluvium_take(context->arena, count, sizeof *changes);
    for (size_t at = 0; at < count; at++) {
        changes[at] = (alluvium_change){.operation = ALLUVIUM_DELETE, .key = keys[at]};
        if (all[at].count == 0) continue;
        changes[at].operation = ALLUVIUM_PUT;
        changes[at].value = alluvium_opens_write(self->by, &all[at], context->arena);
    }
    return alluvium_number_of(context, ALLUVIUM_WINDOWS_OPEN, &space) &&
           context->host->apply(context, space, changes, count);
}

#endif
