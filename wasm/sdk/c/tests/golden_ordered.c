// Ordered and merged state: what it keeps, and what is found of it, is what it is in Rust.
#include "golden.h"

// A sale, and what a sum or a set has of it.
typedef struct {
    alluvium_text shop, id;
    alluvium_time at;
    int64_t big;
    alluvium_optional_text note;
    bool has_note;
    alluvium_text bytes;
} sale;
static const alluvium_row SALE =
    ALLUVIUM_ROW(sale, ALLUVIUM_CODE_COLUMN(sale, shop, 2), ALLUVIUM_COLUMN(sale, id), ALLUVIUM_COLUMN(sale, at),
                 ALLUVIUM_COLUMN(sale, big), ALLUVIUM_COLUMN(sale, note));

static const alluvium_row SHOP = ALLUVIUM_ROW_AS(ALLUVIUM_SCALAR, sale, ALLUVIUM_CODE_COLUMN(sale, shop, 2));
static const alluvium_row ID = ALLUVIUM_ROW_AS(ALLUVIUM_SCALAR, sale, ALLUVIUM_COLUMN(sale, id));
static const alluvium_row AT = ALLUVIUM_ROW_AS(ALLUVIUM_SCALAR, sale, ALLUVIUM_COLUMN(sale, at));
static const alluvium_row BIG = ALLUVIUM_ROW_AS(ALLUVIUM_SCALAR, sale, ALLUVIUM_COLUMN(sale, big));
static const alluvium_row HAS_NOTE = ALLUVIUM_ROW_AS(ALLUVIUM_SCALAR, sale, ALLUVIUM_COLUMN(sale, has_note));
static const alluvium_row BYTES = ALLUVIUM_ROW_AS(ALLUVIUM_SCALAR, sale, ALLUVIUM_COLUMN(sale, bytes));
static const alluvium_row AT_AND_ID =
    ALLUVIUM_ROW_AS(ALLUVIUM_TUPLE, sale, ALLUVIUM_COLUMN(sale, at), ALLUVIUM_COLUMN(sale, id));
static const alluvium_row ID_AND_BIG =
    ALLUVIUM_ROW_AS(ALLUVIUM_TUPLE, sale, ALLUVIUM_COLUMN(sale, id), ALLUVIUM_COLUMN(sale, big));
static const alluvium_row BIG_AND_NOTE =
    ALLUVIUM_ROW_AS(ALLUVIUM_TUPLE, sale, ALLUVIUM_COLUMN(sale, big), ALLUVIUM_COLUMN(sale, note));

static const alluvium_ordered SALES = {
    .name = "sales", .owner = ALLUVIUM_CODE_COLUMN(sale, shop, 2), .key = &AT_AND_ID, .value = &BIG_AND_NOTE};
static const alluvium_ordered NUMBERS = {
    .name = "numbers", .owner = ALLUVIUM_COLUMN(sale, big), .key = &ID, .value = &HAS_NOTE};
static const alluvium_merged SUMS = {.name = "sums", .merge = ALLUVIUM_MERGE_ADD, .key = &ID, .value = &BIG};
static const alluvium_merged LEAST = {.name = "least", .merge = ALLUVIUM_MERGE_MIN, .key = &SHOP, .value = &AT};
static const alluvium_merged GREATEST = {
    .name = "greatest", .merge = ALLUVIUM_MERGE_MAX, .key = &SHOP, .value = &ID_AND_BIG};
static const alluvium_merged NOTES = {.name = "notes", .merge = ALLUVIUM_MERGE_APPEND, .key = &BIG, .value = &BYTES};
static const alluvium_merged IDS = {.name = "ids", .merge = ALLUVIUM_MERGE_SET_UNION, .key = &SHOP, .value = &ID};

static bool begin(void *self, uint32_t input, const alluvium_header *header, alluvium_context *context) {
    (void)input;
    return alluvium_rows_begin(self, &SALE, header, context);
}

// Writes entries, each as its key and its value.
static void add_entries(alluvium_json *line, const sale *entries, size_t count) {
    alluvium_json_array(line);
    for (size_t at = 0; entries && at < count; at++) {
        alluvium_json_array(line);
        alluvium_json_row(line, &AT_AND_ID, &entries[at]);
        alluvium_json_row(line, &BIG_AND_NOTE, &entries[at]);
        alluvium_json_array_end(line);
    }
    alluvium_json_array_end(line);
}

