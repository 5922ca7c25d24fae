// Typed state of operators that the engine merges: a change does not read what is there.
#ifndef ALLUVIUM_MERGED_H
#define ALLUVIUM_MERGED_H

#include "row_key.h"
#include "set.h"

// Values by key that the engine merges, in a namespace of its own: sums, extremes, sets. The parts of the key and the
// value are members of one struct.
//
//     static const alluvium_merged MILES = {
//         .name = "miles", .merge = ALLUVIUM_MERGE_ADD, .key = &CARRIER, .value = &DISTANCE};
//
// What `.value` has says what is merged:
//
// - ALLUVIUM_MERGE_ADD: an int64_t, which is added; a sum that leaves its range wraps around;
// - ALLUVIUM_MERGE_MIN and ALLUVIUM_MERGE_MAX: what a key may have; the least one is kept, or the greatest;
// - ALLUVIUM_MERGE_APPEND: a text, which may be any bytes; it is written behind the others, so something must delete it;
// - ALLUVIUM_MERGE_SET_UNION: what a key may have; it is added to a set.
//
// A change does not read what is there, so a batch that only merges costs one write.
typedef struct alluvium_merged {
    const char *name;
    alluvium_merge_operator merge;
    const alluvium_row *key, *value;
    // When a value goes away by itself, after something was merged into it.
    alluvium_expiry expires;
} alluvium_merged;

// Returns the namespace of merged values.
static inline alluvium_namespace alluvium_merged_namespace(const alluvium_merged *merged) {
    return (alluvium_namespace){.name = merged->name, .expires = merged->expires, .merge = merged->merge};
}

// Returns the one member that is added or appended.
static inline void *alluvium_merged_member(const alluvium_merged *merged, const void *row) {
    int type = merged->merge == ALLUVIUM_MERGE_ADD ? ALLUVIUM_INTEGER : ALLUVIUM_TEXT;
    if (merged->value->count != 1 || merged->value->columns[0].type != type) {
        alluvium_bug("what is added is an int64_t, and what is appended a text");
    }
    return (char *)row + merged->value->columns[0].offset;
}

// Merges what a row has into the value of its key.
static inline bool alluvium_merged_merge(const alluvium_merged *merged, const void *row, alluvium_context *context) {
    alluvium_entry entry = {.key = alluvium_row_key(merged->key, row, context)};
    alluvium_buffer buffer = alluvium_buffer_in(context->arena);
    if (merged->merge == ALLUVIUM_MERGE_ADD) {
        alluvium_add_little(&buffer, (uint64_t)*(const int64_t *)alluvium_merged_member(merged, row), 8);
    } else if (merged->merge == ALLUVIUM_MERGE_APPEND) {
        alluvium_add_text(&buffer, *(const alluvium_bytes *)alluvium_merged_member(merged, row));
    } else if (merged->merge == ALLUVIUM_MERGE_SET_UNION) {
        alluvium_set_add(&buffer, alluvium_row_key(merged->value, row, context));
    } else {
        alluvium_add_text(&buffer, alluvium_row_key(merged->value, row, context));
    }
    entry.value = alluvium_buffer_bytes(&buffer);
    return alluvium_merge(context, merged->name, &entry, 1);
}

// Reads a value, which is no set, into the members of a row.
static inline bool alluvium_merged_value(const alluvium_merged *merged, alluvium_bytes value, void *row,
                                         alluvium_context *context) {
    bool is_value = true;
    if (merged->merge == ALLUVIUM_MERGE_ADD) {
        is_value = value.len == 8;
        if (is_value) *(int64_t *)alluvium_merged_member(merged, row) = (int64_t)alluvium_little(value.at, 8);
    } else if (merged->merge == ALLUVIUM_MERGE_APPEND) {
        *(alluvium_bytes *)alluvium_merged_member(merged, row) = value;
    } else {
        is_value = alluvium_read_row_key(context->arena, merged->value, value, row);
    }
    return is_value || alluvium_fail(context, "%s: a value of another type", merged->name);
}

