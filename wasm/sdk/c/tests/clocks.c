// Clocks of operators: timers and expiry. And parameters, with their values of before.
#include "visits.h"

static void remember(const visit *visit, alluvium_context *context) {
    command word = {visit->page};
    alluvium_map_set(&SEEN, visit->page, &word, context);
}

static void entries_go_away_by_their_clock(void) {
    alluvium_harness *harness = started(remember);
    const alluvium_table *seen = alluvium_harness_entries(harness, "seen");
    ALLUVIUM_OK(alluvium_harness_feed(harness, HEADER "/early,1,1\n"));
    // What was written before the clock showed a time begins to age then.
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "100"));
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "105"));
    ALLUVIUM_OK(alluvium_harness_feed(harness, HEADER "/late,1,1\n"));
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "109"));
    CHECK(seen->count == 2, "%zu", seen->count);
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "110"));
    CHECK(seen->count == 1, "%zu", seen->count);
    CHECK_BYTES(seen->at[0].key, "/late");
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "115"));
    CHECK(seen->count == 0, "%zu", seen->count);
    alluvium_harness_free(harness);
}

static void set_timers(const visit *visit, alluvium_context *context) {
    (void)visit;
    const char *names[] = {"first", "second", "clock"};
    for (size_t at = 0; at < 3; at++) {
        bool was_set;
        alluvium_set_timer(context, names[at], (alluvium_time){2}, ALLUVIUM_LITERAL("b"));
        alluvium_set_timer(context, names[at], (alluvium_time){2}, ALLUVIUM_LITERAL("a"));
        alluvium_set_timer(context, names[at], (alluvium_time){1}, ALLUVIUM_LITERAL("c"));
        alluvium_set_timer(context, names[at], (alluvium_time){-1}, ALLUVIUM_LITERAL("gone"));
        alluvium_delete_timer(context, names[at], (alluvium_time){-1}, ALLUVIUM_LITERAL("gone"), &was_set);
        CHECK(was_set, "it was set");
        alluvium_delete_timer(context, names[at], (alluvium_time){-1}, ALLUVIUM_LITERAL("gone"), NULL);
    }
}

static void set_one_that_is_refused(const visit *visit, alluvium_context *context) {
    alluvium_set_timer(context, "first", visit->at, ALLUVIUM_LITERAL("refused"));
}

static void timers_are_due_in_order_and_those_that_they_set_as_well(void) {
    alluvium_harness *harness = started(set_timers);
    ALLUVIUM_OK(alluvium_harness_feed(harness, HEADER "/a,1,1\n"));
    ALLUVIUM_OK(alluvium_harness_processing_time(harness, "5"));
    // There is no watermark yet.
    ALLUVIUM_EMITTED(harness, 0, "clock 1 c", "clock 2 a b");
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "2"));
    ALLUVIUM_EMITTED(harness, 0, "clock 1 c", "clock 2 a b", "second 1 c", "first 1 c", "second 1 late", "second 2 a b",
                     "first 2 a b");
    with_visit = set_one_that_is_refused;
    ALLUVIUM_OK(alluvium_harness_feed(harness, HEADER "/a,1,9\n"));
    ALLUVIUM_REFUSED(alluvium_harness_finish(harness), "refused");
    alluvium_bytes key;
    const alluvium_table *timers = alluvium_harness_entries(harness, "first");
    CHECK(timers->count == 1 && alluvium_harness_timer(&timers->at[0], &key).ms == 9, "it is set again");
    CHECK_BYTES(key, "refused");
    alluvium_harness_free(harness);
}

static void greet(const visit *visit, alluvium_context *context) {
    alluvium_optional_bytes before = alluvium_get_previous_parameter(context, "greeting");
    CHECK(!alluvium_get_parameter(context, "other").is_some, "there is no other one");
    alluvium_emit(context, 0, alluvium_get_parameter(context, "greeting").value);
    alluvium_emit(context, 0, before.is_some ? before.value : visit->page);
    alluvium_log(context, ALLUVIUM_WARN, "%s %d", "visit", 7);
}

static void parameters_have_defaults_and_their_values_of_before(void) {
    with_visit = greet;
    const char *given[] = {"greeting", "good day", NULL}, *unknown[] = {"color", "red", NULL};
    alluvium_harness *harness;
    ALLUVIUM_REFUSED(alluvium_harness_start(&harness, ALLUVIUM_OPERATOR_OF(visits), unknown),
                     "the operator has no such parameter");
    alluvium_harness_free(harness);
    ALLUVIUM_OK(alluvium_harness_start(&harness, ALLUVIUM_OPERATOR_OF(visits), given));
    ALLUVIUM_OK(alluvium_harness_feed(harness, HEADER "/a,1,1\n"));
    CHECK_BYTES(alluvium_harness_messages(harness)->at[0], "Warn: visit 7");
    alluvium_harness_checkpoint(harness);
    ALLUVIUM_OK(alluvium_harness_crash(harness));
    ALLUVIUM_OK(alluvium_harness_feed(harness, HEADER "/a,1,1\n"));
    ALLUVIUM_OK(alluvium_harness_finish(harness));
    ALLUVIUM_EMITTED(harness, 0, "good day", "/a", "good day", "good day", "the end");
    alluvium_harness_free(harness);
}

int main(void) {
    TEST(entries_go_away_by_their_clock);
    TEST(timers_are_due_in_order_and_those_that_they_set_as_well);
    TEST(parameters_have_defaults_and_their_values_of_before);
}
