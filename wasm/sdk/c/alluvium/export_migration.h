// The export of an operator that migrates. Only the component of such an operator has it: a host offers a migration of
// a component that exports one.
//
// The bindings are those of the world of the other operators. This is, by hand, what wit-bindgen makes of the interface
// `migration` for a world that exports it.
#ifndef ALLUVIUM_EXPORT_MIGRATION_H
#define ALLUVIUM_EXPORT_MIGRATION_H

#include "exports.h"

// The answer of a migration, in the form in which the host reads it.
typedef struct {
    uint8_t is_error;
    keyed_timed_plugin_string_t text;
} alluvium_migrated;

static inline alluvium_migrated *alluvium_migrate_component(uint32_t from) {
    static alluvium_migrated answer;
    alluvium_component *component = alluvium_the_component();
    alluvium_context call = alluvium_begin_call(component);
    bool is_ok = alluvium_call_migrate(component->instance.self, from, &call);
    answer.is_error = !alluvium_end_call(&call, is_ok, &answer.text);
    return &answer;
}

#define ALLUVIUM_EXPORT_MIGRATION                                                                                      \
    __attribute__((export_name("alluvium:checkpoint/migration@0.2.0#migrate"))) alluvium_migrated *                    \
    alluvium_exported_migrate(uint32_t from) {                                                                         \
        return alluvium_migrate_component(from);                                                                       \
    }                                                                                                                  \
    __attribute__((export_name("cabi_post_alluvium:checkpoint/migration@0.2.0#migrate"))) void                         \
    alluvium_exported_migrate_end(alluvium_migrated *answer) {                                                         \
        if (answer->is_error) keyed_timed_plugin_string_free(&answer->text);                                           \
    }

#endif
