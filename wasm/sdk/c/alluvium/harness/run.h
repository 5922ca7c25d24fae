// Calls of an operator by the harness, and what tests say of their answers.
#ifndef ALLUVIUM_HARNESS_RUN_H
#define ALLUVIUM_HARNESS_RUN_H

#include "csv.h"
#include "host.h"

// Functions whose errors a test must look at.
#define ALLUVIUM_CHECKED __attribute__((warn_unused_result)) static inline

// How many timers one call has at most, as a host has it, and how many results are asked for at a time.
enum { ALLUVIUM_TIMERS_PER_CALL = 4096, ALLUVIUM_RESULTS_PAGE = 100 };

// Keeps a text as the error that is returned, until the next one.
static inline const char *alluvium_run_error(alluvium_harness *harness, alluvium_text text) {
    free(harness->error);
    harness->error = calloc(alluvium_plus(text.len, 1), 1);
    if (!harness->error) alluvium_bug("there is no memory");
    memcpy(harness->error, text.at, text.len);
    return harness->error;
}

static inline alluvium_context alluvium_run_begin(alluvium_harness *harness) {
    harness->log.count = 0;
    return (alluvium_context){.arena = &harness->instance.arena,
                              .host = &alluvium_harness_host,
                              .host_data = harness,
                              .plugin = harness->instance.plugin,
                              .settings = harness->settings,
                              .setting_count = harness->setting_count};
}

// What was emitted before a call, so that an error takes back the rest.
typedef struct {
    size_t counts[ALLUVIUM_PORTS_MAX];
} alluvium_emitted_before;

static inline alluvium_emitted_before alluvium_run_emitted(const alluvium_harness *harness) {
    alluvium_emitted_before before;
    for (size_t output = 0; output < ALLUVIUM_PORTS_MAX; output++) {
        before.counts[output] = harness->outputs[output].count;
    }
    return before;
}

// Ends a call, all or nothing.
static inline const char *alluvium_run_end(alluvium_harness *harness, alluvium_context *context,
                                           const alluvium_emitted_before *before, bool is_ok) {
    const char *wrong = NULL;
    if (!alluvium_finish_call(context, is_ok)) {
        alluvium_undo(&harness->live, &harness->log);
        for (size_t output = 0; output < ALLUVIUM_PORTS_MAX; output++) {
            harness->outputs[output].count = before->counts[output];
        }
        alluvium_buffer text = alluvium_buffer_in(context->arena);
        if (context->has_record) {
            alluvium_add(&text, "record ");
            alluvium_add_unsigned(&text, context->record);
            alluvium_add(&text, ": ");
        }
        alluvium_add_text(&text, context->error);
        wrong = alluvium_run_error(harness, alluvium_buffer_bytes(&text));
    }
    alluvium_arena_reset(context->arena);
    return wrong;
}

static inline const char *alluvium_run_open(alluvium_harness *harness) {
    const alluvium_operator *plugin = harness->instance.plugin;
    alluvium_emitted_before before = alluvium_run_emitted(harness);
    alluvium_context context = alluvium_run_begin(harness);
    bool is_ok = !plugin->open || plugin->open(harness->instance.self, &context);
    return alluvium_run_end(harness, &context, &before, is_ok);
}

static inline const char *alluvium_run_finish(alluvium_harness *harness) {
    const alluvium_operator *plugin = harness->instance.plugin;
    alluvium_emitted_before before = alluvium_run_emitted(harness);
    alluvium_context context = alluvium_run_begin(harness);
    bool is_ok = !plugin->finish || plugin->finish(harness->instance.self, &context);
    return alluvium_run_end(harness, &context, &before, is_ok);
}

// Sets the parameters: those that are given, and the defaults of the others.
static inline const char *alluvium_run_settings(alluvium_harness *harness, const char *const *given) {
    const alluvium_description *describe = &harness->instance.plugin->describe;
    size_t known = 0, count = 0;
    harness->setting_count = alluvium_parameter_count(describe);
    for (size_t at = 0; at < harness->setting_count; at++) {
        const alluvium_parameter *parameter = &describe->parameters[at];
        const char *value = parameter->value;
        for (count = 0; given && given[count]; count += 2) {
            if (strcmp(given[count], parameter->name) != 0) continue;
            value = given[count + 1];
            known += 2;
        }
        if (!value) return "a parameter must be set";
        alluvium_setting *setting = &harness->settings[at];
        setting->name = alluvium_text_of(parameter->name);
        setting->value = alluvium_copy(&harness->kept, alluvium_text_of(value));
    }
    for (count = 0; given && given[count];) count += 2;
    return known == count ? NULL : "the operator has no such parameter";
}

// Says what is wrong with an input by its number, whose records should be of this format.
static inline const char *alluvium_run_input(const alluvium_harness *harness, uint32_t input, alluvium_format format) {
    const alluvium_port *inputs = harness->instance.plugin->describe.inputs;
    if (input >= alluvium_port_count(inputs)) return "the operator has no such input";
    if (inputs[input].format == format) return NULL;
    return format == ALLUVIUM_RECORDS ? "the input has columns, and came with records"
                                      : "the input has records, and came with columns";
}

