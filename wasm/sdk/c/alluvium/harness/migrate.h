// Another version of an operator, over the state that the harness has kept of the one before.
#ifndef ALLUVIUM_HARNESS_MIGRATE_H
#define ALLUVIUM_HARNESS_MIGRATE_H

#include "run.h"

// Says that a namespace was declared in another way.
static inline const char *alluvium_other_namespace(alluvium_harness *harness, const char *name) {
    alluvium_buffer text = alluvium_buffer_in(&harness->kept);
    alluvium_add(&text, "namespace ");
    alluvium_add_quoted(&text, alluvium_text_of(name));
    alluvium_add(&text, " is declared in another way, and cannot become this");
    return alluvium_run_error(harness, alluvium_buffer_bytes(&text));
}

// Takes the tables of the version before, each to the place where this version declares it. What it does not declare is
// left behind.
static inline const char *alluvium_take_tables(alluvium_harness *harness, const alluvium_harness *before,
                                               alluvium_state *state) {
    memset(state->tables, 0, sizeof state->tables);
    for (size_t to = 0; to < ALLUVIUM_NAMESPACES_MAX; to++) {
        alluvium_namespace is = alluvium_namespace_at(harness->instance.plugin, to);
        size_t from = is.name ? alluvium_place_of(before->instance.plugin, is.name) : ALLUVIUM_NAMESPACES_MAX;
        if (from == ALLUVIUM_NAMESPACES_MAX) continue;
        alluvium_namespace was = alluvium_namespace_at(before->instance.plugin, from);
        if (is.kind != was.kind || is.route_bytes != was.route_bytes || is.merge != was.merge ||
            is.expires.clock != was.expires.clock || is.expires.after_ms != was.expires.after_ms) {
            return alluvium_other_namespace(harness, is.name);
        }
        state->tables[to] = before->saved.tables[from];
    }
    return NULL;
}

// Takes the values of the parameters in the checkpoint, each to the place where this version declares it.
static inline void alluvium_take_settings(alluvium_harness *harness, const alluvium_harness *before,
                                          alluvium_state *state) {
    const alluvium_description *is = &harness->instance.plugin->describe, *was = &before->instance.plugin->describe;
    memset(state->settings, 0, sizeof state->settings);
    for (size_t to = 0; to < alluvium_parameter_count(is); to++) {
        for (size_t from = 0; from < alluvium_parameter_count(was); from++) {
            if (strcmp(is->parameters[to].name, was->parameters[from].name) != 0) continue;
            alluvium_optional_bytes value = before->saved.settings[from];
            if (value.is_some) value.value = alluvium_copy(&harness->kept, value.value);
            state->settings[to] = value;
        }
    }
}

// Takes over what the version before has kept and shown.
static inline const char *alluvium_take_over(alluvium_harness *harness, const alluvium_harness *before) {
    alluvium_state state = before->saved;
    const char *wrong = alluvium_take_tables(harness, before, &state);
    if (wrong) return wrong;
    alluvium_take_settings(harness, before, &state);
    alluvium_state_copy(&harness->live, &state);
    for (size_t output = 0; output < ALLUVIUM_PORTS_MAX; output++) {
        const alluvium_emitted *shown = &before->outputs[output];
        for (size_t at = 0; at < shown->shown; at++) {
            alluvium_keep(harness, &harness->outputs[output], shown->at[at]);
        }
        harness->outputs[output].shown = shown->shown;
    }
    return NULL;
}

// Has the operator rewrite the state.
static inline const char *alluvium_run_migrate(alluvium_harness *harness, uint32_t from) {
    alluvium_emitted_before before = alluvium_run_emitted(harness);
    alluvium_context context = alluvium_run_begin(harness);
    bool is_ok = alluvium_call_migrate(harness->instance.self, from, &context);
    const char *wrong = alluvium_run_end(harness, &context, &before, is_ok);
    for (size_t output = 0; !wrong && output < ALLUVIUM_PORTS_MAX; output++) {
        bool has_emitted = harness->outputs[output].count > harness->outputs[output].shown;
        if (has_emitted) wrong = "it emitted something: only a batch may";
    }
    return wrong;
}

#endif
