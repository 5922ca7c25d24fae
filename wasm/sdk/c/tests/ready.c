// Operators that are ready: keys in all forms, which records are refused and how, and which keys they belong to.
#include "trips.h"

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

static void a_table_join_is_divided_if_its_tables_have_the_keys_of_its_records(void) {
    alluvium_emitted keys = {0};
    alluvium_harness *harness = ALLUVIUM_HARNESS(named_trips);
    ALLUVIUM_OK(alluvium_harness_route(harness, 0, TRIPS "x,UA,8,0\n,,7,0\n", &keys));
    ALLUVIUM_OK(alluvium_harness_route(harness, 1, "code,name\nAA,\n", &keys));
    CHECK(keys.count == 3, "%zu", keys.count);
    CHECK_BYTES(keys.at[0], "UA");
    CHECK_BYTES(keys.at[1], "");
    CHECK_BYTES(keys.at[2], "AA");
    ALLUVIUM_REFUSED(
        alluvium_harness_route(harness, 0, TRIPS "x,UA,8,0\n,AA,9,0\n", &keys),
        "record 1: it is looked up in airlines by another key than its own, so the work cannot be divided");
    alluvium_harness_free(harness);
}

static void records_of_a_table_join_that_are_none_are_named_and_change_nothing(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(named_trips);
    ALLUVIUM_OK(alluvium_harness_feed(harness, TRIPS "x,UA,1,0\nx,UA,9,0\nx,AA,2,0\nx,DL,3,0\n"));
    ALLUVIUM_REFUSED(alluvium_harness_feed(harness, TRIPS "x,UA,1,0\nx,UA,-1,0\n"), "record 1: it has no time");
    ALLUVIUM_REFUSED(alluvium_harness_feed_to(harness, 1, ALLUVIUM_LITERAL("name\nx\n")),
                     "the columns code are missing; there are name");
    ALLUVIUM_REFUSED(alluvium_harness_feed_to(harness, 1, ALLUVIUM_LITERAL("code,name\nUA,x\n\xff,x\n")),
                     "record 1: code is no UTF-8");
    CHECK(alluvium_harness_entries(harness, "airlines")->count == 0, "an error has changed the state");
    ALLUVIUM_REFUSED(alluvium_harness_feed_to(harness, 2, ALLUVIUM_LITERAL("code,name\nUA,x\n")),
                     "the operator has no such input");
    ALLUVIUM_OK(alluvium_harness_feed_to(harness, 1, ALLUVIUM_LITERAL("code,name\nUA,United\nAA,NA\n")));
    alluvium_harness_checkpoint(harness);
    ALLUVIUM_OK(alluvium_harness_crash(harness));
    ALLUVIUM_OK(alluvium_harness_finish(harness));
    ALLUVIUM_EMITTED(harness, 0, "[2,null]", "[3,null]", "[1,\"United\"]", "[9,null]");
    alluvium_harness_free(harness);
}

int main(void) {
    TEST(a_table_join_is_divided_if_its_tables_have_the_keys_of_its_records);
    TEST(records_of_a_table_join_that_are_none_are_named_and_change_nothing);
    TEST(a_deduplication_needs_no_row_and_a_key_may_have_several_types);
    TEST(functions_say_the_key_and_the_time);
    TEST(records_that_are_none_are_named_and_change_nothing);
    TEST(each_record_is_routed_by_its_key);
}
