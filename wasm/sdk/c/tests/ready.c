// Operators that are ready: keys in all forms, what is refused and how, and which keys their records belong to.
#include "check.h"

typedef struct {
    alluvium_optional_text name;
    alluvium_text carrier;
    int64_t flight;
    alluvium_time at;
} trip;
static const alluvium_row TRIP = ALLUVIUM_ROW(trip, ALLUVIUM_COLUMN(trip, name), ALLUVIUM_COLUMN(trip, carrier),
                                              ALLUVIUM_COLUMN(trip, flight), ALLUVIUM_COLUMN(trip, at));

// The last digit of a flight, and its carrier.
static void key_of_trip(const void *row, alluvium_key *key) {
    alluvium_key_unsigned(key, (uint64_t)((const trip *)row)->flight % 10);
    alluvium_key_text(key, ((const trip *)row)->carrier);
}

// A flight of a number below 0 has no time.
static alluvium_optional_time time_of_trip(const void *row) {
    const trip *trip = row;
    return (alluvium_optional_time){trip->flight >= 0, trip->at};
}

ALLUVIUM_DEDUPLICATE(named, .key = {"carrier", "flight"}, .key_types = {ALLUVIUM_TEXT, ALLUVIUM_INTEGER}, .time = "at")
ALLUVIUM_DEDUPLICATE(own, .row = &TRIP, .key_of = key_of_trip, .key_types = {ALLUVIUM_UNSIGNED, ALLUVIUM_TEXT},
                     .time_of = time_of_trip, .within_ms = 10)
ALLUVIUM_INTERVAL_JOIN(joined, .left = {.row = &TRIP, .key = {"carrier"}},
                       .right = {.row = &TRIP, .key = {"airline"}, .time_of = time_of_trip}, .before_ms = 10,
                       .after_ms = 10)
ALLUVIUM_WINDOWS(most, .tumbling_ms = 10, .row = &TRIP, .key = {"carrier"},
                 .top = {.limit = 3, .item_of = key_of_trip, .item_types = {ALLUVIUM_UNSIGNED, ALLUVIUM_TEXT}})

#define TRIPS "name,carrier,flight,at\n"

static void a_deduplication_needs_no_row_and_a_key_may_have_several_types(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(named);
    ALLUVIUM_OK(alluvium_harness_feed(harness, TRIPS "x,UA,-7,0\n,UA,7,0\n,A,7,86399999\nx,UA,-7,86399999\n"));
    ALLUVIUM_EMITTED(harness, 0, "{\"carrier\":\"UA\",\"flight\":-7,\"at\":\"1970-01-01T00:00:00Z\"}",
                     "{\"carrier\":\"UA\",\"flight\":7,\"at\":\"1970-01-01T00:00:00Z\"}",
                     "{\"carrier\":\"A\",\"flight\":7,\"at\":\"1970-01-01T23:59:59.999Z\"}");
    ALLUVIUM_EMITTED(harness, 1, "{\"key\":[\"UA\",-7],\"time\":\"1970-01-01T23:59:59.999Z\"}");
    CHECK_BYTES(alluvium_harness_entries(harness, "passed")->at[0].key, "A\0\1\x80\0\0\0\0\0\0\7");
    ALLUVIUM_OK(alluvium_harness_feed_to(
        harness, 0, ALLUVIUM_LITERAL(TRIPS "x,\0,1,0\nx,\xc3\xa9,1,0\nx,\"a\"\"b,\",1,0\nx,,1,0\n")));
    ALLUVIUM_OK(alluvium_harness_finish(harness));
    CHECK(alluvium_harness_emitted(harness, 0)->count == 7, "%zu", alluvium_harness_emitted(harness, 0)->count);
    CHECK_BYTES(alluvium_harness_emitted(harness, 0)->at[3],
                "{\"carrier\":\"\\u0000\",\"flight\":1,\"at\":\"1970-01-01T00:00:00Z\"}");
    CHECK(alluvium_harness_entries(harness, "passed")->count == 0, "keys of all forms are read again");
    alluvium_harness_free(harness);
}

