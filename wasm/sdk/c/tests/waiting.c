// What waits in the cache of ordered and merged state: when it is written, and what is read past it.
#include "spy.h"

typedef struct {
    alluvium_text shop, id;
    int64_t number;
} sale;
static const alluvium_row ID = ALLUVIUM_ROW_AS(ALLUVIUM_SCALAR, sale, ALLUVIUM_COLUMN(sale, id));
static const alluvium_row NUMBER = ALLUVIUM_ROW_AS(ALLUVIUM_SCALAR, sale, ALLUVIUM_COLUMN(sale, number));

static const alluvium_ordered SALES = {.name = "sales",
                                       .owner = ALLUVIUM_CODE_COLUMN(sale, shop, 2),
                                       .key = &ID,
                                       .value = &NUMBER,
                                       .expires = {ALLUVIUM_EVENT_TIME, 10}};
static const alluvium_merged SUMS = {.name = "sums",
                                     .merge = ALLUVIUM_MERGE_ADD,
                                     .key = &ID,
                                     .value = &NUMBER,
                                     .expires = {ALLUVIUM_PROCESSING_TIME, 5}};
static const alluvium_map OTHERS = {.name = "others", .value = &NUMBER};

// What a test does within a call, and what the host was asked for then.
static void (*within)(alluvium_context *context);

static bool process(void *self, uint32_t input, const alluvium_batch *batch, alluvium_context *context) {
    (void)self, (void)input, (void)batch;
    within(context);
    return !context->has_failed;
}

ALLUVIUM_OPERATOR(sales, .process = process,
                  .describe = {.inputs = {{.name = "calls", .format = ALLUVIUM_RECORDS}},
                               .outputs = {{.name = "lines"}},
                               .namespaces = {{.ordered = &SALES}, {.merged = &SUMS}, {.map = &OTHERS}}})

// Does something within a call, and returns the error.
static const char *call(alluvium_harness *harness, void (*what)(alluvium_context *context)) {
    within = what;
    return alluvium_harness_feed_records(harness, 0, NULL, 0);
}

static sale sale_of(const char *id, int64_t number) {
    return (sale){ALLUVIUM_LITERAL("ab"), alluvium_text_of(id), number};
}

static void merge(const char *id, int64_t number, alluvium_context *context) {
    const sale one = sale_of(id, number);
    CHECK(alluvium_merged_merge(&SUMS, &one, context), "merge %s", id);
}

static void set(const char *id, int64_t number, alluvium_context *context) {
    const sale one = sale_of(id, number);
    CHECK(alluvium_ordered_set(&SALES, &one, context), "set %s", id);
}

// Checks the sum of an id. That of one into which nothing was merged is 0.
static void check_sum(const char *id, int64_t number, alluvium_context *context) {
    sale one = sale_of(id, 0);
    bool is_some;
    CHECK(alluvium_merged_get(&SUMS, &one, &is_some, context), "get %s", id);
    CHECK(one.number == number && is_some == (number != 0), "%s is %" PRId64, id, one.number);
}

static void only_merge(alluvium_context *context) {
    spy_on(context);
    merge("b", 1, context);
    merge("a", 2, context);
    merge("b", 3, context);
}

static void a_batch_that_only_merges_costs_one_write(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(sales);
    ALLUVIUM_OK(call(harness, only_merge));
    CHECK_BYTES(alluvium_buffer_bytes(&asked), "apply 1: *b *a *b; ");
    CHECK_BYTES(alluvium_harness_entries(harness, "sums")->at[1].value, "\4\0\0\0\0\0\0\0");
    alluvium_harness_free(harness);
    alluvium_arena_free(&asked_arena);
}

