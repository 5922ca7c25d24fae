// What the harness gives an operator: the functions of a host, over its state.
#ifndef ALLUVIUM_HARNESS_HOST_H
#define ALLUVIUM_HARNESS_HOST_H

#include "merge.h"

// The records that were emitted to an output. The first ones are shown: no crash takes them back.
typedef struct {
    alluvium_bytes *at;
    size_t count, capacity, shown;
} alluvium_emitted;

// Runs an operator natively. harness.h has its functions.
typedef struct {
    alluvium_instance instance;
    alluvium_state live, saved;
    alluvium_undo_log log;
    alluvium_setting settings[ALLUVIUM_PARAMETERS_MAX];
    size_t setting_count;
    // The columns of each input that was begun by this instance.
    alluvium_header headers[ALLUVIUM_PORTS_MAX];
    alluvium_emitted outputs[ALLUVIUM_PORTS_MAX], messages;
    // The place in a walk over a namespace.
    size_t page_at;
    // Lives as long as the harness.
    alluvium_arena kept;
    char *error;
} alluvium_harness;

// Returns the place of a namespace in the description, or ALLUVIUM_NAMESPACES_MAX if it is not there.
static inline uint32_t alluvium_place_of(const alluvium_operator *plugin, const char *name) {
    uint32_t at = 0;
    for (; at < ALLUVIUM_NAMESPACES_MAX; at++) {
        const char *declared = alluvium_namespace_at(plugin, at).name;
        if (declared && strcmp(declared, name) == 0) break;
    }
    return at;
}

static inline bool alluvium_host_namespace(alluvium_context *context, const char *name, uint32_t *number) {
    *number = alluvium_place_of(context->plugin, name);
    if (*number < ALLUVIUM_NAMESPACES_MAX) return true;
    return alluvium_fail(context, "the operator has not described a namespace \"%s\"", name);
}

// Refuses a key or a value that the engine would refuse.
static inline bool alluvium_host_lengths(alluvium_context *context, alluvium_bytes key, alluvium_bytes value) {
    if (key.len > 65535) return alluvium_fail(context, "key of %zu bytes: at most 65535", key.len);
    if (value.len > 64 << 20) return alluvium_fail(context, "value of %zu bytes: at most 67108864", value.len);
    return true;
}

static inline bool alluvium_host_get_many(alluvium_context *context, uint32_t space, const alluvium_bytes *keys,
                                          size_t count, alluvium_optional_bytes *values) {
    const alluvium_harness *harness = context->host_data;
    const alluvium_table *table = &harness->live.tables[space];
    for (size_t at = 0; at < count; at++) {
        size_t place = alluvium_table_place(table, keys[at]);
        values[at].is_some = alluvium_table_has(table, place, keys[at]);
        if (values[at].is_some) values[at].value = table->at[place].value;
    }
    return true;
}

// Sets a key of a namespace, or deletes it if there is no value.
static inline void alluvium_host_change(alluvium_harness *harness, uint32_t space, alluvium_bytes key,
                                        const alluvium_bytes *value) {
    alluvium_state *live = &harness->live;
    alluvium_note(live, &harness->log, space, key);
    if (!value) {
        alluvium_table_delete(live, space, key);
        return;
    }
    alluvium_namespace declared = alluvium_namespace_at(harness->instance.plugin, space);
    alluvium_stored stored = {.key = alluvium_copy(&live->arena, key),
                              .value = alluvium_copy(&live->arena, *value),
                              .expires_ms = alluvium_expiry_of(live, declared.expires)};
    alluvium_table_put(live, space, stored);
}

