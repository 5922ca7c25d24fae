// Operators that are held to what is computed of all records at once: disordered records in any cuts, with crashes.
#ifndef ALLUVIUM_TESTS_AT_ONCE_H
#define ALLUVIUM_TESTS_AT_ONCE_H

#include "records.h"

typedef struct {
    alluvium_text key;
    alluvium_time at;
    int64_t number;
} event;
static const alluvium_row EVENT =
    ALLUVIUM_ROW(event, ALLUVIUM_COLUMN(event, key), ALLUVIUM_COLUMN(event, at), ALLUVIUM_COLUMN(event, number));

static alluvium_arena arena;

#define HEADER "key,at,number\n"

// Feeds records to inputs in turns, in batches of any length, and moves the watermark behind them. Crashes lose what
// came after the last checkpoint, and it is fed again.
static inline void feed(alluvium_harness *harness, sample *const *inputs, uint32_t input_count, size_t count,
                        rng *random, bool crashes) {
    for (size_t done = 0; done < count;) {
        for (uint32_t input = 0; input < input_count; input++) {
            for (size_t at = done, len; at < done + 10; at += len) {
                len = (size_t)below(random, (int64_t)(done + 10 - at)) + 1;
                ALLUVIUM_OK(alluvium_harness_feed_to(harness, input, csv_of(&arena, inputs[input] + at, len)));
            }
        }
        ALLUVIUM_OK(alluvium_harness_watermark(harness, text(&arena, "%zu", (done + 10) * 2)));
        if (crashes && below(random, 2)) {
            ALLUVIUM_OK(alluvium_harness_crash(harness));
            continue;
        }
        alluvium_harness_checkpoint(harness);
        done += 10;
    }
    ALLUVIUM_OK(alluvium_harness_finish(harness));
}

// The row of a record, as JSON.
static inline const char *row_of(const sample *record) {
    event row = {{&record->key, 1}, {record->at}, record->number};
    alluvium_bytes json = alluvium_row_bytes(&arena, &EVENT, &row);
    return text(&arena, "%.*s", (int)json.len, json.at);
}

static inline int compare_lines(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Checks that the lines of an output are these, in this order or in any.
static inline void check_lines(const alluvium_harness *harness, const char **expected, size_t count, bool in_any_order,
                               uint64_t seed) {
    const alluvium_emitted *emitted = alluvium_harness_emitted(harness, 0);
    CHECK(emitted->count == count && count > 10, "seed %" PRIu64 ": %zu lines, not %zu", seed, emitted->count, count);
    const char **lines = alluvium_take(&arena, count, sizeof *lines);
    for (size_t at = 0; at < count; at++) lines[at] = alluvium_copy(&arena, emitted->at[at]).at;
    if (in_any_order) {
        qsort(lines, count, sizeof *lines, compare_lines);
        qsort(expected, count, sizeof *expected, compare_lines);
    }
    for (size_t at = 0; at < count; at++) {
        CHECK(strcmp(lines[at], expected[at]) == 0, "seed %" PRIu64 ": %s, not %s", seed, lines[at], expected[at]);
    }
}

// Checks that crashes and other cuts change nothing that is shown, and that nothing is left in the state.
static inline void check_crashes(const alluvium_harness *harness, sample *const *inputs, uint32_t input_count,
                                 size_t count, rng *random, uint64_t seed) {
    alluvium_harness *crashed = alluvium_harness_new(harness->instance.plugin);
    feed(crashed, inputs, input_count, count, random, true);
    alluvium_bytes is = held(&arena, crashed, true), expected = held(&arena, harness, true);
    CHECK(alluvium_equal(is, expected), "seed %" PRIu64 ": crashes have changed\n%.*s", seed, (int)is.len, is.at);
    for (size_t space = 0; space < ALLUVIUM_NAMESPACES_MAX; space++) {
        CHECK(harness->live.tables[space].count == 0, "seed %" PRIu64 ": namespace %zu has entries", seed, space);
    }
    alluvium_harness_free(crashed);
}

#endif
