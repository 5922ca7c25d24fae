// The imports of a component, as a host of the operator.
#ifndef ALLUVIUM_IMPORTS_H
#define ALLUVIUM_IMPORTS_H

#include "../bindings/keyed_timed_plugin.h"
#include "operator.h"

// What remains of the imports between calls: the numbers of the namespaces, and the walk that `page` continues.
typedef struct {
    const char *names[ALLUVIUM_NAMESPACES_MAX];
    uint32_t numbers[ALLUVIUM_NAMESPACES_MAX];
    size_t count;
    bool has_walk;
    alluvium_checkpoint_state_own_cursor_t walk;
} alluvium_imports;

// Bytes and lists as the bindings take them. They only read them.
static inline keyed_timed_plugin_list_u8_t alluvium_list_of(alluvium_bytes bytes) {
    return (keyed_timed_plugin_list_u8_t){(uint8_t *)bytes.at, bytes.len};
}

static inline keyed_timed_plugin_string_t alluvium_string_of(alluvium_text text) {
    return (keyed_timed_plugin_string_t){(uint8_t *)text.at, text.len};
}

static inline alluvium_bytes alluvium_bytes_of(keyed_timed_plugin_list_u8_t list) {
    return (alluvium_bytes){(const char *)list.ptr, list.len};
}

// Fails with the engine's text, which says where the error is. Every case of its errors holds one text at the same
// place.
static inline bool alluvium_import_failed(alluvium_context *context, alluvium_checkpoint_state_error_t *error) {
    keyed_timed_plugin_string_t text = error->val.other;
    alluvium_fail_with(context, (alluvium_text){(const char *)text.ptr, text.len});
    alluvium_checkpoint_state_error_free(error);
    return false;
}

// Has the arena free a list that came from the engine, if it has memory.
static inline void alluvium_adopt_list(alluvium_context *context, void *memory, size_t len) {
    if (len) alluvium_adopt(context->arena, memory);
}

// Packs keys or values: their lengths, and their bytes one after the other.
static inline keyed_timed_plugin_list_u8_t alluvium_pack(alluvium_context *context, const alluvium_bytes *parts,
                                                         size_t count, size_t stride,
                                                         keyed_timed_plugin_list_u32_t *lens) {
    size_t bytes = 0, at = 0;
    const char *first = (const char *)parts;
    *lens = (keyed_timed_plugin_list_u32_t){alluvium_take(context->arena, count, sizeof *lens->ptr), count};
    for (size_t part = 0; part < count; part++) {
        size_t len = ((const alluvium_bytes *)(first + part * stride))->len;
        // One that is longer than a length can say is refused by the engine.
        lens->ptr[part] = len > UINT32_MAX ? UINT32_MAX : (uint32_t)len;
        bytes = alluvium_plus(bytes, len);
    }
    char *packed = alluvium_take(context->arena, bytes, 1);
    for (size_t part = 0; part < count; part++) {
        const alluvium_bytes *one = (const alluvium_bytes *)(first + part * stride);
        if (one->len) memcpy(packed + at, one->at, one->len);
        at += one->len;
    }
    return (keyed_timed_plugin_list_u8_t){(uint8_t *)packed, bytes};
}

static inline bool alluvium_import_namespace(alluvium_context *context, const char *name, uint32_t *number) {
    alluvium_imports *imports = context->host_data;
    for (size_t at = 0; at < imports->count; at++) {
        if (imports->names[at] != name && strcmp(imports->names[at], name) != 0) continue;
        *number = imports->numbers[at];
        return true;
    }
    alluvium_checkpoint_state_error_t error;
    keyed_timed_plugin_string_t asked = alluvium_string_of(alluvium_text_of(name));
    if (!alluvium_checkpoint_state_namespace(&asked, number, &error)) return alluvium_import_failed(context, &error);
    // The name that the operator gave may be gone later, and its declaration stays.
    for (size_t at = 0; at < ALLUVIUM_NAMESPACES_MAX && imports->count < ALLUVIUM_NAMESPACES_MAX; at++) {
        const char *declared = alluvium_namespace_at(context->plugin, at).name;
        if (!declared || strcmp(declared, name) != 0) continue;
        imports->names[imports->count] = declared;
        imports->numbers[imports->count++] = *number;
        break;
    }
    return true;
}

