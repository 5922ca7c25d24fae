// Operators that are ready, at their limits: state that others have written, declarations that contradict themselves,
// and times at the ends of the numbers.
#include "trips.h"

// Puts bytes that the operator has not written into its state.
static void spoil(alluvium_harness *harness, size_t space, alluvium_bytes key, alluvium_bytes value) {
    alluvium_stored stored = {alluvium_copy(&harness->live.arena, key), alluvium_copy(&harness->live.arena, value),
                              ALLUVIUM_STAYS};
    alluvium_table_put(&harness->live, space, stored);
}

static void state_of_others_is_refused(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(joined);
    const struct {
        const char *value, *wrong;
    } cases[] = {
        {"", "expected an array"},
        {"[[]]", "too few elements"},
        {"[[],[],[]]", "too many elements"},
        {"[[],[]] ,", "more than one value"},
        {"[[{\"at_ms\":0,\"is_joined\":true}],[]]", "a member is missing"},
        {"[[],[{\"at_ms\":0,\"at_ms\":0}]]", "a member that is there twice"},
        {"[[{\"at_ms\":0.5}],[]]", "expected a whole number"},
        {"[[{\"more\":[{}],\"row\":{\"name\":1}}],[]]", "expected a text"},
        {"[[{\"row\":", "expected an object"},
    };
    alluvium_arena arena = {0};
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        spoil(harness, 0, ALLUVIUM_LITERAL("UA"), alluvium_text_of(cases[at].value));
        ALLUVIUM_REFUSED(alluvium_harness_feed(harness, TRIPS "x,UA,1,0\n"),
                         text(&arena, "open: a value of another type: %s", cases[at].wrong));
        // Another key is as it was.
        ALLUVIUM_OK(alluvium_harness_feed(harness, TRIPS "x,AA,1,0\n"));
    }
    alluvium_arena_free(&arena);
    alluvium_harness_free(harness);
    harness = ALLUVIUM_HARNESS(named_trips);
    const struct {
        const char *value, *wrong;
    } waits[] = {
        {"{}", "expected an array"},
        {"[[]]", "too few elements"},
        {"[[1]]", "too few elements"},
        {"[[1,{\"carrier\":\"UA\",\"flight\":1,\"at\":\"1970-01-01T00:00:00Z\"},2]]", "too many elements"},
        {"[[1,{\"carrier\":\"UA\",\"flight\":1}]]", "missing field `at`"},
        {"[] []", "more than one value"},
    };
    for (size_t at = 0; at < sizeof waits / sizeof *waits; at++) {
        spoil(harness, 0, ALLUVIUM_LITERAL("UA"), alluvium_text_of(waits[at].value));
        ALLUVIUM_REFUSED(alluvium_harness_feed(harness, TRIPS "x,UA,1,0\n"),
                         text(&arena, "waiting: a value of another type: %s", waits[at].wrong));
    }
    ALLUVIUM_OK(alluvium_harness_feed(harness, TRIPS "x,AA,1,0\n"));
    spoil(harness, 2, ALLUVIUM_LITERAL("AA"), ALLUVIUM_LITERAL("{}"));
    ALLUVIUM_REFUSED(alluvium_harness_finish(harness), "airlines: a value of another type: missing field `code`");
    alluvium_harness_free(harness);
    harness = ALLUVIUM_HARNESS(named);
    spoil(harness, 0, ALLUVIUM_LITERAL("A\0\1\x80\0\0\0\0\0\0\1"), ALLUVIUM_LITERAL("1234567"));
    ALLUVIUM_REFUSED(alluvium_harness_feed(harness, TRIPS "x,A,1,0\n"), "passed: an entry of the times is none");
    spoil(harness, 1, ALLUVIUM_LITERAL("\x80\0\0\0\0\0\0\0A"), ALLUVIUM_LITERAL(""));
    ALLUVIUM_REFUSED(alluvium_harness_finish(harness), "a timer for a key that is none");
    alluvium_harness_free(harness);
    harness = ALLUVIUM_HARNESS(most);
    alluvium_buffer bytes = alluvium_buffer_in(&arena);
    alluvium_add_little(&bytes, 0, 8);
    alluvium_add_little(&bytes, 10, 8);
    alluvium_add_little(&bytes, 20, 4);
    // The item says that it has 9 bytes. Its key has 8 of a number and a text of one.
    alluvium_add_little(&bytes, 9, 4);
    alluvium_add_bytes(&bytes, "\0\0\0\0\0\0\0\1A\5\0\0\0\0\0\0\0", 16);
    spoil(harness, 0, ALLUVIUM_LITERAL("UA"), alluvium_buffer_bytes(&bytes));
    ALLUVIUM_REFUSED(alluvium_harness_feed(harness, TRIPS "x,UA,1,0\n"), "an entry of the windows is none");
    alluvium_arena_free(&arena);
    alluvium_harness_free(harness);
}