static void functions_say_the_key_and_the_time(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(own);
    ALLUVIUM_OK(alluvium_harness_feed(harness, TRIPS "x,UA,17,0\n,UA,27,9\n,UA,28,9\n"));
    alluvium_harness_checkpoint(harness);
    ALLUVIUM_OK(alluvium_harness_crash(harness));
    ALLUVIUM_OK(alluvium_harness_feed(harness, TRIPS ",UA,37,9\n,UA,37,10\n"));
    ALLUVIUM_EMITTED(harness, 0, "{\"name\":\"x\",\"carrier\":\"UA\",\"flight\":17,\"at\":\"1970-01-01T00:00:00Z\"}",
                     "{\"name\":null,\"carrier\":\"UA\",\"flight\":28,\"at\":\"1970-01-01T00:00:00.009Z\"}",
                     "{\"name\":null,\"carrier\":\"UA\",\"flight\":37,\"at\":\"1970-01-01T00:00:00.01Z\"}");
    ALLUVIUM_EMITTED(harness, 1, "{\"key\":[7,\"UA\"],\"time\":\"1970-01-01T00:00:00.009Z\"}",
                     "{\"key\":[7,\"UA\"],\"time\":\"1970-01-01T00:00:00.009Z\"}");
    ALLUVIUM_REFUSED(alluvium_harness_feed(harness, TRIPS "x,UA,1,0\nx,UA,-1,0\n"), "record 1: it has no time");
    alluvium_harness_free(harness);
    harness = ALLUVIUM_HARNESS(most);
    ALLUVIUM_OK(alluvium_harness_feed(harness, TRIPS ",UA,9,0\n,UA,11,1\n,UA,21,2\n,UA,10,3\n,UA,12,4\n,UA,9,5\n"));
    alluvium_harness_checkpoint(harness);
    ALLUVIUM_OK(alluvium_harness_crash(harness));
    ALLUVIUM_OK(alluvium_harness_finish(harness));
    ALLUVIUM_EMITTED(harness, 0,
                     "{\"key\":\"UA\",\"from\":\"1970-01-01T00:00:00Z\",\"to\":\"1970-01-01T00:00:00.01Z\",\"value\":["
                     "{\"item\":[1,\"UA\"],\"count\":2},{\"item\":[9,\"UA\"],\"count\":2},{\"item\":[0,\"UA\"],"
                     "\"count\":1}]}");
    alluvium_harness_free(harness);
}

static void records_that_are_none_are_named_and_change_nothing(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(joined);
    ALLUVIUM_OK(alluvium_harness_feed(harness, TRIPS "x,UA,1,0\n"));
    ALLUVIUM_REFUSED(alluvium_harness_feed(harness, TRIPS "x,UA,1,0\nx,UA,1,soon\n"),
                     "record 1: at: \"soon\" is no time, as 2013-01-01T05:00:00Z");
    ALLUVIUM_REFUSED(alluvium_harness_feed_to(harness, 1, ALLUVIUM_LITERAL(TRIPS "x,UA,1,0\n")),
                     "the columns airline are missing; there are name, carrier, flight, at");
    ALLUVIUM_REFUSED(
        alluvium_harness_feed_to(harness, 1, ALLUVIUM_LITERAL("name,carrier,flight,at,airline\n,,1,0,UA\n,,-1,0,UA\n")),
        "record 1: it has no time");
    ALLUVIUM_EMITTED_NOTHING(harness, 0);
    ALLUVIUM_OK(alluvium_harness_feed_to(harness, 1, ALLUVIUM_LITERAL("name,carrier,flight,at,airline\n,,1,5,UA\n")));
    ALLUVIUM_EMITTED(
        harness, 0,
        "{\"key\":\"UA\",\"left\":{\"name\":\"x\",\"carrier\":\"UA\",\"flight\":1,\"at\":\"1970-01-01T00:00:00Z\"},"
        "\"right\":{\"name\":null,\"carrier\":\"\",\"flight\":1,\"at\":\"1970-01-01T00:00:00.005Z\","
        "\"airline\":\"UA\"}}");
    alluvium_harness_free(harness);
}