static inline bool alluvium_host_apply(alluvium_context *context, uint32_t space, const alluvium_change *changes,
                                       size_t count) {
    alluvium_harness *harness = context->host_data;
    alluvium_merge_operator merge = alluvium_namespace_at(context->plugin, space).merge;
    for (size_t at = 0; at < count; at++) {
        const alluvium_change *change = &changes[at];
        if (!alluvium_host_lengths(context, change->key, change->value)) return false;
        if (change->operation == ALLUVIUM_MERGE && merge == ALLUVIUM_NO_MERGE) {
            return alluvium_fail(context, "a merge, but the namespace does not declare how");
        }
        if (change->operation == ALLUVIUM_DELETE && change->value.len) {
            return alluvium_fail(context, "a delete with a value of %zu bytes", change->value.len);
        }
        const char *wrong = change->operation == ALLUVIUM_DELETE ? NULL : alluvium_merge_wrong(merge, change->value);
        if (wrong) return alluvium_fail(context, "%s", wrong);
    }
    for (size_t at = 0; at < count; at++) {
        alluvium_bytes value = changes[at].value;
        alluvium_optional_bytes before;
        if (changes[at].operation == ALLUVIUM_MERGE) {
            alluvium_host_get_many(context, space, &changes[at].key, 1, &before);
            if (before.is_some) value = alluvium_merge_values(context->arena, merge, before.value, value);
        }
        bool is_deleted = changes[at].operation == ALLUVIUM_DELETE;
        alluvium_host_change(harness, space, changes[at].key, is_deleted ? NULL : &value);
    }
    return true;
}

// Finds the first entry of a range, and the first one behind it.
static inline bool alluvium_host_range(alluvium_context *context, uint32_t space, const alluvium_range *range,
                                       size_t *from, size_t *to) {
    const alluvium_harness *harness = context->host_data;
    const alluvium_table *table = &harness->live.tables[space];
    if (alluvium_namespace_at(context->plugin, space).kind != ALLUVIUM_ORDERED) {
        return alluvium_fail(context, "namespace %lu is not ordered: only keys of ordered ones have ranges",
                             (unsigned long)space);
    }
    *from = alluvium_table_place(table, range->from);
    *to = range->to.is_some ? alluvium_table_place(table, range->to.value) : table->count;
    if (*to < *from) *to = *from;
    return true;
}

static inline bool alluvium_host_scan(alluvium_context *context, uint32_t space, const alluvium_range *range,
                                      alluvium_entries *found) {
    const alluvium_harness *harness = context->host_data;
    size_t from = 0, to = 0;
    if (!alluvium_host_range(context, space, range, &from, &to)) return false;
    if (range->limit == 0) {
        return alluvium_fail(context, "a scan of 0 entries would never find any: give a limit of 1 or more");
    }
    found->count = to - from < range->limit ? to - from : range->limit;
    found->at = alluvium_take(context->arena, found->count, sizeof *found->at);
    for (size_t at = 0; at < found->count; at++) {
        const alluvium_stored *stored = &harness->live.tables[space].at[range->reverse ? to - 1 - at : from + at];
        found->at[at] = (alluvium_entry){stored->key, stored->value};
    }
    return true;
}

static inline bool alluvium_host_delete_range(alluvium_context *context, uint32_t space, const alluvium_range *range,
                                              uint64_t *count) {
    alluvium_harness *harness = context->host_data;
    size_t from = 0, to = 0;
    if (!alluvium_host_range(context, space, range, &from, &to)) return false;
    *count = to - from;
    while (to > from) alluvium_host_change(harness, space, harness->live.tables[space].at[--to].key, NULL);
    return true;
}

static inline bool alluvium_host_page(alluvium_context *context, uint32_t space, bool start, uint32_t limit,
                                      alluvium_entries *found) {
    alluvium_harness *harness = context->host_data;
    const alluvium_table *table = &harness->live.tables[space];
    if (start) harness->page_at = 0;
    size_t left = harness->page_at < table->count ? table->count - harness->page_at : 0;
    found->count = left < limit ? left : limit;
    found->at = alluvium_take(context->arena, found->count, sizeof *found->at);
    for (size_t at = 0; at < found->count; at++) {
        const alluvium_stored *stored = &table->at[harness->page_at++];
        found->at[at] = (alluvium_entry){stored->key, stored->value};
    }
    return true;
}