ALLUVIUM_DEDUPLICATE(no_key, .row = &TRIP)
ALLUVIUM_DEDUPLICATE(two_keys, .row = &TRIP, .key = {"carrier"}, .key_of = key_of_trip)
ALLUVIUM_DEDUPLICATE(no_time, .key = {"carrier"})
ALLUVIUM_DEDUPLICATE(negative, .row = &TRIP, .key = {"carrier"}, .within_ms = -1)
ALLUVIUM_DEDUPLICATE(optional_key, .row = &TRIP, .key = {"name"}, .key_types = {ALLUVIUM_TEXT})
ALLUVIUM_DEDUPLICATE(two_types, .row = &TRIP, .key = {"flight"}, .key_types = {ALLUVIUM_TEXT})
ALLUVIUM_INTERVAL_JOIN(other_keys, .left = {.row = &TRIP, .key = {"carrier"}},
                       .right = {.row = &TRIP, .key = {"flight"}})
ALLUVIUM_INTERVAL_JOIN(no_right, .left = {.row = &TRIP, .key = {"carrier"}})
ALLUVIUM_INTERVAL_JOIN(before, .left = {.row = &TRIP, .key = {"carrier"}}, .right = {.row = &TRIP, .key = {"carrier"}},
                       .before_ms = -1)
ALLUVIUM_WINDOWS(no_limit, .tumbling_ms = 1, .row = &TRIP, .key = {"carrier"}, .top = {.item = {"flight"}})
ALLUVIUM_WINDOWS(no_item, .tumbling_ms = 1, .row = &TRIP, .key = {"carrier"}, .top = {.limit = 1})

#define AIRLINES .input = "airlines", .row = &AIRLINE, .key = {"code"}
ALLUVIUM_TABLE_JOIN(no_input, .row = &TRIP, .key = {"carrier"}, .emit = emit_name,
                    .tables = {{AIRLINES, .lookup = {"carrier"}}})
ALLUVIUM_TABLE_JOIN(no_table, .input = "trips", .row = &TRIP, .key = {"carrier"}, .emit = emit_name)
ALLUVIUM_TABLE_JOIN(no_emit, .input = "trips", .row = &TRIP, .key = {"carrier"},
                    .tables = {{AIRLINES, .lookup = {"carrier"}}})
ALLUVIUM_TABLE_JOIN(no_lookup, .input = "trips", .row = &TRIP, .key = {"carrier"}, .emit = emit_name,
                    .tables = {{AIRLINES}})
ALLUVIUM_TABLE_JOIN(long_lookup, .input = "trips", .row = &TRIP, .key = {"carrier"}, .emit = emit_name,
                    .tables = {{AIRLINES, .lookup = {"carrier", "flight"}}})
ALLUVIUM_TABLE_JOIN(other_lookup, .input = "trips", .row = &TRIP, .key = {"carrier"}, .emit = emit_name,
                    .tables = {{AIRLINES, .lookup = {"flight"}}})
ALLUVIUM_TABLE_JOIN(short_wait, .input = "trips", .row = &TRIP, .key = {"carrier"}, .emit = emit_name, .wait_ms = -1,
                    .tables = {{AIRLINES, .lookup = {"carrier"}}})

