// Runs an operator natively, in a test: fed, moved in time, crashed and recovered. It needs no WebAssembly.
//
//     #include "weather.c"
//
//     #include <alluvium/harness.h>
//
//     int main(void) {
//         alluvium_harness *harness = ALLUVIUM_HARNESS(weather);
//         ALLUVIUM_OK(alluvium_harness_feed(harness, "origin,time_hour,temp\nJFK,2013-01-01T05:00:00Z,39\n"));
//         alluvium_harness_checkpoint(harness);
//         ALLUVIUM_OK(alluvium_harness_crash(harness));
//         ALLUVIUM_OK(alluvium_harness_watermark(harness, "2013-01-02T00:00:00Z"));
//         ALLUVIUM_EMITTED(harness, 0, "{\"key\":\"JFK\",…}");
//         alluvium_harness_free(harness);
//     }
//
// Clocks move when they are told to, and the timers that are due are worked through then, as a host does it. What the
// operator emits is shown by a checkpoint, exactly once. The functions return an error, or null.
#ifndef ALLUVIUM_HARNESS_H
#define ALLUVIUM_HARNESS_H

#include "../alluvium_plugin.h"
#include "harness/migrate.h"

// Starts an operator over an empty state, with values of its parameters: pairs of a name and a value, and a null at the
// end. Parameters that are not named have their defaults. The error says what is wrong with them.
ALLUVIUM_CHECKED const char *alluvium_harness_start(alluvium_harness **started, const alluvium_operator *plugin,
                                                    const char *const *parameters) {
    alluvium_harness *harness = calloc(1, sizeof *harness);
    if (!harness) alluvium_bug("there is no memory");
    *started = harness;
    harness->instance = alluvium_instance_of(plugin);
    const char *wrong = alluvium_run_settings(harness, parameters);
    return wrong ? wrong : alluvium_run_open(harness);
}

// Starts an operator, or ends the test.
static inline alluvium_harness *alluvium_harness_new(const alluvium_operator *plugin) {
    alluvium_harness *harness;
    const char *wrong = alluvium_harness_start(&harness, plugin, NULL);
    if (wrong) alluvium_bug(wrong);
    return harness;
}

// Starts the operator that was declared by this name.
#define ALLUVIUM_HARNESS(called) alluvium_harness_new(ALLUVIUM_OPERATOR_OF(called))

static inline void alluvium_harness_free(alluvium_harness *harness) {
    free(harness->instance.self);
    free(harness->error);
    alluvium_arena_free(&harness->instance.arena);
    alluvium_arena_free(&harness->live.arena);
    alluvium_arena_free(&harness->saved.arena);
    alluvium_arena_free(&harness->kept);
    free(harness);
}

// Feeds records to an input, by its number: CSV, whose first line names the columns. If one of them is refused, all
// are.
ALLUVIUM_CHECKED const char *alluvium_harness_feed_to(alluvium_harness *harness, uint32_t input, alluvium_bytes csv) {
    return alluvium_run_feed(harness, input, csv);
}

// Feeds records to the first input.
ALLUVIUM_CHECKED const char *alluvium_harness_feed(alluvium_harness *harness, const char *csv) {
    return alluvium_run_feed(harness, 0, alluvium_text_of(csv));
}

// Feeds records to an input of records, by its number. If one of them is refused, all are.
ALLUVIUM_CHECKED const char *alluvium_harness_feed_records(alluvium_harness *harness, uint32_t input,
                                                           const alluvium_bytes *records, uint32_t count) {
    return alluvium_run_bytes(harness, input, records, count, alluvium_run_process, NULL);
}

// Asks which key each record of an input belongs to, and adds the keys to a list, which begins as zeroes.
ALLUVIUM_CHECKED const char *alluvium_harness_route(alluvium_harness *harness, uint32_t input, const char *csv,
                                                    alluvium_emitted *keys) {
    return alluvium_run_route(harness, input, alluvium_text_of(csv), keys);
}

// Asks which key each record of an input of records belongs to, and adds the keys to a list, which begins as zeroes.
ALLUVIUM_CHECKED const char *alluvium_harness_route_records(alluvium_harness *harness, uint32_t input,
                                                            const alluvium_bytes *records, uint32_t count,
                                                            alluvium_emitted *keys) {
    return alluvium_run_bytes(harness, input, records, count, alluvium_call_keys, keys);
}

// Moves a clock, and works through the timers that are due.
ALLUVIUM_CHECKED const char *alluvium_harness_move(alluvium_harness *harness, int clock, const char *time) {
    alluvium_time to;
    if (!alluvium_read_time(alluvium_text_of(time), &to)) return "no time, as 2013-01-01T05:00:00Z";
    alluvium_optional_time *now = &harness->live.clocks[clock];
    if (now->is_some && to.ms < now->value.ms) return NULL;
    *now = (alluvium_optional_time){true, to};
    for (size_t space = 0; space < ALLUVIUM_NAMESPACES_MAX; space++) {
        alluvium_expire(&harness->live, space, alluvium_namespace_at(harness->instance.plugin, space).expires);
    }
    return alluvium_run_fire(harness, false);
}

// Moves the watermark. An earlier one changes nothing.
ALLUVIUM_CHECKED const char *alluvium_harness_watermark(alluvium_harness *harness, const char *time) {
    return alluvium_harness_move(harness, 0, time);
}

// Moves the processing time. An earlier one changes nothing.
ALLUVIUM_CHECKED const char *alluvium_harness_processing_time(alluvium_harness *harness, const char *time) {
    return alluvium_harness_move(harness, 1, time);
}

// Ends all inputs: works through all timers of event time, and has the operator finish.
ALLUVIUM_CHECKED const char *alluvium_harness_finish(alluvium_harness *harness) {
    const char *wrong = alluvium_run_fire(harness, true);
    return wrong ? wrong : alluvium_run_finish(harness);
}

