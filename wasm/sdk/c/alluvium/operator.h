// Operators: a description, and functions that a host calls.
#ifndef ALLUVIUM_OPERATOR_H
#define ALLUVIUM_OPERATOR_H

#include "json_rows.h"
#include "list.h"
#include "merged.h"
#include "ordered.h"

// Lines of results. They are copied.
typedef struct {
    alluvium_text *at;
    size_t count, capacity;
} alluvium_lines;

// Adds a line of JSON to a page of results.
static inline void alluvium_add_line(alluvium_lines *lines, const alluvium_json *json, alluvium_context *context) {
    lines->at = alluvium_grown(context->arena, lines->at, lines->count, &lines->capacity, sizeof *lines->at);
    lines->at[lines->count++] = alluvium_json_bytes(json);
}

// A stream operator.
//
// Each function gets `self`, the memory of the instance: `instance_bytes` zeroes at the start. It may be lost after any
// call. Everything that must survive belongs in the state, which the context leads to. A function returns false after
// alluvium_fail. The call has then changed nothing in the state, and has emitted nothing.
typedef struct alluvium_operator {
    alluvium_description describe;
    // The name in the code, for an operator that is described without one.
    const char *ident;
    size_t instance_bytes;
    // What an operator that is ready was declared as, as "windows", and by what, as alluvium_windows.
    const char *declared_as;
    const void *declared;

    // Rewrites the state that another version of the operator has left, of the schema version `from`, to that of
    // `describe`. It is called once, before `open`, and without parameters. It emits nothing. If it fails, the state is
    // as it was. ALLUVIUM_MIGRATING_OPERATOR sets it.
    bool (*migrate)(void *self, uint32_t from, alluvium_context *context);
    // Starts a run. The context has the parameters. Optional.
    bool (*open)(void *self, alluvium_context *context);
    // Begins an input of columns.
    bool (*begin)(void *self, uint32_t input, const alluvium_header *header, alluvium_context *context);
    // Works in a batch of an input.
    bool (*process)(void *self, uint32_t input, const alluvium_batch *batch, alluvium_context *context);
    // Sets the key of each record of a batch, so that the work can be divided among workers: `keys` has room for as
    // many as the batch has records. They stay until the end of the call, as what the arena has. Whatever the operator
    // does with a record or a timer, it touches only entries and timers of that key: in a hashed namespace the key
    // itself. The answer does not depend on the state. Optional: without it, the operator runs with one worker only.
    bool (*route)(void *self, uint32_t input, const alluvium_batch *batch, alluvium_bytes *keys,
                  alluvium_context *context);
    // Does the work of timers that are set for one time, in the order of their keys. `name` is that of the namespace
    // that holds them. Optional, without such a namespace.
    bool (*on_timers)(void *self, const char *name, alluvium_time at, const alluvium_bytes *keys, size_t count,
                      alluvium_context *context);
    // Does what is left to do when all inputs have ended. Optional.
    bool (*finish)(void *self, alluvium_context *context);
    // Adds a page of at most `limit` results: lines of JSON, sorted by their first member, "key". With `start` it is
    // the first page. An empty page is the end. Optional.
    bool (*results)(void *self, bool start, uint32_t limit, alluvium_lines *lines, alluvium_context *context);
} alluvium_operator;

static inline const char *alluvium_operator_name(const alluvium_operator *plugin) {
    return plugin->describe.name ? plugin->describe.name : plugin->ident;
}

static inline uint32_t alluvium_schema_version(const alluvium_operator *plugin) {
    return plugin->describe.schema_version ? plugin->describe.schema_version : 1;
}

// Returns a namespace of an operator as it is declared, and that of typed state by that state. There is none without a
// name.
static inline alluvium_namespace alluvium_namespace_at(const alluvium_operator *plugin, size_t at) {
    if (at >= ALLUVIUM_NAMESPACES_MAX) return (alluvium_namespace){0};
    alluvium_namespace space = plugin->describe.namespaces[at];
    if (space.name_at) space.name = *space.name_at;
    if (space.map) space = (alluvium_namespace){.name = space.map->name, .expires = space.map->expires};
    if (space.ordered) space = alluvium_ordered_namespace(space.ordered);
    if (space.merged) space = alluvium_merged_namespace(space.merged);
    return space;
}

static inline bool alluvium_holds_timers(const alluvium_namespace *space) {
    return space->kind == ALLUVIUM_EVENT_TIMERS || space->kind == ALLUVIUM_PROCESSING_TIMERS;
}

// Declares an operator by the members of alluvium_operator. A component has one. The name of the first argument is that
// of the operator, if it is described without one.
//
//     ALLUVIUM_OPERATOR(visits, .describe = {.inputs = {{.name = "clicks"}}}, .begin = begin, .process = process)
//
// It sets `migrate` to null, so the compiler complains of an operator that sets it again: the component would not
// export that migration.
#define ALLUVIUM_OPERATOR(called, ...) ALLUVIUM_DECLARE(called, .ident = #called, .migrate = NULL, __VA_ARGS__)

