// Typed state of operators: lists, each in one value of a namespace of their own.
#ifndef ALLUVIUM_LIST_H
#define ALLUVIUM_LIST_H

#include "map.h"

// A list for each key: what was pushed last is at its end. The items are rows, and a list is kept as an array of JSON.
//
//     static const alluvium_list RECENT = {.name = "recent", .value = &CLICK};
//
// A list is one value of the state, which a push reads and writes as a whole. So it is for some hundreds of items. For
// more, keep a map whose keys have a number as their last part.
//
// To the description of an operator it is a map, and alluvium_map_prefetch reads the lists of a batch. `expires` says
// when a list goes away by itself, after something was pushed to it.
typedef alluvium_map alluvium_list;

// Finds the items of a key, which are none if nothing was pushed. Returns them, one behind the other, or null if the
// call has failed.
static inline void *alluvium_list_get(const alluvium_list *list, alluvium_bytes key, size_t *count,
                                      alluvium_context *context) {
    size_t capacity = 0, bytes = list->value->bytes;
    char *items = alluvium_new(context->arena, 1, bytes);
    alluvium_optional_bytes found;
    *count = 0;
    if (!alluvium_get(context, list->name, key, &found)) return NULL;
    if (!found.is_some) return items;
    size_t read = 0;
    alluvium_json_reader reader = alluvium_json_reader_of(context->arena, found.value);
    alluvium_json_enter(&reader, '[');
    while (alluvium_json_next_element(&reader)) {
        items = alluvium_grown(context->arena, items, read, &capacity, bytes);
        alluvium_json_read_row(&reader, list->value, items + read++ * bytes);
    }
    if (!alluvium_json_end(&reader)) {
        alluvium_fail(context, "%s: a value of another type: %s", list->name, reader.wrong);
        return NULL;
    }
    *count = read;
    return items;
}

// Adds an item to the list of a key, and returns how many it has then. It is 0 if the call has failed.
static inline size_t alluvium_list_push(const alluvium_list *list, alluvium_bytes key, const void *item,
                                        alluvium_context *context) {
    size_t count;
    const char *items = alluvium_list_get(list, key, &count, context);
    if (!items) return 0;
    alluvium_json json = alluvium_json_in(context->arena);
    alluvium_json_array(&json);
    for (size_t at = 0; at < count; at++) alluvium_json_row(&json, list->value, items + at * list->value->bytes);
    alluvium_json_row(&json, list->value, item);
    alluvium_json_array_end(&json);
    alluvium_optional_bytes set = {true, alluvium_json_bytes(&json)};
    return alluvium_put(context, list->name, key, set) ? count + 1 : 0;
}

// Finds the items of a key as alluvium_list_get does, and leaves none.
static inline void *alluvium_list_take(const alluvium_list *list, alluvium_bytes key, size_t *count,
                                       alluvium_context *context) {
    void *items = alluvium_list_get(list, key, count, context);
    return items && alluvium_map_delete(list, key, context) ? items : NULL;
}

#endif