// Finds the value of the key in a row, if something was merged into it, and sets the members of the value. What waits
// to be merged is merged before. Returns false if the call has failed. `is_some` says whether there is a value. Without
// one, the row stays as it is. The elements of sets have a function of their own.
static inline bool alluvium_merged_get(const alluvium_merged *merged, void *row, bool *is_some,
                                       alluvium_context *context) {
    alluvium_optional_bytes found;
    alluvium_bytes key = alluvium_row_key(merged->key, row, context);
    if (merged->merge == ALLUVIUM_MERGE_SET_UNION) alluvium_bug("a set is read by alluvium_merged_elements");
    *is_some = false;
    if (!alluvium_get(context, merged->name, key, &found) || !found.is_some) return !context->has_failed;
    return *is_some = alluvium_merged_value(merged, found.value, row, context);
}

// Finds the elements of the set of the key in a row, in the order of their bytes: none if nothing was merged into it.
// Returns rows that differ from this one in the members of the value, one behind the other, or null if the call has
// failed.
static inline void *alluvium_merged_elements(const alluvium_merged *merged, const void *row, size_t *count,
                                             alluvium_context *context) {
    size_t capacity = 0, read = 0, bytes = merged->value->bytes;
    char *elements = alluvium_new(context->arena, 1, bytes);
    alluvium_optional_bytes found;
    alluvium_bytes element, key = alluvium_row_key(merged->key, row, context);
    *count = 0;
    if (merged->merge != ALLUVIUM_MERGE_SET_UNION) alluvium_bug("only sets have elements");
    if (merged->key->bytes != bytes) alluvium_bug("the key and the value are members of one struct");
    if (!alluvium_get(context, merged->name, key, &found)) return NULL;
    for (alluvium_bytes rest = found.value; found.is_some && rest.len > 0; read++) {
        elements = alluvium_grown(context->arena, elements, read, &capacity, bytes);
        memcpy(elements + read * bytes, row, bytes);
        if (alluvium_set_take(&rest, &element) &&
            alluvium_read_row_key(context->arena, merged->value, element, elements + read * bytes)) {
            continue;
        }
        alluvium_fail(context, "%s: a value of another type", merged->name);
        return NULL;
    }
    *count = read;
    return elements;
}

// Deletes the value of the key in a row.
static inline bool alluvium_merged_delete(const alluvium_merged *merged, const void *row, alluvium_context *context) {
    alluvium_bytes key = alluvium_row_key(merged->key, row, context);
    return alluvium_put(context, merged->name, key, (alluvium_optional_bytes){0});
}

// Finds a page of values in the order of their keys, for results: at most `limit`, and with `start` the first ones. An
// empty page is the end. Returns rows with the members of the key and the value, one behind the other, or null if the
// call has failed. Of sets, the rows have the keys only.
static inline void *alluvium_merged_page(const alluvium_merged *merged, bool start, uint32_t limit, size_t *count,
                                         alluvium_context *context) {
    size_t bytes = merged->key->bytes;
    alluvium_entries page;
    *count = 0;
    if (!alluvium_written_page(context, merged->name, start, limit, &page)) return NULL;
    char *rows = alluvium_new(context->arena, page.count, bytes);
    if (merged->value->bytes != bytes) alluvium_bug("the key and the value are members of one struct");
    for (size_t at = 0; at < page.count; at++) {
        void *row = rows + at * bytes;
        if (!alluvium_read_row_key(context->arena, merged->key, page.at[at].key, row)) {
            alluvium_fail(context, "%s: a key of another type", merged->name);
            return NULL;
        }
        if (merged->merge == ALLUVIUM_MERGE_SET_UNION) continue;
        if (!alluvium_merged_value(merged, page.at[at].value, row, context)) return NULL;
    }
    *count = page.count;
    return rows;
}

#endif
