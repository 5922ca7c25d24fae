// What an operator works with during one call: its state, its clocks, its outputs.
#ifndef ALLUVIUM_CONTEXT_H
#define ALLUVIUM_CONTEXT_H

#include <stdarg.h>

#include "host.h"
#include "index.h"
#include "json.h"

// A value of a parameter.
typedef struct {
    alluvium_text name, value;
    // The value in the checkpoint that the state comes from.
    alluvium_optional_bytes previous;
} alluvium_setting;

// An entry that a call has touched.
typedef struct {
    alluvium_optional_bytes value;
    bool is_changed;
    // A merge changes it later. It is as if it had not been read.
    bool is_forgotten;
} alluvium_cached;

// The entries of a namespace that a call has touched, in the order in which it did.
typedef struct {
    uint32_t space;
    alluvium_index index;
    alluvium_cached *entries;
    size_t capacity;
    // What will be merged. No key is here whose value is known.
    alluvium_change *merges;
    size_t merge_count, merge_capacity;
} alluvium_cache;

// What an operator works with during one call.
//
// State is read through a cache and written at the end of the call: all reads that alluvium_prefetch names are one call
// to the host, and so are all writes to a namespace. The cache does not outlive the call, because the host may undo it.
//
// After the first error, every function here does nothing and returns false, or nothing. The call then fails with that
// error, whether the operator returns false or not: an error that the operator overlooks loses no data.
struct alluvium_context {
    // Lives until the end of the call.
    alluvium_arena *arena;
    const alluvium_host *host;
    void *host_data;
    const struct alluvium_operator *plugin;
    const alluvium_setting *settings;
    size_t setting_count;
    alluvium_cache caches[ALLUVIUM_NAMESPACES_MAX + 1];
    size_t cache_count;
    bool has_failed;
    alluvium_text error;
    // The record that is to blame, if there is a single one.
    bool has_record;
    uint32_t record;
};

// Fails the call with a text that is already written. Returns false, so that it can be returned.
static inline bool alluvium_fail_with(alluvium_context *context, alluvium_text text) {
    if (context->has_failed) return false;
    alluvium_buffer error = alluvium_buffer_in(context->arena);
    alluvium_add_lossy(&error, text);
    context->has_failed = true;
    context->error = alluvium_buffer_bytes(&error);
    return false;
}

// Writes a text as printf does.
__attribute__((format(printf, 2, 0))) static inline alluvium_text
alluvium_formatted(alluvium_arena *arena, const char *format, va_list arguments) {
    va_list measured;
    va_copy(measured, arguments);
    int len = vsnprintf(NULL, 0, format, measured);
    va_end(measured);
    if (len < 0) alluvium_bug("a text that cannot be written");
    char *text = alluvium_take(arena, (size_t)len + 1, 1);
    vsnprintf(text, (size_t)len + 1, format, arguments);
    return (alluvium_text){text, (size_t)len};
}

// Fails the call, with a text as of printf. Use alluvium_quoted for texts of the input, which may have zeroes within.
__attribute__((format(printf, 2, 3))) static inline bool alluvium_fail(alluvium_context *context, const char *format,
                                                                       ...) {
    va_list arguments;
    va_start(arguments, format);
    alluvium_text text = alluvium_formatted(context->arena, format, arguments);
    va_end(arguments);
    return alluvium_fail_with(context, text);
}

// Says which record of the batch is to blame for an error, counted from 0: return alluvium_blame(context, record).
static inline bool alluvium_blame(alluvium_context *context, uint32_t record) {
    if (!context->has_record) context->record = record;
    context->has_record = true;
    return false;
}

// Returns a text as JSON has it, with a zero at its end.
static inline const char *alluvium_quoted(alluvium_context *context, alluvium_text text) {
    alluvium_buffer quoted = alluvium_buffer_in(context->arena);
    alluvium_add_quoted(&quoted, text);
    alluvium_add_byte(&quoted, 0);
    return quoted.at;
}

