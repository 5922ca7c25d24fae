// The exports of a component: what its host calls.
//
// An exported function owns its arguments, and frees them. The bindings free what it returns, so that is memory from
// malloc, and never from the arena.
#ifndef ALLUVIUM_EXPORTS_H
#define ALLUVIUM_EXPORTS_H

#include "imports.h"

// A plugin of several files exports these once, whichever of them include this header.
#define ALLUVIUM_WEAK __attribute__((weak))

// The operator of this component, and what it keeps between calls.
typedef struct {
    bool is_running;
    alluvium_instance instance;
    alluvium_imports imports;
    // The parameters, which stay until the next open.
    alluvium_arena kept;
    alluvium_setting *settings;
    size_t setting_count;
} alluvium_component;

static inline alluvium_component *alluvium_the_component(void) {
    static alluvium_component component;
    if (!component.is_running) component.instance = alluvium_instance_of(alluvium_exported_operator());
    component.is_running = true;
    return &component;
}

static inline alluvium_context alluvium_begin_call(alluvium_component *component) {
    return (alluvium_context){.arena = &component->instance.arena,
                              .host = &alluvium_component_host,
                              .host_data = &component->imports,
                              .plugin = component->instance.plugin,
                              .settings = component->settings,
                              .setting_count = component->setting_count};
}

// Copies a text for the bindings, which free it.
static inline keyed_timed_plugin_string_t alluvium_given(alluvium_text text) {
    keyed_timed_plugin_string_t given = {NULL, 0};
    keyed_timed_plugin_string_dup_n(&given, text.at, text.len);
    return given;
}

static inline keyed_timed_plugin_string_t alluvium_given_name(const char *name) {
    return alluvium_given(alluvium_text_of(name ? name : ""));
}

// Allocates a list for the bindings, which free it.
static inline void *alluvium_given_list(size_t count, size_t size) {
    void *list = calloc(count ? count : 1, size);
    if (!list) alluvium_bug("there is no memory");
    return list;
}

// Ends a call: writes what has changed, or says what was wrong, and frees the arena.
static inline bool alluvium_end_call(alluvium_context *context, bool is_ok, keyed_timed_plugin_string_t *error) {
    is_ok = alluvium_finish_call(context, is_ok);
    if (!is_ok) *error = alluvium_given(context->error);
    alluvium_arena_reset(context->arena);
    return is_ok;
}

static inline alluvium_checkpoint_types_time_domain_t alluvium_domain(bool is_processing) {
    return is_processing ? ALLUVIUM_CHECKPOINT_TYPES_TIME_DOMAIN_PROCESSING
                         : ALLUVIUM_CHECKPOINT_TYPES_TIME_DOMAIN_EVENT;
}

static inline alluvium_checkpoint_types_namespace_declaration_t alluvium_declared(alluvium_namespace space) {
    alluvium_checkpoint_types_namespace_declaration_t declared = {.name = alluvium_given_name(space.name)};
    declared.kind.tag = ALLUVIUM_CHECKPOINT_TYPES_NAMESPACE_KIND_HASHED;
    if (space.kind == ALLUVIUM_ORDERED) {
        declared.kind.tag = ALLUVIUM_CHECKPOINT_TYPES_NAMESPACE_KIND_ORDERED;
        declared.kind.val.ordered = space.route_bytes;
    } else if (alluvium_holds_timers(&space)) {
        declared.kind.tag = ALLUVIUM_CHECKPOINT_TYPES_NAMESPACE_KIND_TIMERS;
        declared.kind.val.timers = alluvium_domain(space.kind == ALLUVIUM_PROCESSING_TIMERS);
    }
    declared.expires.is_some = space.expires.clock != ALLUVIUM_NO_CLOCK;
    declared.expires.val.domain = alluvium_domain(space.expires.clock == ALLUVIUM_PROCESSING_TIME);
    declared.expires.val.after_ms = space.expires.after_ms;
    declared.merge.is_some = space.merge != ALLUVIUM_NO_MERGE;
    // The operators stand in the same order here and there.
    if (declared.merge.is_some) declared.merge.val = (uint8_t)(space.merge - ALLUVIUM_MERGE_ADD);
    return declared;
}

