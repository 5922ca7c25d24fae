// The plugin `delays` in C. It adds up flight delays for each carrier and route.
//
// The state has one key for each carrier and route, `{carrier}:{origin}-{dest}`. Its value is the JSON object
// that the plugin of the same name in Rust writes, byte for byte. Each can continue from the other's checkpoints.
//
// Ownership: an exported function owns its arguments and frees them. The generated code frees the values that
// an exported function returns. This file frees the values that imported functions return.

#include <stdlib.h>
#include <string.h>

#include "route.h"

// These values are lost when the host discards the instance: the header, which the next `begin` passes
// again, and the walk that `results` continues. Data that must survive is in `state`.
static Columns columns;
static bool has_columns;
static alluvium_checkpoint_state_own_cursor_t walk;
static bool has_walk;

// The namespace that every state has.
enum { DEFAULT };

// One flight of a batch with its key. After `add_up` there is one entry for each key.
typedef struct {
    Slice key;
    uint32_t record;
    Route route;
} Change;

// Gives a text to the generated code, which frees it.
static plugin_string_t given(Text text) {
    return (plugin_string_t){text.ptr, text.len};
}

// Returns the engine's text for a call that the state refused. The text says where the error is.
static bool refused(alluvium_checkpoint_state_error_t *error, Text *wrong) {
    // Every case holds one text, at the same place in memory.
    text_bytes(wrong, error->val.other.ptr, error->val.other.len);
    alluvium_checkpoint_state_error_free(error);
    return false;
}

static void drop_walk(void) {
    if (has_walk) alluvium_checkpoint_state_cursor_drop_own(walk);
    has_walk = false;
}

void exports_alluvium_checkpoint_operator_describe(exports_alluvium_checkpoint_operator_description_t *description) {
    *description = (exports_alluvium_checkpoint_operator_description_t){.schema_version = 1};
    plugin_string_dup(&description->name, "delays");
    description->inputs.ptr = allocate(1, sizeof *description->inputs.ptr);
    description->inputs.len = 1;
    plugin_string_dup(&description->inputs.ptr->name, "flights");
    description->inputs.ptr->format = EXPORTS_ALLUVIUM_CHECKPOINT_OPERATOR_INPUT_FORMAT_COLUMNS;
}

bool exports_alluvium_checkpoint_operator_open(exports_alluvium_checkpoint_operator_context_t *context,
                                               plugin_string_t *error) {
    (void)error;
    exports_alluvium_checkpoint_operator_context_free(context);
    drop_walk();
    has_columns = false;
    return true;
}

bool exports_alluvium_checkpoint_operator_begin(uint32_t input, plugin_list_string_t *header, plugin_string_t *error) {
    (void)input;
    Text wrong = {0};
    has_columns = columns_find(&columns, header, &wrong);
    plugin_list_string_free(header);
    *error = given(wrong);
    return has_columns;
}

// Orders changes by key, and changes with equal keys by record.
static int compare_changes(const void *left, const void *right) {
    const Change *a = left, *b = right;
    int order = slice_compare(a->key, b->key);
    return order ? order : (a->record > b->record) - (a->record < b->record);
}

// Adds up a batch. It fills `changes`, sorted by key, and stores their keys in `keys`. Returns false on an error,
// which `wrong` describes; `blamed` is then the record that is to blame.
static bool add_up(uint32_t records, const Flight *flights, Change *changes, size_t *count, Text *keys,
                   uint32_t *blamed, Text *wrong) {
    for (uint32_t record = 0; record < records; record++) {
        const Flight *flight = &flights[record];
        size_t begin = keys->len;
        text_bytes(keys, flight->carrier.ptr, flight->carrier.len);
        text_bytes(keys, ":", 1);
        text_bytes(keys, flight->origin.ptr, flight->origin.len);
        text_bytes(keys, "-", 1);
        text_bytes(keys, flight->dest.ptr, flight->dest.len);
        changes[record] = (Change){{0}, record, route_of(flight)};
        changes[record].key.len = keys->len - begin;
    }
    // The keys are set only now, because `keys` moved while it grew.
    const uint8_t *at = keys->ptr;
    for (uint32_t record = 0; record < records; record++) {
        changes[record].key.ptr = at;
        at += changes[record].key.len;
    }
    qsort(changes, records, sizeof *changes, compare_changes);
    *count = 0;
    for (uint32_t record = 0; record < records; record++) {
        Change *last = *count ? &changes[*count - 1] : NULL;
        if (!last || slice_compare(last->key, changes[record].key) != 0) {
            changes[(*count)++] = changes[record];
            continue;
        }
        if (!route_plus(&last->route, &changes[record].route, last->key, wrong)) {
            *blamed = changes[record].record;
            return false;
        }
    }
    return true;
}