// Writes a message to the host's log, as printf does.
__attribute__((format(printf, 3, 4))) static inline void alluvium_log(alluvium_context *context, alluvium_level level,
                                                                      const char *format, ...) {
    if (context->has_failed) return;
    va_list arguments;
    va_start(arguments, format);
    alluvium_text text = alluvium_formatted(context->arena, format, arguments);
    va_end(arguments);
    alluvium_buffer message = alluvium_buffer_in(context->arena);
    alluvium_add_lossy(&message, text);
    context->host->log(context, level, alluvium_buffer_bytes(&message));
}

static inline const alluvium_setting *alluvium_setting_of(const alluvium_context *context, const char *name) {
    for (size_t at = 0; at < context->setting_count; at++) {
        if (alluvium_text_is(context->settings[at].name, name)) return &context->settings[at];
    }
    return NULL;
}

// Returns the value of a parameter.
static inline alluvium_optional_bytes alluvium_get_parameter(const alluvium_context *context, const char *name) {
    const alluvium_setting *setting = alluvium_setting_of(context, name);
    return setting ? (alluvium_optional_bytes){true, setting->value} : (alluvium_optional_bytes){0};
}

// Returns the value that a parameter had in the checkpoint that the state comes from.
static inline alluvium_optional_bytes alluvium_get_previous_parameter(const alluvium_context *context,
                                                                      const char *name) {
    const alluvium_setting *setting = alluvium_setting_of(context, name);
    return setting ? setting->previous : (alluvium_optional_bytes){0};
}

// Returns the watermark: no record with an earlier time is expected.
static inline alluvium_optional_time alluvium_watermark(alluvium_context *context) {
    return context->host->watermark(context);
}

// Returns the processing time. There is one if a namespace of the operator needs it.
static inline alluvium_optional_time alluvium_processing_time(alluvium_context *context) {
    return context->host->processing_time(context);
}

// Emits a record to an output, by its number. For an output of lines there must be no line break in it.
static inline bool alluvium_emit(alluvium_context *context, uint32_t output, alluvium_bytes record) {
    return !context->has_failed && context->host->emit(context, output, record);
}

static inline bool alluvium_emit_json(alluvium_context *context, uint32_t output, const alluvium_json *json) {
    return alluvium_emit(context, output, alluvium_json_bytes(json));
}

static inline bool alluvium_number_of(alluvium_context *context, const char *name, uint32_t *space) {
    return !context->has_failed && context->host->namespace_number(context, name, space);
}

// Sets a timer of a namespace that holds timers. Setting it again changes nothing.
static inline bool alluvium_set_timer(alluvium_context *context, const char *name, alluvium_time at,
                                      alluvium_bytes key) {
    uint32_t space;
    return alluvium_number_of(context, name, &space) && context->host->set_timer(context, space, at.ms, key);
}

// Deletes a timer. `was_set` may be null.
static inline bool alluvium_delete_timer(alluvium_context *context, const char *name, alluvium_time at,
                                         alluvium_bytes key, bool *was_set) {
    uint32_t space;
    bool ignored;
    return alluvium_number_of(context, name, &space) &&
           context->host->delete_timer(context, space, at.ms, key, was_set ? was_set : &ignored);
}

// The functions below ask the host at once, past the cache. They do not see what waits in the cache before
// alluvium_flush.

// Finds entries of an ordered namespace.
static inline bool alluvium_scan(alluvium_context *context, const char *name, const alluvium_range *range,
                                 alluvium_entries *found) {
    uint32_t space;
    return alluvium_number_of(context, name, &space) && context->host->scan(context, space, range, found);
}

// Deletes a range of an ordered namespace. `count` is how many entries there were.
static inline bool alluvium_delete_range(alluvium_context *context, const char *name, const alluvium_range *range,
                                         uint64_t *count) {
    uint32_t space;
    return alluvium_number_of(context, name, &space) && context->host->delete_range(context, space, range, count);
}

// Finds the next entries of a namespace of any kind in the order of their keys, and from the first one with `start`.
// It is for results: a hashed namespace is sorted for it.
static inline bool alluvium_results_page(alluvium_context *context, const char *name, bool start, uint32_t limit,
                                         alluvium_entries *found) {
    uint32_t space;
    return alluvium_number_of(context, name, &space) && context->host->page(context, space, start, limit, found);
}

#endif