ALLUVIUM_WEAK void
exports_alluvium_checkpoint_operator_describe(exports_alluvium_checkpoint_operator_description_t *ret) {
    const alluvium_operator *plugin = alluvium_the_component()->instance.plugin;
    const alluvium_description *describe = &plugin->describe;
    size_t inputs = alluvium_port_count(describe->inputs), outputs = alluvium_port_count(describe->outputs);
    size_t parameters = alluvium_parameter_count(describe), spaces = 0;
    while (alluvium_namespace_at(plugin, spaces).name) spaces++;
    *ret = (exports_alluvium_checkpoint_operator_description_t){
        .name = alluvium_given_name(alluvium_operator_name(plugin)),
        .schema_version = alluvium_schema_version(plugin),
        .inputs = {alluvium_given_list(inputs, sizeof *ret->inputs.ptr), inputs},
        .outputs = {alluvium_given_list(outputs, sizeof *ret->outputs.ptr), outputs},
        .namespaces = {alluvium_given_list(spaces, sizeof *ret->namespaces.ptr), spaces},
        .parameters = {alluvium_given_list(parameters, sizeof *ret->parameters.ptr), parameters},
    };
    // The formats stand in the same order here and there.
    for (size_t at = 0; at < inputs; at++) {
        ret->inputs.ptr[at].name = alluvium_given_name(alluvium_port_name(&describe->inputs[at]));
        ret->inputs.ptr[at].format = (uint8_t)describe->inputs[at].format;
    }
    for (size_t at = 0; at < outputs; at++) {
        ret->outputs.ptr[at].name = alluvium_given_name(alluvium_port_name(&describe->outputs[at]));
        ret->outputs.ptr[at].format = (uint8_t)describe->outputs[at].format;
    }
    for (size_t at = 0; at < spaces; at++) {
        ret->namespaces.ptr[at] = alluvium_declared(alluvium_namespace_at(plugin, at));
    }
    for (size_t at = 0; at < parameters; at++) {
        const alluvium_parameter *parameter = &describe->parameters[at];
        ret->parameters.ptr[at].name = alluvium_given_name(parameter->name);
        ret->parameters.ptr[at].doc = alluvium_given_name(parameter->doc);
        ret->parameters.ptr[at].default_.is_some = parameter->value != NULL;
        if (parameter->value) ret->parameters.ptr[at].default_.val = alluvium_given_name(parameter->value);
    }
}

// Copies a string of the bindings to where it stays until the next open.
static inline alluvium_text alluvium_kept_string(alluvium_component *component, keyed_timed_plugin_string_t string) {
    return alluvium_copy(&component->kept, (alluvium_text){(const char *)string.ptr, string.len});
}

ALLUVIUM_WEAK bool exports_alluvium_checkpoint_operator_open(exports_alluvium_checkpoint_operator_context_t *context,
                                                             keyed_timed_plugin_string_t *err) {
    alluvium_component *component = alluvium_the_component();
    alluvium_arena_reset(&component->kept);
    component->setting_count = context->settings.len;
    component->settings = alluvium_new(&component->kept, context->settings.len, sizeof *component->settings);
    for (size_t at = 0; at < context->settings.len; at++) {
        const exports_alluvium_checkpoint_operator_setting_t *given = &context->settings.ptr[at];
        alluvium_setting *setting = &component->settings[at];
        setting->name = alluvium_kept_string(component, given->name);
        setting->value = alluvium_kept_string(component, given->value);
        setting->previous.is_some = given->previous.is_some;
        if (given->previous.is_some) setting->previous.value = alluvium_kept_string(component, given->previous.val);
    }
    exports_alluvium_checkpoint_operator_context_free(context);
    alluvium_context call = alluvium_begin_call(component);
    const alluvium_operator *plugin = component->instance.plugin;
    return alluvium_end_call(&call, !plugin->open || plugin->open(component->instance.self, &call), err);
}

ALLUVIUM_WEAK bool exports_alluvium_checkpoint_operator_begin(uint32_t input, keyed_timed_plugin_list_string_t *header,
                                                              keyed_timed_plugin_string_t *err) {
    alluvium_component *component = alluvium_the_component();
    alluvium_context call = alluvium_begin_call(component);
    alluvium_text *names = alluvium_take(call.arena, header->len, sizeof *names);
    for (size_t at = 0; at < header->len; at++) {
        names[at] = (alluvium_text){(const char *)header->ptr[at].ptr, header->ptr[at].len};
    }
    alluvium_header columns = {names, header->len};
    bool is_ok = alluvium_call_begin(component->instance.self, input, &columns, &call);
    is_ok = alluvium_end_call(&call, is_ok, err);
    keyed_timed_plugin_list_string_free(header);
    return is_ok;
}

static inline alluvium_batch alluvium_batch_of(const exports_alluvium_checkpoint_operator_batch_t *batch) {
    if (batch->tag == EXPORTS_ALLUVIUM_CHECKPOINT_OPERATOR_BATCH_COLUMNS) {
        const exports_alluvium_checkpoint_operator_column_batch_t *columns = &batch->val.columns;
        return (alluvium_batch){ALLUVIUM_LINES, columns->count, columns->field_lens.ptr, columns->field_lens.len,
                                alluvium_bytes_of(columns->fields)};
    }
    const exports_alluvium_checkpoint_operator_record_batch_t *records = &batch->val.records;
    return (alluvium_batch){ALLUVIUM_RECORDS, (uint32_t)records->lens.len, records->lens.ptr, records->lens.len,
                            alluvium_bytes_of(records->bytes)};
}

ALLUVIUM_WEAK bool exports_alluvium_checkpoint_operator_process(uint32_t input,
                                                                exports_alluvium_checkpoint_operator_batch_t *batch,
                                                                exports_alluvium_checkpoint_operator_failure_t *err) {
    alluvium_component *component = alluvium_the_component();
    alluvium_context call = alluvium_begin_call(component);
    alluvium_batch records = alluvium_batch_of(batch);
    bool is_ok = alluvium_call_process(component->instance.self, input, &records, &call);
    is_ok = alluvium_end_call(&call, is_ok, &err->text);
    err->record.is_some = call.has_record;
    err->record.val = call.record;
    exports_alluvium_checkpoint_operator_batch_free(batch);
    return is_ok;
}