// Adds the changes to the state, with one call to read and one call to write, whatever their number.
static bool work_in(Change *changes, size_t count, Text *wrong) {
    uint32_t *key_lens = allocate(count, sizeof *key_lens), *value_lens = allocate(count, sizeof *value_lens);
    uint8_t *ops = allocate(count, 1);
    Text keys = {0}, values = {0};
    for (size_t at = 0; at < count; at++) {
        key_lens[at] = (uint32_t)changes[at].key.len;
        text_bytes(&keys, changes[at].key.ptr, changes[at].key.len);
    }

    alluvium_checkpoint_state_packed_keys_t question = {{key_lens, count}, {keys.ptr, keys.len}};
    alluvium_checkpoint_state_packed_values_t old;
    alluvium_checkpoint_state_error_t error;
    bool is_ok = alluvium_checkpoint_state_get_many(DEFAULT, &question, &old, &error) || refused(&error, wrong);
    if (is_ok) {
        const uint8_t *value = old.bytes.ptr;
        for (size_t at = 0; is_ok && at < count; value += old.lens.ptr[at], at++) {
            Route route = {0};
            if (old.present.ptr[at]) {
                is_ok = route_read(&route, changes[at].key, (Slice){value, old.lens.ptr[at]}, wrong);
            }
            is_ok = is_ok && route_plus(&route, &changes[at].route, changes[at].key, wrong);
            size_t before = values.len;
            route_write(&route, &values);
            value_lens[at] = (uint32_t)(values.len - before);
        }
        alluvium_checkpoint_state_packed_values_free(&old);
    }
    if (is_ok) {
        alluvium_checkpoint_state_columns_t update = {
            {ops, count}, {key_lens, count}, {value_lens, count}, {keys.ptr, keys.len}, {values.ptr, values.len}};
        uint64_t applied;
        is_ok = alluvium_checkpoint_state_apply(DEFAULT, &update, &applied, &error) || refused(&error, wrong);
    }
    text_free(&keys);
    text_free(&values);
    free(key_lens);
    free(value_lens);
    free(ops);
    return is_ok;
}

// Adds a batch to the state. Returns false on an error, which `wrong` describes; `blamed` is then the record that is to
// blame.
static bool process(const exports_alluvium_checkpoint_operator_batch_t *batch, uint32_t *blamed, Text *wrong) {
    *blamed = NO_RECORD;
    if (batch->tag != EXPORTS_ALLUVIUM_CHECKPOINT_OPERATOR_BATCH_COLUMNS) {
        text_add(wrong, "the input has columns");
        return false;
    }
    if (!has_columns) {
        text_add(wrong, "process was called before begin");
        return false;
    }
    const exports_alluvium_checkpoint_operator_column_batch_t *records = &batch->val.columns;
    Flight *flights = allocate(records->count, sizeof *flights);
    Change *changes = allocate(records->count, sizeof *changes);
    Text keys = {0};
    size_t count = 0;
    bool is_ok = flights_read(&columns, records, flights, blamed, wrong) &&
                 add_up(records->count, flights, changes, &count, &keys, blamed, wrong) &&
                 work_in(changes, count, wrong);
    text_free(&keys);
    free(changes);
    free(flights);
    return is_ok;
}

bool exports_alluvium_checkpoint_operator_process(uint32_t input, exports_alluvium_checkpoint_operator_batch_t *batch,
                                                  exports_alluvium_checkpoint_operator_failure_t *failure) {
    (void)input;
    Text wrong = {0};
    uint32_t blamed;
    bool is_ok = process(batch, &blamed, &wrong);
    exports_alluvium_checkpoint_operator_batch_free(batch);
    failure->record.is_some = blamed != NO_RECORD;
    failure->record.val = blamed;
    failure->text = given(wrong);
    return is_ok;
}

bool exports_alluvium_checkpoint_operator_results(bool start, uint32_t limit, plugin_list_string_t *lines,
                                                  plugin_string_t *error) {
    Text wrong = {0};
    alluvium_checkpoint_state_error_t why;
    *lines = (plugin_list_string_t){0};
    if (start) {
        plugin_list_u8_t everything = {0};
        drop_walk();
        has_walk = alluvium_checkpoint_state_iterate(DEFAULT, &everything, &walk, &why) || refused(&why, &wrong);
    } else if (!has_walk) {
        text_add(&wrong, "results was called for the next page before the first page");
    }
    alluvium_checkpoint_state_columns_t page;
    bool is_ok = has_walk && (alluvium_checkpoint_state_method_cursor_next(alluvium_checkpoint_state_borrow_cursor(walk),
                                                                           limit, &page, &why) ||
                              refused(&why, &wrong));
    if (is_ok) {
        const uint8_t *key = page.keys.ptr, *value = page.values.ptr;
        lines->ptr = allocate(page.ops.len, sizeof *lines->ptr);
        for (size_t at = 0; is_ok && at < page.ops.len; at++) {
            Slice key_at = {key, page.key_lens.ptr[at]}, value_at = {value, page.value_lens.ptr[at]};
            Route route;
            is_ok = route_read(&route, key_at, value_at, &wrong);
            if (is_ok) {
                Text line = {0};
                text_add(&line, "{\"key\":");
                text_quoted(&line, key_at);
                text_add(&line, ",");
                size_t brace = line.len;
                route_write(&route, &line);
                // The line is one object: the key, followed by the route's members.
                memmove(line.ptr + brace, line.ptr + brace + 1, line.len - brace - 1);
                line.len--;
                lines->ptr[lines->len++] = given(line);
            }
            key += key_at.len;
            value += value_at.len;
        }
        alluvium_checkpoint_state_columns_free(&page);
        if (!is_ok) plugin_list_string_free(lines);
    }
    *error = given(wrong);
    return is_ok;
}