// The key of a timer as it is stored: its time and the key, so that timers are in the order of both.
static inline bool alluvium_host_timer(alluvium_context *context, uint32_t space, int64_t at_ms, alluvium_bytes key,
                                       alluvium_bytes *stored) {
    alluvium_namespace declared = alluvium_namespace_at(context->plugin, space);
    alluvium_key timer = alluvium_key_in(context->arena);
    alluvium_key_integer(&timer, at_ms);
    alluvium_key_text(&timer, key);
    *stored = alluvium_key_bytes(&timer);
    if (alluvium_holds_timers(&declared)) return alluvium_host_lengths(context, *stored, (alluvium_bytes){0});
    return alluvium_fail(context, "namespace %lu does not hold timers", (unsigned long)space);
}

static inline bool alluvium_host_set_timer(alluvium_context *context, uint32_t space, int64_t at_ms,
                                           alluvium_bytes key) {
    alluvium_bytes stored, nothing = {"", 0};
    if (!alluvium_host_timer(context, space, at_ms, key, &stored)) return false;
    alluvium_host_change(context->host_data, space, stored, &nothing);
    return true;
}

static inline bool alluvium_host_delete_timer(alluvium_context *context, uint32_t space, int64_t at_ms,
                                              alluvium_bytes key, bool *was_set) {
    alluvium_bytes stored;
    alluvium_optional_bytes before;
    if (!alluvium_host_timer(context, space, at_ms, key, &stored)) return false;
    alluvium_host_get_many(context, space, &stored, 1, &before);
    *was_set = before.is_some;
    alluvium_host_change(context->host_data, space, stored, NULL);
    return true;
}

static inline alluvium_optional_time alluvium_host_watermark(alluvium_context *context) {
    return ((const alluvium_harness *)context->host_data)->live.clocks[0];
}

static inline alluvium_optional_time alluvium_host_processing_time(alluvium_context *context) {
    return ((const alluvium_harness *)context->host_data)->live.clocks[1];
}

// Keeps a copy of a record, or of a message.
static inline void alluvium_keep(alluvium_harness *harness, alluvium_emitted *emitted, alluvium_bytes record) {
    alluvium_arena *kept = &harness->kept;
    emitted->at = alluvium_grown(kept, emitted->at, emitted->count, &emitted->capacity, sizeof *emitted->at);
    emitted->at[emitted->count++] = alluvium_copy(kept, record);
}

static inline bool alluvium_host_emit(alluvium_context *context, uint32_t output, alluvium_bytes record) {
    alluvium_harness *harness = context->host_data;
    const alluvium_port *outputs = context->plugin->describe.outputs;
    size_t count = alluvium_port_count(outputs);
    if (output >= count) {
        return alluvium_fail(context, "there is no output %lu: the operator describes %zu", (unsigned long)output,
                             count);
    }
    if (outputs[output].format == ALLUVIUM_LINES && record.len && memchr(record.at, '\n', record.len)) {
        return alluvium_fail(context, "a record with a line break in it: emit it line by line, or escape it");
    }
    alluvium_keep(harness, &harness->outputs[output], record);
    return true;
}

static inline void alluvium_host_log(alluvium_context *context, alluvium_level level, alluvium_text message) {
    static const char *const levels[] = {"Debug: ", "Info: ", "Warn: ", "Error: "};
    alluvium_harness *harness = context->host_data;
    alluvium_buffer line = alluvium_buffer_in(context->arena);
    alluvium_add(&line, levels[level]);
    alluvium_add_text(&line, message);
    alluvium_keep(harness, &harness->messages, alluvium_buffer_bytes(&line));
}

static const alluvium_host alluvium_harness_host = {
    .namespace_number = alluvium_host_namespace,
    .get_many = alluvium_host_get_many,
    .apply = alluvium_host_apply,
    .scan = alluvium_host_scan,
    .delete_range = alluvium_host_delete_range,
    .page = alluvium_host_page,
    .set_timer = alluvium_host_set_timer,
    .delete_timer = alluvium_host_delete_timer,
    .watermark = alluvium_host_watermark,
    .processing_time = alluvium_host_processing_time,
    .emit = alluvium_host_emit,
    .log = alluvium_host_log,
};

#endif