static void declarations_that_contradict_themselves_are_refused(void) {
    const struct {
        const alluvium_operator *plugin;
        const char *wrong;
    } cases[] = {
        {ALLUVIUM_OPERATOR_OF(no_key), "the deduplication no_key: there is either .key or .key_of"},
        {ALLUVIUM_OPERATOR_OF(two_keys), "the deduplication two_keys: there is either .key or .key_of"},
        {ALLUVIUM_OPERATOR_OF(no_time), "the deduplication no_time: there is no .time"},
        {ALLUVIUM_OPERATOR_OF(negative), "the deduplication negative: a length is less than a millisecond"},
        {ALLUVIUM_OPERATOR_OF(optional_key),
         "the deduplication optional_key: a key is of texts, whole numbers and times"},
        {ALLUVIUM_OPERATOR_OF(two_types), "the deduplication two_types: a column has two types"},
        {ALLUVIUM_OPERATOR_OF(other_keys),
         "the interval join other_keys: the keys of both inputs are of the same types"},
        {ALLUVIUM_OPERATOR_OF(no_right), "the interval join no_right: there is either .key or .key_of"},
        {ALLUVIUM_OPERATOR_OF(before), "the interval join before: a length is less than 0"},
        {ALLUVIUM_OPERATOR_OF(no_input),
         "the table join no_input: there is an .input of the stream, and of one to three .tables"},
        {ALLUVIUM_OPERATOR_OF(no_table),
         "the table join no_table: there is an .input of the stream, and of one to three .tables"},
        {ALLUVIUM_OPERATOR_OF(no_emit), "the table join no_emit: there is no .emit"},
        {ALLUVIUM_OPERATOR_OF(no_lookup), "the table join no_lookup: there is either .lookup or .lookup_of"},
        {ALLUVIUM_OPERATOR_OF(long_lookup), "the table join long_lookup: a .lookup has the parts of the .key"},
        {ALLUVIUM_OPERATOR_OF(other_lookup), "the table join other_lookup: a column has two types"},
        {ALLUVIUM_OPERATOR_OF(short_wait), "the table join short_wait: a length is less than 0"},
        {ALLUVIUM_OPERATOR_OF(no_limit), "the windows no_limit: a .top has a .limit"},
        {ALLUVIUM_OPERATOR_OF(no_item), "the windows no_item: there is either .item or .item_of"},
    };
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        alluvium_harness *harness;
        ALLUVIUM_REFUSED(alluvium_harness_start(&harness, cases[at].plugin, NULL), cases[at].wrong);
        alluvium_harness_free(harness);
    }
}

ALLUVIUM_TABLE_JOIN(farthest, .input = "trips", .row = &TRIP, .key = {"carrier"}, .emit = emit_name,
                    .wait_ms = INT64_MAX, .tables = {{AIRLINES, .lookup = {"carrier"}}})
ALLUVIUM_DEDUPLICATE(far, .row = &TRIP, .key = {"carrier"}, .within_ms = INT64_MAX, .lateness_ms = INT64_MAX)
ALLUVIUM_INTERVAL_JOIN(farther, .left = {.row = &TRIP, .key = {"carrier"}}, .right = {.row = &TRIP, .key = {"carrier"}},
                       .before_ms = INT64_MAX, .after_ms = INT64_MAX, .lateness_ms = INT64_MAX, .outer = true)

static void times_at_the_ends_of_the_numbers_do_no_harm(void) {
    const alluvium_operator *operators[] = {ALLUVIUM_OPERATOR_OF(far), ALLUVIUM_OPERATOR_OF(farther),
                                            ALLUVIUM_OPERATOR_OF(farthest), ALLUVIUM_OPERATOR_OF(own),
                                            ALLUVIUM_OPERATOR_OF(most)};
    for (size_t at = 0; at < sizeof operators / sizeof *operators; at++) {
        alluvium_harness *harness = alluvium_harness_new(operators[at]);
        ALLUVIUM_OK(alluvium_harness_feed(harness, TRIPS "x,A,1,9223372036854775807\nx,A,1,-9223372036854775808\n"
                                                         "x,A,1,0\nx,A,1,9223372036854775806\n"));
        ALLUVIUM_OK(alluvium_harness_watermark(harness, "9223372036854775807"));
        ALLUVIUM_OK(alluvium_harness_feed(harness, TRIPS "x,A,1,9223372036854775807\n"));
        ALLUVIUM_OK(alluvium_harness_finish(harness));
        CHECK(harness->live.tables[0].count == 0 && harness->live.tables[1].count == 0, "%zu: entries are left", at);
        alluvium_harness_free(harness);
    }
}

int main(void) {
    TEST(state_of_others_is_refused);
    TEST(declarations_that_contradict_themselves_are_refused);
    TEST(times_at_the_ends_of_the_numbers_do_no_harm);
}