ALLUVIUM_WEAK bool exports_alluvium_checkpoint_keyed_route(uint32_t input,
                                                           exports_alluvium_checkpoint_keyed_batch_t *batch,
                                                           exports_alluvium_checkpoint_keyed_packed_keys_t *ret,
                                                           exports_alluvium_checkpoint_keyed_failure_t *err) {
    alluvium_component *component = alluvium_the_component();
    alluvium_context call = alluvium_begin_call(component);
    alluvium_batch records = alluvium_batch_of(batch);
    const alluvium_bytes *keys = alluvium_call_route(component->instance.self, input, &records, &call);
    *ret = (exports_alluvium_checkpoint_keyed_packed_keys_t){0};
    if (keys) {
        keyed_timed_plugin_list_u32_t lens;
        keyed_timed_plugin_list_u8_t bytes = alluvium_pack(&call, keys, records.count, sizeof *keys, &lens);
        ret->lens.ptr = alluvium_given_list(lens.len, sizeof *lens.ptr);
        ret->bytes.ptr = alluvium_given_list(bytes.len, 1);
        if (lens.len) memcpy(ret->lens.ptr, lens.ptr, lens.len * sizeof *lens.ptr);
        if (bytes.len) memcpy(ret->bytes.ptr, bytes.ptr, bytes.len);
        ret->lens.len = lens.len;
        ret->bytes.len = bytes.len;
    }
    bool is_ok = alluvium_end_call(&call, keys != NULL, &err->text);
    err->record.is_some = call.has_record;
    err->record.val = call.record;
    exports_alluvium_checkpoint_keyed_batch_free(batch);
    if (!is_ok) exports_alluvium_checkpoint_keyed_packed_keys_free(ret);
    return is_ok;
}

ALLUVIUM_WEAK bool exports_alluvium_checkpoint_operator_results(bool start, uint32_t limit,
                                                                keyed_timed_plugin_list_string_t *ret,
                                                                keyed_timed_plugin_string_t *err) {
    alluvium_component *component = alluvium_the_component();
    alluvium_context call = alluvium_begin_call(component);
    const alluvium_operator *plugin = component->instance.plugin;
    alluvium_lines lines = {0};
    bool is_ok = !plugin->results || plugin->results(component->instance.self, start, limit, &lines, &call);
    is_ok = is_ok && !call.has_failed;
    *ret =
        (keyed_timed_plugin_list_string_t){alluvium_given_list(lines.count, sizeof *ret->ptr), is_ok ? lines.count : 0};
    for (size_t at = 0; at < ret->len; at++) ret->ptr[at] = alluvium_given(lines.at[at]);
    if (alluvium_end_call(&call, is_ok, err)) return true;
    keyed_timed_plugin_list_string_free(ret);
    return false;
}

// Returns the name of a namespace of timers, or null if no such namespace has this number.
static inline const char *alluvium_timers_of(uint32_t space, alluvium_context *context) {
    for (size_t at = 0; at < ALLUVIUM_NAMESPACES_MAX && !context->has_failed; at++) {
        alluvium_namespace declared = alluvium_namespace_at(context->plugin, at);
        uint32_t number;
        if (!declared.name) break;
        if (!alluvium_holds_timers(&declared)) continue;
        if (alluvium_number_of(context, declared.name, &number) && number == space) return declared.name;
    }
    alluvium_fail(context, "there is no namespace of number %lu that holds timers", (unsigned long)space);
    return NULL;
}

ALLUVIUM_WEAK bool exports_alluvium_checkpoint_timed_on_timers(uint32_t space, int64_t at_ms,
                                                               exports_alluvium_checkpoint_timed_packed_keys_t *keys,
                                                               keyed_timed_plugin_string_t *err) {
    alluvium_component *component = alluvium_the_component();
    alluvium_context call = alluvium_begin_call(component);
    const char *name = alluvium_timers_of(space, &call);
    size_t count = keys->lens.len;
    alluvium_bytes *parts = alluvium_parts(call.arena, keys->lens.ptr, count, alluvium_bytes_of(keys->bytes));
    if (!parts) alluvium_fail(&call, "fewer bytes than the lengths say");
    bool is_ok = !call.has_failed &&
                 alluvium_call_timers(component->instance.self, name, (alluvium_time){at_ms}, parts, count, &call);
    is_ok = alluvium_end_call(&call, is_ok, err);
    exports_alluvium_checkpoint_timed_packed_keys_free(keys);
    return is_ok;
}

ALLUVIUM_WEAK bool exports_alluvium_checkpoint_timed_finish(keyed_timed_plugin_string_t *err) {
    alluvium_component *component = alluvium_the_component();
    alluvium_context call = alluvium_begin_call(component);
    const alluvium_operator *plugin = component->instance.plugin;
    return alluvium_end_call(&call, !plugin->finish || plugin->finish(component->instance.self, &call), err);
}

#endif
