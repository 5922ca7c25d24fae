// An operator of one's own for tests: it counts visits of pages, and does with each what a test wants.
#ifndef ALLUVIUM_TESTS_VISITS_H
#define ALLUVIUM_TESTS_VISITS_H

#include "check.h"

typedef struct {
    alluvium_text page;
    alluvium_optional_number seconds;
    alluvium_time at;
} visit;
static const alluvium_row VISIT =
    ALLUVIUM_ROW(visit, ALLUVIUM_COLUMN(visit, page), ALLUVIUM_COLUMN(visit, seconds), ALLUVIUM_COLUMN(visit, at));

typedef struct {
    alluvium_text word;
} command;
static const alluvium_row COMMAND = ALLUVIUM_ROW(command, ALLUVIUM_COLUMN(command, word));

static const alluvium_map LAST = {.name = "last", .value = &VISIT};
static const alluvium_map SEEN = {.name = "seen", .value = &COMMAND, .expires = {ALLUVIUM_EVENT_TIME, 10}};
static const alluvium_map SINGLE = {.name = "single", .value = &COMMAND};
static const alluvium_counter VISITS = {.name = "visits"};

typedef struct {
    alluvium_rows rows;
} visits;

static bool begin(void *self, uint32_t input, const alluvium_header *header, alluvium_context *context) {
    (void)input;
    return alluvium_rows_begin(&((visits *)self)->rows, &VISIT, header, context);
}

// What a test has the operator do with each visit, after it was counted and kept.
static void (*with_visit)(const visit *visit, alluvium_context *context);

static bool process(void *self, uint32_t input, const alluvium_batch *batch, alluvium_context *context) {
    (void)input;
    const visit *all = alluvium_rows_read(&((visits *)self)->rows, batch, context);
    for (uint32_t record = 0; all && record < batch->count; record++) {
        if (with_visit) {
            with_visit(&all[record], context);
            continue;
        }
        visit before;
        bool is_some;
        uint64_t count = alluvium_counter_add(&VISITS, all[record].page, 1, context);
        alluvium_map_get(&LAST, all[record].page, &before, &is_some, context);
        alluvium_map_set(&LAST, all[record].page, &all[record], context);
        alluvium_json line = alluvium_json_in(context->arena);
        alluvium_json_array(&line);
        alluvium_json_text(&line, all[record].page);
        alluvium_json_unsigned(&line, count);
        if (is_some) alluvium_json_row(&line, &VISIT, &before);
        else alluvium_json_null(&line);
        alluvium_json_array_end(&line);
        alluvium_emit_json(context, 0, &line);
    }
    return all;
}

// The key of a visit is its page, as that of the maps.
static bool route(void *self, uint32_t input, const alluvium_batch *batch, alluvium_bytes *keys,
                  alluvium_context *context) {
    (void)input;
    const visit *all = alluvium_rows_read(&((visits *)self)->rows, batch, context);
    for (uint32_t record = 0; all && record < batch->count; record++) keys[record] = all[record].page;
    return all;
}

static bool on_timers(void *self, const char *name, alluvium_time at, const alluvium_bytes *keys, size_t count,
                      alluvium_context *context) {
    (void)self;
    alluvium_buffer line = alluvium_buffer_in(context->arena);
    alluvium_add(&line, name);
    alluvium_add_byte(&line, ' ');
    alluvium_add_integer(&line, at.ms);
    for (size_t key = 0; key < count; key++) {
        if (alluvium_text_is(keys[key], "refused")) return alluvium_fail(context, "refused");
        alluvium_add_byte(&line, ' ');
        alluvium_add_text(&line, keys[key]);
    }
    if (strcmp(name, "first") == 0 && at.ms == 1) alluvium_set_timer(context, "second", at, ALLUVIUM_LITERAL("late"));
    return alluvium_emit(context, 0, alluvium_buffer_bytes(&line));
}

static bool finish(void *self, alluvium_context *context) {
    (void)self;
    return alluvium_emit(context, 0, ALLUVIUM_LITERAL("the end"));
}

static bool results(void *self, bool start, uint32_t limit, alluvium_lines *lines, alluvium_context *context) {
    (void)self;
    alluvium_entries found;
    if (!alluvium_results_page(context, "visits", start, limit, &found)) return false;
    for (size_t at = 0; at < found.count; at++) {
        alluvium_json line = alluvium_json_in(context->arena);
        alluvium_json_object(&line);
        alluvium_json_member(&line, "key");
        alluvium_json_text(&line, found.at[at].key);
        alluvium_json_object_end(&line);
        alluvium_add_line(lines, &line, context);
    }
    return true;
}

ALLUVIUM_OPERATOR(visits, .instance_bytes = sizeof(visits), .begin = begin, .process = process, .route = route,
                  .on_timers = on_timers, .finish = finish, .results = results,
                  .describe = {.inputs = {{.name = "visits"}},
                               .outputs = {{.name = "lines"}},
                               .parameters = {{.name = "greeting", .value = "hello", .doc = "What is said."}},
                               .namespaces = {{.map = &VISITS},
                                              {.map = &LAST},
                                              {.map = &SEEN},
                                              {.map = &SINGLE},
                                              {.name = "ordered", .kind = ALLUVIUM_ORDERED, .route_bytes = 1},
                                              {.name = "sums", .merge = ALLUVIUM_MERGE_ADD},
                                              {.name = "sets", .merge = ALLUVIUM_MERGE_SET_UNION},
                                              {.name = "second", .kind = ALLUVIUM_EVENT_TIMERS},
                                              {.name = "first", .kind = ALLUVIUM_EVENT_TIMERS},
                                              {.name = "clock", .kind = ALLUVIUM_PROCESSING_TIMERS}}})

#define HEADER "page,seconds,at\n"

static inline alluvium_harness *started(void (*with)(const visit *, alluvium_context *)) {
    with_visit = with;
    return ALLUVIUM_HARNESS(visits);
}

#endif