// Begins an input, unless this instance has begun it with these columns.
static inline const char *alluvium_run_header(alluvium_harness *harness, uint32_t input, const alluvium_csv *csv) {
    const char *wrong_input = alluvium_run_input(harness, input, ALLUVIUM_LINES);
    if (wrong_input) return wrong_input;
    alluvium_header *header = &harness->headers[input];
    bool is_begun = header->names && header->count == csv->width;
    for (size_t at = 0; is_begun && at < csv->width; at++) is_begun = alluvium_equal(header->names[at], csv->names[at]);
    if (is_begun) return NULL;
    alluvium_text *names = alluvium_take(&harness->kept, csv->width, sizeof *names);
    for (size_t at = 0; at < csv->width; at++) names[at] = alluvium_copy(&harness->kept, csv->names[at]);
    alluvium_emitted_before before = alluvium_run_emitted(harness);
    alluvium_context context = alluvium_run_begin(harness);
    alluvium_header begun = {names, csv->width};
    bool is_ok = alluvium_call_begin(harness->instance.self, input, &begun, &context);
    const char *wrong = alluvium_run_end(harness, &context, &before, is_ok);
    if (!wrong) *header = begun;
    return wrong;
}

// What a call does with a batch of an input. It returns whether the operator has not refused.
typedef bool (*alluvium_records_call)(alluvium_harness *harness, uint32_t input, const alluvium_batch *batch,
                                      alluvium_context *context, alluvium_emitted *keys);

// Calls the operator with a batch.
static inline const char *alluvium_run_batch(alluvium_harness *harness, uint32_t input, const alluvium_batch *batch,
                                             alluvium_records_call call, alluvium_emitted *keys) {
    alluvium_emitted_before before = alluvium_run_emitted(harness);
    alluvium_context context = alluvium_run_begin(harness);
    bool is_ok = call(harness, input, batch, &context, keys);
    return alluvium_run_end(harness, &context, &before, is_ok);
}

// Reads records of an input, begins the input if need be, and calls the operator with the batch.
static inline const char *alluvium_run_records(alluvium_harness *harness, uint32_t input, alluvium_bytes text,
                                               alluvium_records_call call, alluvium_emitted *keys) {
    alluvium_arena arena = {0};
    alluvium_csv csv;
    const char *wrong = alluvium_csv_read(&arena, text, &csv);
    if (!wrong) wrong = alluvium_run_header(harness, input, &csv);
    if (!wrong) {
        alluvium_batch batch = {ALLUVIUM_LINES, csv.count, csv.lens, csv.len_count, csv.bytes};
        wrong = alluvium_run_batch(harness, input, &batch, call, keys);
    }
    alluvium_arena_free(&arena);
    return wrong;
}

static inline bool alluvium_run_process(alluvium_harness *harness, uint32_t input, const alluvium_batch *batch,
                                        alluvium_context *context, alluvium_emitted *keys) {
    (void)keys;
    return alluvium_call_process(harness->instance.self, input, batch, context);
}

static inline const char *alluvium_run_feed(alluvium_harness *harness, uint32_t input, alluvium_bytes text) {
    return alluvium_run_records(harness, input, text, alluvium_run_process, NULL);
}

// Calls the operator with records as bytes.
static inline const char *alluvium_run_bytes(alluvium_harness *harness, uint32_t input, const alluvium_bytes *records,
                                             uint32_t count, alluvium_records_call call, alluvium_emitted *keys) {
    const char *wrong = alluvium_run_input(harness, input, ALLUVIUM_RECORDS);
    if (wrong) return wrong;
    alluvium_arena arena = {0};
    uint32_t *lens = alluvium_take(&arena, count, sizeof *lens);
    size_t len = 0;
    for (uint32_t at = 0; at < count; at++) len += lens[at] = (uint32_t)records[at].len;
    char *bytes = alluvium_take(&arena, len, 1);
    for (uint32_t at = 0, to = 0; at < count; to += lens[at], at++) {
        if (lens[at]) memcpy(bytes + to, records[at].at, lens[at]);
    }
    alluvium_batch batch = {ALLUVIUM_RECORDS, count, lens, count, {bytes, len}};
    wrong = alluvium_run_batch(harness, input, &batch, call, keys);
    alluvium_arena_free(&arena);
    return wrong;
}

static inline bool alluvium_call_keys(alluvium_harness *harness, uint32_t input, const alluvium_batch *batch,
                                      alluvium_context *context, alluvium_emitted *keys) {
    const alluvium_bytes *found = alluvium_call_route(harness->instance.self, input, batch, context);
    for (uint32_t at = 0; found && at < batch->count; at++) alluvium_keep(harness, keys, found[at]);
    return found;
}

