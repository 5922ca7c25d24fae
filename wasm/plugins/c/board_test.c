// The plugin `board` by the harness.
#include "board.c"

#include <alluvium/harness.h>

// Checks something about what is kept, or ends the test.
static void check(bool is_so, const char *what) {
    if (!is_so) alluvium_bug(what);
}

static void feed(alluvium_harness *harness, const char *records) {
    char csv[400];
    snprintf(csv, sizeof csv, "origin,dest,carrier,flight,time_hour\n%s", records);
    ALLUVIUM_OK(alluvium_harness_feed(harness, csv));
}

static void ask(alluvium_harness *harness, const char *question) {
    const alluvium_bytes record = alluvium_text_of(question);
    ALLUVIUM_OK(alluvium_harness_feed_records(harness, QUESTIONS, &record, 1));
}

static void an_answer_has_the_last_departures_of_its_airport_and_what_is_older_goes(void) {
    alluvium_harness *harness;
    ALLUVIUM_OK(alluvium_harness_start(&harness, ALLUVIUM_OPERATOR_OF(board), (const char *[]){"hours", "6", NULL}));
    feed(harness, "JFK,LAX,UA,1,2013-01-01T05:00:00Z\nEWR,LAX,UA,2,2013-01-01T09:00:00Z\n"
                  "JFK,LAX,UA,3,2013-01-01T09:00:00Z\nJFK,LAX,UA,4,2013-01-01T09:00:00Z\n");
    ask(harness, "{\"origin\":\"JFK\",\"at\":\"2013-01-01T12:00:00Z\",\"last\":9}");
    ask(harness, "{\"origin\":\"JFK\",\"at\":\"2013-01-01T09:00:00Z\",\"last\":9}");
    ask(harness, "{\"origin\":\"JFK\",\"at\":\"2013-01-01T10:00:00Z\",\"last\":1}");
    alluvium_harness_checkpoint(harness);
    ALLUVIUM_OK(alluvium_harness_crash(harness));
    feed(harness, "JFK,MIA,UA,5,2013-01-01T12:00:00Z\nJFK,LAX,UA,6,2013-01-01T11:00:00Z\n");
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "2013-01-01T12:00:00Z"));
#define LEFT(hour, number)                                                                                             \
    "{\"at\":\"2013-01-01T" hour ":00:00Z\",\"flight\":{\"carrier\":\"UA\",\"number\":" number ",\"dest\":\"LAX\"}}"
#define ANSWER(hour, departures)                                                                                       \
    "{\"origin\":\"JFK\",\"before\":\"2013-01-01T" hour ":00:00Z\",\"departures\":[" departures "]}"
    ALLUVIUM_EMITTED(harness, 0, ANSWER("09", LEFT("05", "1")), ANSWER("10", LEFT("09", "4")),
                     ANSWER("12", LEFT("11", "6") "," LEFT("09", "4") "," LEFT("09", "3")));
    // The departure at 5 o'clock is more than six hours before the last answer.
    check(alluvium_harness_entries(harness, "departures")->count == 5, "there are five departures");
    check(alluvium_harness_entries(harness, "asked")->count == 0, "there are no questions");
    alluvium_emitted results = {0};
    ALLUVIUM_OK(alluvium_harness_results(harness, &results));
    const char *const lines[] = {
        "{\"key\":\"EWR\",\"flights\":1,\"latest\":\"2013-01-01T09:00:00Z\",\"destinations\":[\"LAX\"]}",
        "{\"key\":\"JFK\",\"flights\":5,\"latest\":\"2013-01-01T12:00:00Z\",\"destinations\":[\"LAX\",\"MIA\"]}", NULL};
    alluvium_expect_lines(__FILE__, __LINE__, &results, lines);
    alluvium_harness_free(harness);
}

static void questions_belong_to_their_airports_and_bad_ones_are_named(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(board);
    const alluvium_bytes records[] = {ALLUVIUM_LITERAL("{\"origin\":\"JFK\",\"at\":\"0\",\"last\":1}"),
                                      ALLUVIUM_LITERAL("{\"origin\":\"LONDON\",\"at\":\"0\",\"last\":1}")};
    alluvium_emitted keys = {0};
    ALLUVIUM_OK(alluvium_harness_route_records(harness, QUESTIONS, records, 1, &keys));
    check(keys.count == 1 && alluvium_text_is(keys.at[0], "JFK"), "a question belongs to its airport");
    ALLUVIUM_REFUSED(alluvium_harness_feed_records(harness, QUESTIONS, records, 2),
                     "record 1: no JSON of a record here: \"LONDON\" has 6 bytes, and not 3 at line 1 column 18");
    check(alluvium_harness_entries(harness, "asked")->count == 0, "a refused question is not kept");
    const alluvium_bytes none = ALLUVIUM_LITERAL("{}");
    ALLUVIUM_REFUSED(alluvium_harness_feed_records(harness, QUESTIONS, &none, 1),
                     "record 0: no JSON of a record here: missing field `origin` at line 1 column 2");
    const alluvium_bytes most = ALLUVIUM_LITERAL("{\"origin\":\"JFK\",\"at\":\"0\",\"last\":65536}");
    ALLUVIUM_REFUSED(alluvium_harness_feed_records(harness, QUESTIONS, &most, 1),
                     "record 0: no JSON of a record here: last: 65536 is more than 65535");
    alluvium_harness_free(harness);
}

static void the_parameter_is_checked_and_a_change_is_told(void) {
    const char *const wrong[] = {"", "0", "169", "x\"", "1.5"};
    alluvium_harness *harness;
    for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++) {
        const char *error =
            alluvium_harness_start(&harness, ALLUVIUM_OPERATOR_OF(board), (const char *[]){"hours", wrong[at], NULL});
        check(error && strstr(error, "is no number of hours from 1 to 168"), wrong[at]);
        alluvium_harness_free(harness);
    }
    ALLUVIUM_REFUSED(
        alluvium_harness_start(&harness, ALLUVIUM_OPERATOR_OF(board), (const char *[]){"hours", "x\"", NULL}),
        "the parameter hours: \"x\\\"\" is no number of hours from 1 to 168");
    alluvium_harness_free(harness);
    harness = ALLUVIUM_HARNESS(board);
    alluvium_harness_checkpoint(harness);
    ALLUVIUM_OK(alluvium_harness_crash(harness));
    check(alluvium_harness_messages(harness)->count == 0, "nothing has changed");
    harness->settings[0].value = ALLUVIUM_LITERAL("6");
    ALLUVIUM_OK(alluvium_harness_crash(harness));
    const char *const messages[] = {"Warn: answers go back 6 hours, and went back 24 before", NULL};
    alluvium_expect_lines(__FILE__, __LINE__, alluvium_harness_messages(harness), messages);
    alluvium_harness_free(harness);
}

int main(void) {
    an_answer_has_the_last_departures_of_its_airport_and_what_is_older_goes();
    questions_belong_to_their_airports_and_bad_ones_are_named();
    the_parameter_is_checked_and_a_change_is_told();
}
