// State of operators: maps, counters, values, ranges and merging.
#include "spy.h"
#include "visits.h"

static void maps_and_counters_are_kept_as_json(void) {
    alluvium_harness *harness = started(NULL);
    ALLUVIUM_OK(alluvium_harness_feed(harness, HEADER "/b,1.5,1\n/a,NA,2\n/b,,3\n"));
    ALLUVIUM_EMITTED(harness, 0, "[\"/b\",1,null]", "[\"/a\",1,null]",
                     "[\"/b\",2,{\"page\":\"/b\",\"seconds\":1.5,\"at\":\"1970-01-01T00:00:00.001Z\"}]");
    CHECK_BYTES(alluvium_harness_entries(harness, "visits")->at[1].value, "2");
    CHECK_BYTES(alluvium_harness_entries(harness, "last")->at[0].value,
                "{\"page\":\"/a\",\"seconds\":null,\"at\":\"1970-01-01T00:00:00.002Z\"}");
    alluvium_harness_checkpoint(harness);
    ALLUVIUM_OK(alluvium_harness_feed(harness, HEADER "/a,1,4\n"));
    ALLUVIUM_OK(alluvium_harness_crash(harness));
    ALLUVIUM_OK(alluvium_harness_feed(harness, HEADER "/a,1,5\n"));
    CHECK_BYTES(alluvium_harness_emitted(harness, 0)->at[3],
                "[\"/a\",2,{\"page\":\"/a\",\"seconds\":null,\"at\":\"1970-01-01T00:00:00.002Z\"}]");
    CHECK(alluvium_harness_emitted(harness, 0)->count == 4, "what was not shown is gone");
    alluvium_emitted all = {0};
    ALLUVIUM_OK(alluvium_harness_results(harness, &all));
    CHECK(all.count == 2 && alluvium_text_is(all.at[0], "{\"key\":\"/a\"}"), "%zu results", all.count);
    alluvium_harness_free(harness);
}

static void a_call_reads_once_and_writes_once_in_the_order_of_first_touch(void) {
    alluvium_harness *harness = started(NULL);
    alluvium_emitted_before before = alluvium_run_emitted(harness);
    alluvium_context context = alluvium_run_begin(harness);
    spy_on(&context);
    const alluvium_bytes keys[] = {ALLUVIUM_LITERAL("z"), ALLUVIUM_LITERAL("m"), ALLUVIUM_LITERAL("z"),
                                   ALLUVIUM_LITERAL("a")};
    const command word = {ALLUVIUM_LITERAL("word")};
    command found;
    bool is_some;
    // Written before it is read: it needs no reading.
    CHECK(alluvium_map_set(&SEEN, ALLUVIUM_LITERAL("y"), &word, &context), "set");
    CHECK(alluvium_map_prefetch(&SEEN, keys, 4, &context), "prefetch");
    CHECK(alluvium_map_get(&SEEN, keys[0], &found, &is_some, &context) && !is_some, "get");
    CHECK(alluvium_map_get(&SEEN, ALLUVIUM_LITERAL("y"), &found, &is_some, &context) && is_some, "get");
    CHECK(alluvium_map_set(&SEEN, keys[0], &word, &context), "set");
    CHECK(alluvium_map_set(&SEEN, keys[3], &word, &context), "set");
    CHECK(alluvium_map_delete(&SEEN, ALLUVIUM_LITERAL("y"), &context), "delete");
    CHECK(alluvium_counter_add(&VISITS, keys[1], 2, &context) == 2, "add");
    CHECK(alluvium_counter_add(&VISITS, keys[1], UINT64_MAX, &context) == UINT64_MAX, "add");
    CHECK(alluvium_value_set(&SINGLE, &word, &context), "set");
    ALLUVIUM_OK(alluvium_run_end(harness, &context, &before, true));
    CHECK_BYTES(alluvium_buffer_bytes(&asked), "get 2: a m z; get 0: m; apply 0: +m; apply 2: -y +a +z; apply 3: +; ");
    CHECK_BYTES(alluvium_harness_entries(harness, "single")->at[0].value, "{\"word\":\"word\"}");
    alluvium_harness_free(harness);
    alluvium_arena_free(&asked_arena);
}

static void overlook_errors(const visit *visit, alluvium_context *context) {
    command word = {visit->page};
    alluvium_map_set(&SINGLE, ALLUVIUM_LITERAL("kept"), &word, context);
    alluvium_set_timer(context, "first", visit->at, visit->page);
    alluvium_emit(context, 0, visit->page);
    // What these return is not looked at.
    alluvium_emit(context, 7, visit->page);
    alluvium_set_timer(context, "visits", visit->at, visit->page);
}

static void an_error_that_is_overlooked_fails_the_call(void) {
    alluvium_harness *harness = started(overlook_errors);
    ALLUVIUM_REFUSED(alluvium_harness_feed(harness, HEADER "/a,1,1\n"),
                     "there is no output 7: the operator describes 1");
    ALLUVIUM_EMITTED_NOTHING(harness, 0);
    CHECK(alluvium_harness_entries(harness, "first")->count == 0, "the timer is gone");
    CHECK(alluvium_harness_entries(harness, "single")->count == 0, "the value is gone");
    alluvium_harness_free(harness);
}