static void each_record_is_routed_by_its_key(void) {
    alluvium_emitted keys = {0};
    alluvium_harness *harness = ALLUVIUM_HARNESS(own);
    ALLUVIUM_REFUSED(alluvium_harness_route(harness, 0, TRIPS "x,UA,17,0\n,,28,soon\n", &keys),
                     "record 1: at: \"soon\" is no time, as 2013-01-01T05:00:00Z");
    ALLUVIUM_OK(alluvium_harness_route(harness, 0, TRIPS "x,UA,17,0\n,,28,0\n", &keys));
    CHECK(keys.count == 2, "%zu", keys.count);
    CHECK_BYTES(keys.at[0], "\0\0\0\0\0\0\0\7UA");
    CHECK_BYTES(keys.at[1], "\0\0\0\0\0\0\0\x8");
    alluvium_harness_free(harness);
    keys = (alluvium_emitted){0};
    harness = ALLUVIUM_HARNESS(joined);
    ALLUVIUM_OK(alluvium_harness_route(harness, 0, TRIPS "x,UA,17,0\n", &keys));
    ALLUVIUM_OK(alluvium_harness_route(harness, 1, "name,carrier,flight,at,airline\n,UA,1,5,AA\n", &keys));
    CHECK(keys.count == 2, "%zu", keys.count);
    CHECK_BYTES(keys.at[0], "UA");
    CHECK_BYTES(keys.at[1], "AA");
    alluvium_harness_free(harness);
}

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

static void declarations_that_contradict_themselves_are_refused(void) {
    const struct {
        const alluvium_operator *plugin;
        const char *wrong;
    } cases[] = {
        {ALLUVIUM_OPERATOR_OF(no_key), "the deduplication no_key: there is either .key or .key_of"},
        {ALLUVIUM_OPERATOR_OF(two_keys), "the deduplication two_keys: there is either .key or .key_of"},
        {ALLUVIUM_OPERATOR_OF(no_time), "the deduplication no_time: there is no .time"},
        {ALLUVIUM_OPERATOR_OF(negative), "the deduplication negative: a length is less than a millisecond"},
        {ALLUVIUM_OPERATOR_OF(optional_key), "the deduplication optional_key: a key is of texts and whole numbers"},
        {ALLUVIUM_OPERATOR_OF(two_types), "the deduplication two_types: a column has two types"},
        {ALLUVIUM_OPERATOR_OF(other_keys),
         "the interval join other_keys: the keys of both inputs are of the same types"},
        {ALLUVIUM_OPERATOR_OF(no_right), "the interval join no_right: there is either .key or .key_of"},
        {ALLUVIUM_OPERATOR_OF(before), "the interval join before: a length is less than 0"},
        {ALLUVIUM_OPERATOR_OF(no_limit), "the windows no_limit: a .top has a .limit"},
        {ALLUVIUM_OPERATOR_OF(no_item), "the windows no_item: there is either .item or .item_of"},
    };
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        alluvium_harness *harness;
        ALLUVIUM_REFUSED(alluvium_harness_start(&harness, cases[at].plugin, NULL), cases[at].wrong);
        alluvium_harness_free(harness);
    }
}

ALLUVIUM_DEDUPLICATE(far, .row = &TRIP, .key = {"carrier"}, .within_ms = INT64_MAX, .lateness_ms = INT64_MAX)
ALLUVIUM_INTERVAL_JOIN(farther, .left = {.row = &TRIP, .key = {"carrier"}}, .right = {.row = &TRIP, .key = {"carrier"}},
                       .before_ms = INT64_MAX, .after_ms = INT64_MAX, .lateness_ms = INT64_MAX, .outer = true)

static void times_at_the_ends_of_the_numbers_do_no_harm(void) {
    const alluvium_operator *operators[] = {ALLUVIUM_OPERATOR_OF(far), ALLUVIUM_OPERATOR_OF(farther),
                                            ALLUVIUM_OPERATOR_OF(own), ALLUVIUM_OPERATOR_OF(most)};
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
    TEST(a_deduplication_needs_no_row_and_a_key_may_have_several_types);
    TEST(functions_say_the_key_and_the_time);
    TEST(records_that_are_none_are_named_and_change_nothing);
    TEST(each_record_is_routed_by_its_key);
    TEST(state_of_others_is_refused);
    TEST(declarations_that_contradict_themselves_are_refused);
    TEST(times_at_the_ends_of_the_numbers_do_no_harm);
}
