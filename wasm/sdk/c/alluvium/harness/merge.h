// Merging a value into the one that is there, as the engine does.
#ifndef ALLUVIUM_HARNESS_MERGE_H
#define ALLUVIUM_HARNESS_MERGE_H

#include "../set.h"
#include "store.h"

// Says what is wrong with a value that is merged, or that others are merged into.
static inline const char *alluvium_merge_wrong(alluvium_merge_operator merge, alluvium_bytes value) {
    if (merge == ALLUVIUM_MERGE_ADD && value.len != 8) return "not a number of eight bytes";
    if (merge != ALLUVIUM_MERGE_SET_UNION) return NULL;
    alluvium_bytes element, before = {0};
    for (bool is_first = true; value.len > 0; is_first = false, before = element) {
        if (!alluvium_set_take(&value, &element)) return "not a set: an element is cut off";
        if (!is_first && alluvium_compare(before, element) >= 0) return "not a set: its elements do not ascend";
    }
    return NULL;
}

static inline alluvium_bytes alluvium_set_union(alluvium_arena *arena, alluvium_bytes a, alluvium_bytes b) {
    alluvium_buffer all = alluvium_buffer_in(arena);
    alluvium_bytes of_a = {0}, of_b = {0};
    bool has_a = alluvium_set_take(&a, &of_a), has_b = alluvium_set_take(&b, &of_b);
    while (has_a || has_b) {
        int order = !has_a ? 1 : !has_b ? -1 : alluvium_compare(of_a, of_b);
        alluvium_set_add(&all, order <= 0 ? of_a : of_b);
        if (order <= 0) has_a = alluvium_set_take(&a, &of_a);
        if (order >= 0) has_b = alluvium_set_take(&b, &of_b);
    }
    return alluvium_buffer_bytes(&all);
}

// Merges a value into the one before.
static inline alluvium_bytes alluvium_merge_values(alluvium_arena *arena, alluvium_merge_operator merge,
                                                   alluvium_bytes before, alluvium_bytes value) {
    alluvium_buffer merged = alluvium_buffer_in(arena);
    switch (merge) {
    case ALLUVIUM_MERGE_ADD:
        alluvium_add_little(&merged, alluvium_little(before.at, 8) + alluvium_little(value.at, 8), 8);
        return alluvium_buffer_bytes(&merged);
    case ALLUVIUM_MERGE_MIN:
        return alluvium_compare(value, before) < 0 ? value : before;
    case ALLUVIUM_MERGE_MAX:
        return alluvium_compare(value, before) > 0 ? value : before;
    case ALLUVIUM_MERGE_APPEND:
        alluvium_add_text(&merged, before);
        alluvium_add_text(&merged, value);
        return alluvium_buffer_bytes(&merged);
    case ALLUVIUM_MERGE_SET_UNION:
        return alluvium_set_union(arena, before, value);
    default:
        alluvium_bug("a merge, but the namespace does not declare how");
    }
}

#endif