static inline bool alluvium_import_get_many(alluvium_context *context, uint32_t space, const alluvium_bytes *keys,
                                            size_t count, alluvium_optional_bytes *values) {
    alluvium_checkpoint_state_packed_keys_t packed;
    alluvium_checkpoint_state_packed_values_t found;
    alluvium_checkpoint_state_error_t error;
    packed.bytes = alluvium_pack(context, keys, count, sizeof *keys, &packed.lens);
    if (!alluvium_checkpoint_state_get_many(space, &packed, &found, &error)) {
        return alluvium_import_failed(context, &error);
    }
    if (found.present.len != count || found.lens.len != count) alluvium_bug("there is not one value for each key");
    alluvium_bytes rest = alluvium_bytes_of(found.bytes);
    for (size_t at = 0; at < count; at++) {
        values[at].is_some = found.present.ptr[at] == 1;
        if (!alluvium_split(&rest, found.lens.ptr[at], &values[at].value)) {
            return alluvium_fail(context, "fewer bytes than the lengths say");
        }
    }
    alluvium_adopt_list(context, found.bytes.ptr, found.bytes.len);
    keyed_timed_plugin_list_u8_free(&found.present);
    keyed_timed_plugin_list_u32_free(&found.lens);
    return true;
}

static inline bool alluvium_import_apply(alluvium_context *context, uint32_t space, const alluvium_change *changes,
                                         size_t count) {
    alluvium_checkpoint_state_columns_t columns;
    alluvium_checkpoint_state_error_t error;
    uint64_t applied;
    columns.ops = (keyed_timed_plugin_list_u8_t){alluvium_take(context->arena, count, 1), count};
    for (size_t at = 0; at < count; at++) columns.ops.ptr[at] = (uint8_t)changes[at].operation;
    // Not the address of a member of the first change, because there may be none.
    const char *first = (const char *)changes;
    const alluvium_bytes *keys = (const alluvium_bytes *)(first + offsetof(alluvium_change, key));
    const alluvium_bytes *values = (const alluvium_bytes *)(first + offsetof(alluvium_change, value));
    columns.keys = alluvium_pack(context, keys, count, sizeof *changes, &columns.key_lens);
    columns.values = alluvium_pack(context, values, count, sizeof *changes, &columns.value_lens);
    return alluvium_checkpoint_state_apply(space, &columns, &applied, &error) ||
           alluvium_import_failed(context, &error);
}

// Takes a page of entries apart.
static inline bool alluvium_import_entries(alluvium_context *context, alluvium_checkpoint_state_columns_t *page,
                                           alluvium_entries *found) {
    size_t count = page->key_lens.len;
    alluvium_bytes keys = alluvium_bytes_of(page->keys), values = alluvium_bytes_of(page->values);
    *found = (alluvium_entries){alluvium_take(context->arena, count, sizeof *found->at), count};
    if (page->value_lens.len != count) alluvium_bug("there is not one value for each key");
    for (size_t at = 0; at < count; at++) {
        if (!alluvium_split(&keys, page->key_lens.ptr[at], &found->at[at].key) ||
            !alluvium_split(&values, page->value_lens.ptr[at], &found->at[at].value)) {
            return alluvium_fail(context, "fewer bytes than the lengths say");
        }
    }
    alluvium_adopt_list(context, page->keys.ptr, page->keys.len);
    alluvium_adopt_list(context, page->values.ptr, page->values.len);
    keyed_timed_plugin_list_u8_free(&page->ops);
    keyed_timed_plugin_list_u32_free(&page->key_lens);
    keyed_timed_plugin_list_u32_free(&page->value_lens);
    return true;
}

static inline bool alluvium_import_scan(alluvium_context *context, uint32_t space, const alluvium_range *range,
                                        alluvium_entries *found) {
    keyed_timed_plugin_list_u8_t from = alluvium_list_of(range->from), to = alluvium_list_of(range->to.value);
    alluvium_checkpoint_state_columns_t page;
    alluvium_checkpoint_state_error_t error;
    if (!alluvium_checkpoint_state_scan(space, &from, range->to.is_some ? &to : NULL, range->reverse, range->limit,
                                        &page, &error)) {
        return alluvium_import_failed(context, &error);
    }
    return alluvium_import_entries(context, &page, found);
}