static void mix(alluvium_context *context) {
    spy_on(context);
    check_sum("a", 0, context);
    // What was read is not known any more after a merge.
    merge("a", 2, context);
    merge("b", 5, context);
    check_sum("a", 2, context);
    check_sum("a", 2, context);
    // What was deleted is deleted before something is merged, and what was merged is there before it is deleted.
    const sale b = sale_of("b", 0);
    CHECK(alluvium_merged_delete(&SUMS, &b, context), "delete");
    merge("b", 7, context);
    check_sum("b", 7, context);
    CHECK(alluvium_merged_delete(&SUMS, &b, context), "delete");
    check_sum("b", 0, context);
    // What is set comes after what was merged before.
    merge("c", 1, context);
    CHECK(alluvium_merged_delete(&SUMS, &b, context), "delete");
    merge("d", 1, context);
}

static void merges_wait_in_their_order_with_other_changes(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(sales);
    ALLUVIUM_OK(call(harness, mix));
    CHECK_BYTES(alluvium_buffer_bytes(&asked),
                "get 1: a; apply 1: *a *b; get 1: a; apply 1: -b; apply 1: *b; get 1: b; "
                "apply 1: *c; apply 1: *d; apply 1: -b; ");
    CHECK(alluvium_harness_entries(harness, "sums")->count == 3, "a, c and d have sums");
    alluvium_harness_free(harness);
    alluvium_arena_free(&asked_arena);
}

static void scan(alluvium_context *context) {
    const sale one = sale_of("", 0), from = sale_of("b", 0);
    uint64_t gone;
    size_t count;
    spy_on(context);
    set("c", 3, context);
    set("b", 2, context);
    set("a", 1, context);
    CHECK(alluvium_map_set(&OTHERS, ALLUVIUM_LITERAL("x"), &one, context), "set");
    const sale *found = alluvium_ordered_range(&SALES, &one, (alluvium_bounds){.from = &from}, 9, &count, context);
    CHECK(found && count == 2 && found[0].number == 2 && found[1].number == 3, "%zu", count);
    CHECK_BYTES(found[1].shop, "ab");
    CHECK_BYTES(found[1].id, "c");
    found = alluvium_ordered_range_reversed(&SALES, &one, (alluvium_bounds){0}, 2, &count, context);
    CHECK(found && count == 2 && found[0].number == 3 && found[1].number == 2, "%zu", count);
    // An empty range asks for nothing.
    CHECK(alluvium_ordered_range(&SALES, &one, (alluvium_bounds){.from = &from, .to = &from}, 9, &count, context),
          "range");
    CHECK(count == 0, "%zu", count);
    CHECK(alluvium_ordered_range(&SALES, &one, (alluvium_bounds){0}, 0, &count, context) && count == 0, "%zu", count);
    const alluvium_bounds backwards = {.from = &from, .to = &one};
    CHECK(alluvium_ordered_delete_range(&SALES, &one, backwards, &gone, context) && gone == 0, "%" PRIu64, gone);
}

static void a_range_writes_what_waits_in_its_namespace(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(sales);
    ALLUVIUM_OK(call(harness, scan));
    CHECK_BYTES(alluvium_buffer_bytes(&asked),
                "apply 0: +abc +abb +aba; scan 0: 9; scan 0: 7; scan 0: 2; apply 2: +x; ");
    alluvium_harness_free(harness);
    alluvium_arena_free(&asked_arena);
}

static void page(alluvium_context *context) {
    const sale one = sale_of("x", 4);
    alluvium_bytes *keys;
    size_t count;
    merge("b", 1, context);
    merge("a", 2, context);
    merge("c", 3, context);
    const sale *sums = alluvium_merged_page(&SUMS, true, 2, &count, context);
    CHECK(sums && count == 2 && sums[0].number == 2 && sums[1].number == 1, "%zu", count);
    CHECK_BYTES(sums[1].id, "b");
    CHECK((sums = alluvium_merged_page(&SUMS, false, 2, &count, context)) && count == 1, "%zu", count);
    CHECK_BYTES(sums[0].id, "c");
    CHECK(alluvium_merged_page(&SUMS, false, 2, &count, context) && count == 0, "%zu", count);
    CHECK(alluvium_map_set(&OTHERS, one.id, &one, context), "set");
    const sale *others = alluvium_map_page(&OTHERS, true, 2, &keys, &count, context);
    CHECK(others && count == 1 && others[0].number == 4 && alluvium_text_is(keys[0], "x"), "%zu", count);
}

