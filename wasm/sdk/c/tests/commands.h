// An operator that obeys commands over ordered and merged state, and emits what each answers.
#ifndef ALLUVIUM_TESTS_COMMANDS_H
#define ALLUVIUM_TESTS_COMMANDS_H

#include "check.h"

// A command as JSON. What it does not need, it does not have.
typedef struct {
    alluvium_text what;
    uint64_t owner;
    int64_t key, value;
    alluvium_optional_integer from, to;
    uint64_t limit;
    alluvium_text digits;
} command;
static const alluvium_row COMMAND =
    ALLUVIUM_ROW(command, ALLUVIUM_COLUMN(command, what), ALLUVIUM_COLUMN(command, owner),
                 ALLUVIUM_COLUMN(command, key), ALLUVIUM_COLUMN(command, value), ALLUVIUM_COLUMN(command, from),
                 ALLUVIUM_COLUMN(command, to), ALLUVIUM_COLUMN(command, limit));

static const alluvium_row OWNER = ALLUVIUM_ROW_AS(ALLUVIUM_SCALAR, command, ALLUVIUM_COLUMN(command, owner));
static const alluvium_row KEY = ALLUVIUM_ROW_AS(ALLUVIUM_SCALAR, command, ALLUVIUM_COLUMN(command, key));
static const alluvium_row VALUE = ALLUVIUM_ROW_AS(ALLUVIUM_SCALAR, command, ALLUVIUM_COLUMN(command, value));
static const alluvium_row DIGITS = ALLUVIUM_ROW_AS(ALLUVIUM_SCALAR, command, ALLUVIUM_COLUMN(command, digits));

static const alluvium_ordered ORDERED = {
    .name = "ordered", .owner = ALLUVIUM_COLUMN(command, owner), .key = &KEY, .value = &VALUE};
static const alluvium_merged SUMS = {.name = "sums", .merge = ALLUVIUM_MERGE_ADD, .key = &OWNER, .value = &KEY};
static const alluvium_merged LEAST = {.name = "least", .merge = ALLUVIUM_MERGE_MIN, .key = &OWNER, .value = &KEY};
static const alluvium_merged GREATEST = {.name = "greatest", .merge = ALLUVIUM_MERGE_MAX, .key = &OWNER, .value = &KEY};
static const alluvium_merged TEXTS = {.name = "texts", .merge = ALLUVIUM_MERGE_APPEND, .key = &OWNER, .value = &DIGITS};
static const alluvium_merged SETS = {.name = "sets", .merge = ALLUVIUM_MERGE_SET_UNION, .key = &OWNER, .value = &KEY};
static const alluvium_merged *const MERGED[] = {&SUMS, &LEAST, &GREATEST, &TEXTS, &SETS};
enum { MERGED_COUNT = sizeof MERGED / sizeof *MERGED };

// A host that returns at most two entries at once.
static bool scan_two(alluvium_context *context, uint32_t space, const alluvium_range *range, alluvium_entries *found) {
    alluvium_range two = *range;
    if (two.limit > 2) two.limit = 2;
    return alluvium_host_scan(context, space, &two, found);
}

// Odd bounds are excluded ones.
static bool is_excluded(alluvium_optional_integer bound) {
    return bound.value % 2 != 0;
}

static void range(const command *it, alluvium_json *line, alluvium_context *context) {
    const command from = {.key = it->from.value}, to = {.key = it->to.value};
    const alluvium_bounds bounds = {it->from.is_some ? &from : NULL, it->to.is_some ? &to : NULL, is_excluded(it->from),
                                    !is_excluded(it->to)};
    uint64_t gone;
    size_t count = 0;
    if (alluvium_text_is(it->what, "delete_range")) {
        if (alluvium_ordered_delete_range(&ORDERED, it, bounds, &gone, context)) alluvium_json_unsigned(line, gone);
        return;
    }
    const command *found =
        alluvium_text_is(it->what, "range")
            ? alluvium_ordered_range(&ORDERED, it, bounds, (size_t)it->limit, &count, context)
            : alluvium_ordered_range_reversed(&ORDERED, it, bounds, (size_t)it->limit, &count, context);
    alluvium_json_array(line);
    for (size_t at = 0; found && at < count; at++) {
        CHECK(found[at].owner == it->owner, "%" PRIu64, found[at].owner);
        alluvium_json_integer(line, found[at].key);
        alluvium_json_integer(line, found[at].value);
    }
    alluvium_json_array_end(line);
}

static void merged(const command *it, alluvium_json *line, alluvium_context *context) {
    alluvium_json_array(line);
    for (size_t at = 0; at < MERGED_COUNT; at++) {
        command found = *it;
        bool is_some = false;
        size_t count = 0;
        if (MERGED[at] != &SETS) {
            alluvium_merged_get(MERGED[at], &found, &is_some, context);
            if (is_some) alluvium_json_row(line, MERGED[at]->value, &found);
            else alluvium_json_null(line);
            continue;
        }
        const command *elements = alluvium_merged_elements(&SETS, it, &count, context);
        alluvium_json_array(line);
        for (size_t element = 0; element < count; element++) {
            CHECK(elements[element].owner == it->owner, "%" PRIu64, elements[element].owner);
            alluvium_json_integer(line, elements[element].key);
        }
        alluvium_json_array_end(line);
    }
    alluvium_json_array_end(line);
}

static void obey(command *it, alluvium_context *context) {
    alluvium_json line = alluvium_json_in(context->arena);
    bool is_some;
    if (alluvium_text_is(it->what, "set")) {
        alluvium_ordered_set(&ORDERED, it, context);
    } else if (alluvium_text_is(it->what, "delete")) {
        alluvium_ordered_delete(&ORDERED, it, context);
    } else if (alluvium_text_is(it->what, "get")) {
        if (alluvium_ordered_get(&ORDERED, it, &is_some, context) && is_some) alluvium_json_integer(&line, it->value);
    } else if (alluvium_text_is(it->what, "merge")) {
        it->digits = alluvium_text_of(text(context->arena, "%" PRId64, it->key));
        for (size_t at = 0; at < MERGED_COUNT; at++) alluvium_merged_merge(MERGED[at], it, context);
    } else if (alluvium_text_is(it->what, "forget")) {
        for (size_t at = 0; at < MERGED_COUNT; at++) alluvium_merged_delete(MERGED[at], it, context);
    } else if (alluvium_text_is(it->what, "merged")) {
        merged(it, &line, context);
    } else {
        range(it, &line, context);
    }
    alluvium_emit_json(context, 0, &line);
}

static bool process(void *self, uint32_t input, const alluvium_batch *batch, alluvium_context *context) {
    (void)self, (void)input;
    alluvium_host host = alluvium_harness_host;
    const alluvium_host *whole = context->host;
    host.scan = scan_two;
    context->host = &host;
    command *commands = alluvium_json_rows_read(&COMMAND, batch, context);
    for (uint32_t at = 0; commands && at < batch->count; at++) obey(&commands[at], context);
    context->host = whole;
    return commands;
}

ALLUVIUM_OPERATOR(commands, .process = process,
                  .describe = {.inputs = {{.name = "commands", .format = ALLUVIUM_RECORDS}},
                               .outputs = {{.name = "answers"}},
                               .namespaces = {{.ordered = &ORDERED},
                                              {.merged = &SUMS},
                                              {.merged = &LEAST},
                                              {.merged = &GREATEST},
                                              {.merged = &TEXTS},
                                              {.merged = &SETS}}})

#endif