static void use_ranges(const visit *visit, alluvium_context *context) {
    const char *keys[] = {"a1", "a2", "a3", "b1"};
    for (size_t at = 0; at < 4; at++) {
        alluvium_put(context, "ordered", alluvium_text_of(keys[at]), (alluvium_optional_bytes){true, visit->page});
    }
    CHECK(alluvium_flush(context), "flush");
    alluvium_range range = {.from = ALLUVIUM_LITERAL("a2"), .to = {true, ALLUVIUM_LITERAL("b")}, .limit = 9};
    alluvium_entries found;
    CHECK(alluvium_scan(context, "ordered", &range, &found) && found.count == 2, "%zu", found.count);
    CHECK_BYTES(found.at[0].key, "a2");
    range = (alluvium_range){.reverse = true, .limit = 3};
    CHECK(alluvium_scan(context, "ordered", &range, &found) && found.count == 3, "%zu", found.count);
    CHECK_BYTES(found.at[0].key, "b1");
    CHECK_BYTES(found.at[2].key, "a2");
    uint64_t deleted;
    range = (alluvium_range){.from = ALLUVIUM_LITERAL("a"), .to = {true, ALLUVIUM_LITERAL("b")}};
    CHECK(alluvium_delete_range(context, "ordered", &range, &deleted) && deleted == 3, "%" PRIu64, deleted);
    alluvium_entry sum = {visit->page, ALLUVIUM_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff")};
    CHECK(alluvium_merge(context, "sums", &sum, 1) && alluvium_merge(context, "sums", &sum, 1), "merge");
    const alluvium_entry sets[] = {{visit->page, ALLUVIUM_LITERAL("\2N1\2N3")},
                                   {visit->page, ALLUVIUM_LITERAL("\2N2\2N3")}};
    CHECK(alluvium_merge(context, "sets", sets, 2), "merge");
}

static void break_a_merge(const visit *visit, alluvium_context *context) {
    alluvium_entry entry = {visit->page, ALLUVIUM_LITERAL("short")};
    alluvium_merge(context, "sums", &entry, 1);
}

static void ranges_and_merging_are_those_of_the_engine(void) {
    alluvium_harness *harness = started(use_ranges);
    ALLUVIUM_OK(alluvium_harness_feed(harness, HEADER "/a,1,1\n"));
    CHECK_BYTES(alluvium_harness_entries(harness, "ordered")->at[0].key, "b1");
    CHECK_BYTES(alluvium_harness_entries(harness, "sums")->at[0].value, "\xfe\xff\xff\xff\xff\xff\xff\xff");
    CHECK_BYTES(alluvium_harness_entries(harness, "sets")->at[0].value, "\2N1\2N2\2N3");
    with_visit = break_a_merge;
    ALLUVIUM_REFUSED(alluvium_harness_feed(harness, HEADER "/a,1,1\n"), "not a number of eight bytes");
    alluvium_harness_free(harness);
}

static void an_operator_says_which_keys_its_records_belong_to(void) {
    alluvium_harness *harness = started(NULL);
    alluvium_emitted keys = {0};
    ALLUVIUM_OK(alluvium_harness_route(harness, 0, HEADER "/b,1.5,1\n,NA,2\n/b,,3\n", &keys));
    CHECK(keys.count == 3, "%zu", keys.count);
    CHECK_BYTES(keys.at[0], "/b");
    CHECK_BYTES(keys.at[1], "");
    CHECK_BYTES(keys.at[2], "/b");
    CHECK(alluvium_harness_entries(harness, "visits")->count == 0, "the state is not touched");
    ALLUVIUM_REFUSED(alluvium_harness_route(harness, 0, HEADER "/b,1,1\n/b,soon,1\n", &keys),
                     "record 1: seconds: \"soon\" is no number");
    alluvium_harness_free(harness);
}

ALLUVIUM_OPERATOR(undivided, .instance_bytes = sizeof(visits), .begin = begin, .process = process,
                  .describe = {.inputs = {{.name = "visits"}}})

static void the_work_of_an_operator_without_a_route_is_not_divided(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(undivided);
    alluvium_emitted keys = {0};
    ALLUVIUM_REFUSED(alluvium_harness_route(harness, 0, HEADER "/b,1,1\n", &keys),
                     "the operator does not say which keys its records belong to, so its work cannot be divided");
    alluvium_harness_free(harness);
}

int main(void) {
    TEST(an_operator_says_which_keys_its_records_belong_to);
    TEST(the_work_of_an_operator_without_a_route_is_not_divided);
    TEST(maps_and_counters_are_kept_as_json);
    TEST(a_call_reads_once_and_writes_once_in_the_order_of_first_touch);
    TEST(an_error_that_is_overlooked_fails_the_call);
    TEST(ranges_and_merging_are_those_of_the_engine);
}