// Declares an operator that migrates the state of older versions by the function `migrating`. The component exports the
// migration, so that a host offers it.
//
//     ALLUVIUM_MIGRATING_OPERATOR(visits, migrate, .describe = {.schema_version = 2, …}, …)
#define ALLUVIUM_MIGRATING_OPERATOR(called, migrating, ...)                                                            \
    ALLUVIUM_DECLARE(called, .ident = #called, .migrate = migrating, __VA_ARGS__)                                      \
    ALLUVIUM_EXPORT_MIGRATION

// Declares an operator by all of its members, for the two macros above.
#define ALLUVIUM_DECLARE(called, ...)                                                                                  \
    static const alluvium_operator called##_alluvium_operator __attribute__((unused)) = {__VA_ARGS__};                 \
    ALLUVIUM_EXPORT(called##_alluvium_operator)

// A declared operator, for a harness.
#define ALLUVIUM_OPERATOR_OF(called) (&called##_alluvium_operator)

#ifdef __wasm__
// Defined by the one operator of a component, and asked for by exports.h.
const alluvium_operator *alluvium_exported_operator(void);
#define ALLUVIUM_EXPORT(one)                                                                                           \
    const alluvium_operator *alluvium_exported_operator(void) {                                                        \
        return &(one);                                                                                                 \
    }
#else
// Natively, the harness is told which operator it runs.
#define ALLUVIUM_EXPORT(one)
#define ALLUVIUM_EXPORT_MIGRATION
#endif

// What remains of an operator between calls.
typedef struct {
    const alluvium_operator *plugin;
    void *self;
    alluvium_arena arena;
} alluvium_instance;

static inline alluvium_instance alluvium_instance_of(const alluvium_operator *plugin) {
    alluvium_instance instance = {.plugin = plugin, .self = calloc(1, plugin->instance_bytes + 1)};
    if (!instance.self) alluvium_bug("there is no memory");
    return instance;
}

// Ends a call of the operator, which has returned `is_ok`: writes what has changed, or says what was wrong.
static inline bool alluvium_finish_call(alluvium_context *context, bool is_ok) {
    if (!is_ok) alluvium_fail(context, "the operator %s refused, and did not say why", context->plugin->ident);
    return alluvium_flush(context);
}

// Checks the number of an input, which comes from the host.
static inline bool alluvium_has_input(alluvium_context *context, uint32_t input) {
    size_t count = alluvium_port_count(context->plugin->describe.inputs);
    if (input < count) return true;
    return alluvium_fail(context, "there is no input %lu: the operator describes %zu", (unsigned long)input, count);
}

// Has the operator rewrite the state of another version.
static inline bool alluvium_call_migrate(void *self, uint32_t from, alluvium_context *context) {
    if (context->plugin->migrate) return context->plugin->migrate(self, from, context);
    return alluvium_fail(context, "the operator does not know a state of schema version %lu", (unsigned long)from);
}

// Begins an input of columns.
static inline bool alluvium_call_begin(void *self, uint32_t input, const alluvium_header *header,
                                       alluvium_context *context) {
    const alluvium_operator *plugin = context->plugin;
    return alluvium_has_input(context, input) && (!plugin->begin || plugin->begin(self, input, header, context));
}

// Has the operator work in a batch.
static inline bool alluvium_call_process(void *self, uint32_t input, const alluvium_batch *batch,
                                         alluvium_context *context) {
    return alluvium_has_input(context, input) && context->plugin->process(self, input, batch, context);
}

// Returns the keys that an operator says the records of a batch belong to, or null if the call has failed.
static inline alluvium_bytes *alluvium_call_route(void *self, uint32_t input, const alluvium_batch *batch,
                                                  alluvium_context *context) {
    if (!alluvium_has_input(context, input)) return NULL;
    if (!context->plugin->route) {
        alluvium_fail(context,
                      "the operator does not say which keys its records belong to, so its work cannot be divided");
        return NULL;
    }
    alluvium_bytes *keys = alluvium_new(context->arena, batch->count, sizeof *keys);
    return context->plugin->route(self, input, batch, keys, context) && !context->has_failed ? keys : NULL;
}

// Calls the operator with the timers of a namespace.
static inline bool alluvium_call_timers(void *self, const char *name, alluvium_time at, const alluvium_bytes *keys,
                                        size_t count, alluvium_context *context) {
    if (!context->plugin->on_timers) return alluvium_fail(context, "there is no work for the timers of %s", name);
    return context->plugin->on_timers(self, name, at, keys, count, context);
}

#endif