// Keeps the keys that the operator says records belong to.
static inline const char *alluvium_run_route(alluvium_harness *harness, uint32_t input, alluvium_bytes text,
                                             alluvium_emitted *keys) {
    return alluvium_run_records(harness, input, text, alluvium_call_keys, keys);
}

// Finds the timers that are due next: those of event time first, each in the order of their times and of the
// namespaces.
static inline bool alluvium_run_due(const alluvium_harness *harness, bool all_of_event_time, size_t *space,
                                    int64_t *at_ms) {
    static const alluvium_kind kinds[] = {ALLUVIUM_EVENT_TIMERS, ALLUVIUM_PROCESSING_TIMERS};
    for (size_t clock = 0; clock < 2; clock++) {
        alluvium_optional_time now = harness->live.clocks[clock];
        if (clock == 0 && all_of_event_time) now = (alluvium_optional_time){true, {INT64_MAX}};
        bool is_due = false;
        for (size_t at = 0; now.is_some && at < ALLUVIUM_NAMESPACES_MAX; at++) {
            const alluvium_table *table = &harness->live.tables[at];
            if (alluvium_namespace_at(harness->instance.plugin, at).kind != kinds[clock] || !table->count) continue;
            alluvium_key_reader timer = {.rest = table->at[0].key};
            int64_t first_ms = alluvium_key_read_integer(&timer);
            if (first_ms > now.value.ms || (is_due && first_ms >= *at_ms)) continue;
            is_due = true;
            *space = at;
            *at_ms = first_ms;
        }
        if (is_due) return true;
    }
    return false;
}

// Works through the timers that are due.
static inline const char *alluvium_run_fire(alluvium_harness *harness, bool all_of_event_time) {
    size_t space = 0;
    int64_t at_ms = 0;
    const char *wrong = NULL;
    while (!wrong && alluvium_run_due(harness, all_of_event_time, &space, &at_ms)) {
        alluvium_emitted_before before = alluvium_run_emitted(harness);
        alluvium_context context = alluvium_run_begin(harness);
        const alluvium_table *table = &harness->live.tables[space];
        alluvium_bytes *keys = alluvium_take(context.arena, ALLUVIUM_TIMERS_PER_CALL, sizeof *keys);
        size_t count = 0;
        for (; count < table->count && count < ALLUVIUM_TIMERS_PER_CALL; count++) {
            alluvium_key_reader timer = {.rest = table->at[count].key};
            if (alluvium_key_read_integer(&timer) != at_ms) break;
            keys[count] = timer.rest;
        }
        for (size_t at = count; at-- > 0;) alluvium_host_change(harness, (uint32_t)space, table->at[at].key, NULL);
        const char *name = alluvium_namespace_at(harness->instance.plugin, space).name;
        bool is_ok = alluvium_call_timers(harness->instance.self, name, (alluvium_time){at_ms}, keys, count, &context);
        wrong = alluvium_run_end(harness, &context, &before, is_ok);
    }
    return wrong;
}

static inline const char *alluvium_run_results(alluvium_harness *harness, alluvium_emitted *results) {
    const alluvium_operator *plugin = harness->instance.plugin;
    const char *wrong = NULL;
    bool start = true;
    for (size_t count = 1; !wrong && count > 0 && plugin->results; start = false) {
        alluvium_emitted_before before = alluvium_run_emitted(harness);
        alluvium_context context = alluvium_run_begin(harness);
        alluvium_lines lines = {0};
        bool is_ok = plugin->results(harness->instance.self, start, ALLUVIUM_RESULTS_PAGE, &lines, &context);
        count = lines.count;
        for (size_t at = 0; is_ok && at < count; at++) alluvium_keep(harness, results, lines.at[at]);
        wrong = alluvium_run_end(harness, &context, &before, is_ok);
    }
    return wrong;
}

// Ends the test unless an error is as expected: none, or this text.
static inline void alluvium_expect_error(const char *file, int line, const char *error, const char *expected) {
    if (error == expected || (error && expected && strcmp(error, expected) == 0)) return;
    fprintf(stderr, "%s:%d: %s\n", file, line, error ? error : "no error");
    if (expected) fprintf(stderr, "expected: %s\n", expected);
    exit(1);
}

// Ends the test unless the lines are these. The last one is followed by a null.
static inline void alluvium_expect_lines(const char *file, int line, const alluvium_emitted *lines,
                                         const char *const *expected) {
    size_t count = 0;
    bool is_same = true;
    while (expected[count]) {
        is_same = is_same && count < lines->count && alluvium_text_is(lines->at[count], expected[count]);
        count++;
    }
    if (is_same && count == lines->count) return;
    fprintf(stderr, "%s:%d: expected %zu lines:\n", file, line, count);
    for (size_t at = 0; at < count; at++) fprintf(stderr, "  %s\n", expected[at]);
    fprintf(stderr, "there are %zu:\n", lines->count);
    for (size_t at = 0; at < lines->count; at++) {
        fputs("  ", stderr);
        fwrite(lines->at[at].at, 1, lines->at[at].len, stderr);
        fputc('\n', stderr);
    }
    exit(1);
}

#endif