// Emits what is before a sale in its shop: at most two within ten milliseconds, and the last three.
static void emit_ranges(const sale *one, const sale *before, alluvium_context *context) {
    alluvium_json line = alluvium_json_in(context->arena);
    size_t count;
    alluvium_json_array(&line);
    const sale *found =
        alluvium_ordered_range(&SALES, one, (alluvium_bounds){.from = before, .to = one}, 2, &count, context);
    add_entries(&line, found, count);
    found = alluvium_ordered_range_reversed(&SALES, one, (alluvium_bounds){.to = one, .to_included = true}, 3, &count,
                                            context);
    add_entries(&line, found, count);
    alluvium_json_array_end(&line);
    alluvium_emit_json(context, 0, &line);
}

// Writes a merged value, or null.
static void add_merged(alluvium_json *line, const alluvium_merged *merged, sale one, alluvium_context *context) {
    bool is_some;
    if (alluvium_merged_get(merged, &one, &is_some, context) && is_some) alluvium_json_row(line, merged->value, &one);
    else alluvium_json_null(line);
}

static void keep(sale *one, alluvium_context *context) {
    one->has_note = one->note.is_some;
    one->bytes = one->note.value;
    alluvium_ordered_set(&SALES, one, context);
    alluvium_ordered_set(&NUMBERS, one, context);
    alluvium_merged_merge(&SUMS, one, context);
    alluvium_merged_merge(&LEAST, one, context);
    alluvium_merged_merge(&GREATEST, one, context);
    alluvium_merged_merge(&IDS, one, context);
    if (one->has_note) alluvium_merged_merge(&NOTES, one, context);
}

static void emit_values(const sale *one, alluvium_context *context) {
    alluvium_json line = alluvium_json_in(context->arena);
    size_t count;
    alluvium_json_array(&line);
    add_merged(&line, &SUMS, *one, context);
    add_merged(&line, &LEAST, *one, context);
    add_merged(&line, &GREATEST, *one, context);
    const sale *ids = alluvium_merged_elements(&IDS, one, &count, context);
    alluvium_json_array(&line);
    for (size_t at = 0; at < count; at++) alluvium_json_text(&line, ids[at].id);
    alluvium_json_array_end(&line);
    alluvium_json_array_end(&line);
    alluvium_emit_json(context, 1, &line);
}

// Deletes what came ten milliseconds before a sale, and what is kept of its id. Emits what is left.
static void forget(const sale *one, const sale *before, alluvium_context *context) {
    alluvium_json line = alluvium_json_in(context->arena);
    uint64_t gone;
    bool is_some;
    sale number = *one;
    alluvium_ordered_delete_range(&SALES, one, (alluvium_bounds){.to = before}, &gone, context);
    alluvium_ordered_delete(&NUMBERS, one, context);
    alluvium_merged_delete(&SUMS, one, context);
    alluvium_json_array(&line);
    alluvium_json_unsigned(&line, gone);
    add_merged(&line, &SUMS, *one, context);
    if (alluvium_ordered_get(&NUMBERS, &number, &is_some, context) && is_some) {
        alluvium_json_row(&line, &HAS_NOTE, &number);
    } else {
        alluvium_json_null(&line);
    }
    alluvium_json_array_end(&line);
    alluvium_emit_json(context, 1, &line);
}

static bool process(void *self, uint32_t input, const alluvium_batch *batch, alluvium_context *context) {
    (void)input;
    sale *sales = alluvium_rows_read(self, batch, context);
    for (uint32_t record = 0; sales && record < batch->count; record++) {
        sale *one = &sales[record];
        const sale before = {.at = {alluvium_saturating_add(one->at.ms, -10)}};
        emit_ranges(one, &before, context);
        keep(one, context);
        emit_values(one, context);
        if (one->big == 7) forget(one, &before, context);
    }
    return sales;
}

ALLUVIUM_OPERATOR(sales, .instance_bytes = sizeof(alluvium_rows), .begin = begin, .process = process,
                  .describe = {.inputs = {{.name = "sales"}},
                               .outputs = {{.name = "ranges"}, {.name = "values"}},
                               .namespaces = {{.ordered = &SALES},
                                              {.ordered = &NUMBERS},
                                              {.merged = &SUMS},
                                              {.merged = &LEAST},
                                              {.merged = &GREATEST},
                                              {.merged = &NOTES},
                                              {.merged = &IDS}}})

static void ordered_and_merged_state_is_the_same_as_in_rust(void) {
    golden("ordered", ALLUVIUM_OPERATOR_OF(sales));
}

int main(void) {
    TEST(ordered_and_merged_state_is_the_same_as_in_rust);
    alluvium_arena_free(&arena);
}
