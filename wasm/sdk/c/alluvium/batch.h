// What comes into an operator: headers and batches of records.
#ifndef ALLUVIUM_BATCH_H
#define ALLUVIUM_BATCH_H

#include "cache.h"

// The names of the columns of an input.
typedef struct {
    const alluvium_text *names;
    size_t count;
} alluvium_header;

// Records of an input. They stay until the end of the call.
typedef struct {
    alluvium_format format;
    uint32_t count;
    // The lengths of all fields, record by record, or of all records, and the bytes one after the other.
    const uint32_t *lens;
    size_t len_count;
    alluvium_bytes bytes;
} alluvium_batch;

// Takes bytes from the front of others. Returns whether there are enough.
static inline bool alluvium_split(alluvium_bytes *rest, size_t len, alluvium_bytes *taken) {
    if (rest->len < len) return false;
    *taken = (alluvium_bytes){rest->at, len};
    *rest = (alluvium_bytes){len ? rest->at + len : rest->at, rest->len - len};
    return true;
}

// Takes apart what stands one after the other. Returns null if there are fewer bytes than the lengths say.
static inline alluvium_bytes *alluvium_parts(alluvium_arena *arena, const uint32_t *lens, size_t count,
                                             alluvium_bytes bytes) {
    alluvium_bytes *parts = alluvium_take(arena, count, sizeof *parts);
    for (size_t at = 0; at < count; at++) {
        if (!alluvium_split(&bytes, lens[at], &parts[at])) return NULL;
    }
    return parts;
}

// Returns the records of an input of bytes: as many as the batch has, or null if the call has failed.
static inline const alluvium_bytes *alluvium_records(const alluvium_batch *batch, alluvium_context *context) {
    if (batch->format != ALLUVIUM_RECORDS) {
        alluvium_fail(context, "the input has records, and came with columns");
        return NULL;
    }
    alluvium_bytes *records = alluvium_parts(context->arena, batch->lens, batch->len_count, batch->bytes);
    if (!records) alluvium_fail(context, "a batch that is shorter than its lengths say");
    return records;
}

#endif