static inline bool alluvium_import_delete_range(alluvium_context *context, uint32_t space, const alluvium_range *range,
                                                uint64_t *count) {
    keyed_timed_plugin_list_u8_t from = alluvium_list_of(range->from), to = alluvium_list_of(range->to.value);
    alluvium_checkpoint_state_error_t error;
    return alluvium_checkpoint_state_delete_range(space, &from, range->to.is_some ? &to : NULL, count, &error) ||
           alluvium_import_failed(context, &error);
}

static inline bool alluvium_import_page(alluvium_context *context, uint32_t space, bool start, uint32_t limit,
                                        alluvium_entries *found) {
    alluvium_imports *imports = context->host_data;
    alluvium_checkpoint_state_columns_t page;
    alluvium_checkpoint_state_error_t error;
    if (start) {
        keyed_timed_plugin_list_u8_t all = {NULL, 0};
        if (imports->has_walk) alluvium_checkpoint_state_cursor_drop_own(imports->walk);
        imports->has_walk = alluvium_checkpoint_state_iterate(space, &all, &imports->walk, &error);
        if (!imports->has_walk) return alluvium_import_failed(context, &error);
    }
    if (!imports->has_walk) return alluvium_fail(context, "the next page was asked for before the first");
    alluvium_checkpoint_state_borrow_cursor_t walk = alluvium_checkpoint_state_borrow_cursor(imports->walk);
    if (!alluvium_checkpoint_state_method_cursor_next(walk, limit, &page, &error)) {
        return alluvium_import_failed(context, &error);
    }
    return alluvium_import_entries(context, &page, found);
}

static inline bool alluvium_import_set_timer(alluvium_context *context, uint32_t space, int64_t at_ms,
                                             alluvium_bytes key) {
    keyed_timed_plugin_list_u8_t list = alluvium_list_of(key);
    alluvium_checkpoint_time_error_t error;
    return alluvium_checkpoint_time_set_timer(space, at_ms, &list, &error) || alluvium_import_failed(context, &error);
}

static inline bool alluvium_import_delete_timer(alluvium_context *context, uint32_t space, int64_t at_ms,
                                                alluvium_bytes key, bool *was_set) {
    keyed_timed_plugin_list_u8_t list = alluvium_list_of(key);
    alluvium_checkpoint_time_error_t error;
    return alluvium_checkpoint_time_delete_timer(space, at_ms, &list, was_set, &error) ||
           alluvium_import_failed(context, &error);
}

static inline alluvium_optional_time alluvium_import_watermark(alluvium_context *context) {
    alluvium_optional_time time = {0};
    (void)context;
    time.is_some = alluvium_checkpoint_time_watermark(&time.value.ms);
    return time;
}

static inline alluvium_optional_time alluvium_import_processing_time(alluvium_context *context) {
    alluvium_optional_time time = {0};
    (void)context;
    time.is_some = alluvium_checkpoint_time_processing_time(&time.value.ms);
    return time;
}

static inline bool alluvium_import_emit(alluvium_context *context, uint32_t output, alluvium_bytes record) {
    keyed_timed_plugin_list_u8_t list = alluvium_list_of(record);
    keyed_timed_plugin_string_t error;
    if (alluvium_checkpoint_sink_emit(output, &list, &error)) return true;
    alluvium_fail_with(context, (alluvium_text){(const char *)error.ptr, error.len});
    keyed_timed_plugin_string_free(&error);
    return false;
}

static inline void alluvium_import_log(alluvium_context *context, alluvium_level level, alluvium_text message) {
    keyed_timed_plugin_string_t text = alluvium_string_of(message);
    (void)context;
    alluvium_checkpoint_logging_log((alluvium_checkpoint_logging_level_t)level, &text);
}

static const alluvium_host alluvium_component_host = {
    .namespace_number = alluvium_import_namespace,
    .get_many = alluvium_import_get_many,
    .apply = alluvium_import_apply,
    .scan = alluvium_import_scan,
    .delete_range = alluvium_import_delete_range,
    .page = alluvium_import_page,
    .set_timer = alluvium_import_set_timer,
    .delete_timer = alluvium_import_delete_timer,
    .watermark = alluvium_import_watermark,
    .processing_time = alluvium_import_processing_time,
    .emit = alluvium_import_emit,
    .log = alluvium_import_log,
};

#endif