static void pages_have_what_waits_in_the_order_of_the_keys(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(sales);
    ALLUVIUM_OK(call(harness, page));
    alluvium_harness_free(harness);
}

static void keep(alluvium_context *context) {
    set("a", 1, context);
    merge("a", 1, context);
}

static void entries_go_away_by_the_clock_of_their_namespace(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(sales);
    CHECK(alluvium_namespace_at(ALLUVIUM_OPERATOR_OF(sales), 0).route_bytes == 2, "the owner has two bytes");
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "0"));
    ALLUVIUM_OK(alluvium_harness_processing_time(harness, "0"));
    ALLUVIUM_OK(call(harness, keep));
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "9"));
    ALLUVIUM_OK(alluvium_harness_processing_time(harness, "5"));
    CHECK(alluvium_harness_entries(harness, "sales")->count == 1, "the sale is there");
    CHECK(alluvium_harness_entries(harness, "sums")->count == 0, "the sum has expired");
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "10"));
    CHECK(alluvium_harness_entries(harness, "sales")->count == 0, "the sale has expired");
    alluvium_harness_free(harness);
}

static void set_elsewhere(alluvium_context *context) {
    const sale one = {.shop = ALLUVIUM_LITERAL("abc")};
    alluvium_ordered_set(&SALES, &one, context);
}

static void read_sales(alluvium_context *context) {
    const sale one = sale_of("a", 0);
    size_t count;
    alluvium_ordered_range(&SALES, &one, (alluvium_bounds){0}, 9, &count, context);
}

static void read_sum(alluvium_context *context) {
    check_sum("a", 1, context);
}

static void page_sums(alluvium_context *context) {
    size_t count;
    alluvium_merged_page(&SUMS, true, 9, &count, context);
}

// Puts bytes that the operator has not written into its state.
static void spoil(alluvium_harness *harness, size_t space, alluvium_bytes key, alluvium_bytes value) {
    alluvium_stored stored = {alluvium_copy(&harness->live.arena, key), alluvium_copy(&harness->live.arena, value),
                              ALLUVIUM_STAYS};
    alluvium_table_put(&harness->live, space, stored);
}

static void owners_and_state_of_other_types_are_refused(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(sales);
    ALLUVIUM_REFUSED(call(harness, set_elsewhere), "shop: \"abc\" has 3 bytes, and not 2");
    spoil(harness, 0, ALLUVIUM_LITERAL("ab\xff"), ALLUVIUM_LITERAL("1"));
    ALLUVIUM_REFUSED(call(harness, read_sales), "sales: a key of another type");
    spoil(harness, 0, ALLUVIUM_LITERAL("ab"), ALLUVIUM_LITERAL("{}"));
    ALLUVIUM_REFUSED(call(harness, read_sales), "sales: a value of another type: expected a number");
    spoil(harness, 1, ALLUVIUM_LITERAL("a"), ALLUVIUM_LITERAL("1234567"));
    ALLUVIUM_REFUSED(call(harness, page_sums), "sums: a value of another type");
    spoil(harness, 1, ALLUVIUM_LITERAL("\xff"), ALLUVIUM_LITERAL("12345678"));
    spoil(harness, 1, ALLUVIUM_LITERAL("a"), ALLUVIUM_LITERAL("\1\0\0\0\0\0\0\0"));
    ALLUVIUM_REFUSED(call(harness, page_sums), "sums: a key of another type");
    ALLUVIUM_OK(call(harness, read_sum));
    alluvium_harness_free(harness);
}

int main(void) {
    TEST(a_batch_that_only_merges_costs_one_write);
    TEST(merges_wait_in_their_order_with_other_changes);
    TEST(a_range_writes_what_waits_in_its_namespace);
    TEST(pages_have_what_waits_in_the_order_of_the_keys);
    TEST(entries_go_away_by_the_clock_of_their_namespace);
    TEST(owners_and_state_of_other_types_are_refused);
}
