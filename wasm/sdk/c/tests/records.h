// Records of a few keys for tests of windows, and operators over them.
#ifndef ALLUVIUM_TESTS_RECORDS_H
#define ALLUVIUM_TESTS_RECORDS_H

#include "check.h"

ALLUVIUM_WINDOWS(sums, .tumbling_ms = 10, .key = {"key"}, .time = "at", .sum = "number")
ALLUVIUM_WINDOWS(late_sums, .tumbling_ms = 10, .lateness_ms = 5, .key = {"key"}, .time = "at", .sum = "number")
ALLUVIUM_WINDOWS(sliding, .sliding = {10, 4}, .key = {"key"}, .time = "at", .count = true)
ALLUVIUM_WINDOWS(sessions, .session_gap_ms = 5, .key = {"key"}, .time = "at", .max = "number")
ALLUVIUM_WINDOWS(late_sessions, .session_gap_ms = 5, .lateness_ms = 6, .key = {"key"}, .time = "at", .max = "number")

typedef struct {
    char key;
    int64_t at, number;
} sample;

// Makes records of three keys, up to 20 ms out of order. No record behind the first `n` has a time before 2 * n.
static inline sample *samples(alluvium_arena *arena, rng *random, size_t count) {
    sample *made = alluvium_take(arena, count, sizeof *made);
    for (size_t at = 0; at < count; at++) {
        made[at] =
            (sample){(char)('a' + below(random, 3)), (int64_t)at * 2 + below(random, 20), below(random, 100) - 50};
    }
    return made;
}

static inline alluvium_bytes csv_of(alluvium_arena *arena, const sample *samples, size_t count) {
    alluvium_buffer csv = alluvium_buffer_in(arena);
    alluvium_add(&csv, "key,at,number\n");
    for (size_t at = 0; at < count; at++) {
        const sample *one = &samples[at];
        alluvium_add(&csv, text(arena, "%c,%" PRId64 ",%" PRId64 "\n", one->key, one->at, one->number));
    }
    return alluvium_buffer_bytes(&csv);
}

// The line that a window emits.
static inline const char *window(alluvium_arena *arena, char key, int64_t from, int64_t to, const char *value) {
    alluvium_json json = alluvium_json_in(arena);
    alluvium_json_time(&json, (alluvium_time){from});
    alluvium_add(&json.buffer, ",\"to\":");
    alluvium_add_byte(&json.buffer, '"');
    alluvium_add_time(&json.buffer, (alluvium_time){to});
    alluvium_add_byte(&json.buffer, '"');
    return text(arena, "{\"key\":\"%c\",\"from\":%.*s,\"value\":%s}", key, (int)json.buffer.len, json.buffer.at, value);
}

// Writes all that a harness holds: the state, the timers, and what was emitted.
static inline alluvium_bytes held(alluvium_arena *arena, const alluvium_harness *harness, bool has_state) {
    alluvium_buffer all = alluvium_buffer_in(arena);
    for (size_t space = 0; has_state && space < ALLUVIUM_NAMESPACES_MAX; space++) {
        const alluvium_table *table = &harness->live.tables[space];
        for (size_t at = 0; at < table->count; at++) {
            alluvium_add_quoted(&all, table->at[at].key);
            alluvium_add_quoted(&all, table->at[at].value);
            alluvium_add_integer(&all, table->at[at].expires_ms);
            alluvium_add(&all, "\n");
        }
    }
    for (size_t output = 0; output < ALLUVIUM_PORTS_MAX; output++) {
        const alluvium_emitted *emitted = alluvium_harness_emitted(harness, output);
        for (size_t at = 0; at < emitted->count; at++) {
            alluvium_add_text(&all, emitted->at[at]);
            alluvium_add(&all, "\n");
        }
        alluvium_add(&all, "--\n");
    }
    return alluvium_buffer_bytes(&all);
}

#endif