// Takes a checkpoint, and shows what was emitted.
static inline void alluvium_harness_checkpoint(alluvium_harness *harness) {
    for (size_t at = 0; at < harness->setting_count; at++) {
        harness->live.settings[at] = (alluvium_optional_bytes){true, harness->settings[at].value};
    }
    alluvium_state_copy(&harness->saved, &harness->live);
    // What was replaced since the last checkpoint goes away.
    harness->log = (alluvium_undo_log){0};
    alluvium_state_copy(&harness->live, &harness->saved);
    for (size_t output = 0; output < ALLUVIUM_PORTS_MAX; output++) {
        harness->outputs[output].shown = harness->outputs[output].count;
    }
}

// Loses everything since the last checkpoint, and starts another instance over what it left.
ALLUVIUM_CHECKED const char *alluvium_harness_crash(alluvium_harness *harness) {
    const alluvium_operator *plugin = harness->instance.plugin;
    free(harness->instance.self);
    alluvium_arena_free(&harness->instance.arena);
    harness->instance = alluvium_instance_of(plugin);
    harness->log = (alluvium_undo_log){0};
    alluvium_state_copy(&harness->live, &harness->saved);
    memset(harness->headers, 0, sizeof harness->headers);
    harness->messages.count = 0;
    for (size_t output = 0; output < ALLUVIUM_PORTS_MAX; output++) {
        harness->outputs[output].count = harness->outputs[output].shown;
    }
    for (size_t at = 0; at < harness->setting_count; at++) {
        harness->settings[at].previous = harness->live.settings[at];
    }
    return alluvium_run_open(harness);
}

// Starts another version of the operator over the last checkpoint, after it has brought the state to its own schema
// version by `migrate`. The parameters are as those of alluvium_harness_start. If it fails, nothing has changed.
ALLUVIUM_CHECKED const char *alluvium_harness_migrate(alluvium_harness *harness, const alluvium_operator *plugin,
                                                      const char *const *parameters) {
    uint32_t from = alluvium_schema_version(harness->instance.plugin), to = alluvium_schema_version(plugin);
    if (from == to) {
        alluvium_buffer text = alluvium_buffer_in(&harness->kept);
        alluvium_add(&text, "the state is of schema version ");
        alluvium_add_unsigned(&text, to);
        alluvium_add(&text, " already");
        return alluvium_run_error(harness, alluvium_buffer_bytes(&text));
    }
    alluvium_harness *after = calloc(1, sizeof *after);
    if (!after) alluvium_bug("there is no memory");
    after->instance = alluvium_instance_of(plugin);
    const char *wrong = alluvium_take_over(after, harness);
    if (!wrong) wrong = alluvium_run_migrate(after, from);
    if (!wrong) {
        alluvium_harness_checkpoint(after);
        wrong = alluvium_run_settings(after, parameters);
    }
    if (!wrong) wrong = alluvium_harness_crash(after);
    if (wrong) {
        wrong = alluvium_run_error(harness, alluvium_text_of(wrong));
    } else {
        alluvium_harness before = *harness;
        *harness = *after;
        *after = before;
    }
    alluvium_harness_free(after);
    return wrong;
}

// Returns the records that were emitted to an output, by lost instances too if they were shown.
static inline const alluvium_emitted *alluvium_harness_emitted(const alluvium_harness *harness, size_t output) {
    static const alluvium_emitted none;
    return output < ALLUVIUM_PORTS_MAX ? &harness->outputs[output] : &none;
}

// Returns the messages of the present instance.
static inline const alluvium_emitted *alluvium_harness_messages(const alluvium_harness *harness) {
    return &harness->messages;
}

// Returns the entries of a namespace, in the order of their keys. The keys of timers begin with their times:
// alluvium_harness_timer takes them apart. It ends the test if the operator has no such namespace.
static inline const alluvium_table *alluvium_harness_entries(const alluvium_harness *harness, const char *name) {
    uint32_t space = alluvium_place_of(harness->instance.plugin, name);
    if (space == ALLUVIUM_NAMESPACES_MAX) alluvium_bug("the operator has not described such a namespace");
    return &harness->live.tables[space];
}

// Returns the time and the key of an entry of a namespace that holds timers.
static inline alluvium_time alluvium_harness_timer(const alluvium_stored *stored, alluvium_bytes *key) {
    alluvium_key_reader reader = {.rest = stored->key};
    alluvium_time at = {alluvium_key_read_integer(&reader)};
    *key = reader.rest;
    return at;
}

// Asks for all results, page by page, and adds them to a list, which begins as zeroes.
ALLUVIUM_CHECKED const char *alluvium_harness_results(alluvium_harness *harness, alluvium_emitted *results) {
    return alluvium_run_results(harness, results);
}

// Ends the test with the text of an error, if there is one.
#define ALLUVIUM_OK(error) alluvium_expect_error(__FILE__, __LINE__, error, NULL)

// Ends the test unless there is this error.
#define ALLUVIUM_REFUSED(error, text) alluvium_expect_error(__FILE__, __LINE__, error, text)

// Ends the test unless these lines were emitted to an output, by its number.
#define ALLUVIUM_EMITTED(harness, output, ...)                                                                         \
    alluvium_expect_lines(__FILE__, __LINE__, alluvium_harness_emitted(harness, output),                               \
                          (const char *const[]){__VA_ARGS__, NULL})

// Ends the test unless nothing was emitted to an output.
#define ALLUVIUM_EMITTED_NOTHING(harness, output)                                                                      \
    alluvium_expect_lines(__FILE__, __LINE__, alluvium_harness_emitted(harness, output), (const char *const[]){NULL})

#endif
