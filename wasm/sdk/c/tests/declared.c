// Windows as they may be declared: keys of several types, functions of one's own, and declarations that contradict
// themselves.
#include "check.h"

typedef struct {
    alluvium_text carrier;
    int64_t flight;
    alluvium_optional_time at;
    alluvium_optional_number delay;
} trip;
static const alluvium_row TRIP = ALLUVIUM_ROW(trip, ALLUVIUM_COLUMN(trip, carrier), ALLUVIUM_COLUMN(trip, flight),
                                              ALLUVIUM_COLUMN(trip, at), ALLUVIUM_COLUMN(trip, delay));

// An aggregate of one's own: how many trips, and the last delay.
typedef struct {
    uint64_t trips;
    alluvium_optional_number last;
} seen;
static const alluvium_row SEEN = ALLUVIUM_ROW(seen, ALLUVIUM_COLUMN(seen, trips), ALLUVIUM_COLUMN(seen, last));

static void add_trip(void *kept, const void *row, alluvium_context *context) {
    (void)context;
    ((seen *)kept)->trips += 1;
    ((seen *)kept)->last = ((const trip *)row)->delay;
}

static void join_trips(void *kept, const void *later, alluvium_context *context) {
    (void)context;
    ((seen *)kept)->trips += ((const seen *)later)->trips;
    ((seen *)kept)->last = ((const seen *)later)->last;
}
static const alluvium_aggregate TRIPS = {.kept = &SEEN, .add = add_trip, .join = join_trips};

static void key_of_trip(const void *row, alluvium_key *key) {
    alluvium_key_unsigned(key, (uint64_t)((const trip *)row)->flight % 10);
    alluvium_key_text(key, ((const trip *)row)->carrier);
}

// Trips belong to the time an hour later, and those without a time to none.
static alluvium_optional_time time_of_trip(const void *row) {
    alluvium_optional_time at = ((const trip *)row)->at;
    at.value.ms += ALLUVIUM_HOURS(1);
    return at;
}

ALLUVIUM_WINDOWS(typed, .tumbling_ms = 10, .key = {"carrier", "flight"}, .key_types = {ALLUVIUM_TEXT, ALLUVIUM_INTEGER},
                 .time = "at", .min = "delay")
ALLUVIUM_WINDOWS(number, .tumbling_ms = 10, .key = {"flight"}, .row = &TRIP, .sum = "delay")
ALLUVIUM_WINDOWS(own, .session_gap_ms = 5, .row = &TRIP, .key_of = key_of_trip,
                 .key_types = {ALLUVIUM_UNSIGNED, ALLUVIUM_TEXT}, .time_of = time_of_trip, .aggregate = &TRIPS)
ALLUVIUM_WINDOWS(mixed, .tumbling_ms = 10, .row = &TRIP, .key = {"airport"}, .time = "landed", .mean = "miles")

#define TRIPS_CSV "carrier,flight,at,delay\n"

static void a_key_may_have_several_parts_and_types(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(typed);
    ALLUVIUM_OK(alluvium_harness_feed(harness, TRIPS_CSV "UA,-7,1,3\nUA,7,1,NA\nA,7,1,4\nUA,-7,2,2.5\n"));
    CHECK_BYTES(alluvium_harness_entries(harness, "windows")->at[0].key, "A\0\1\x80\0\0\0\0\0\0\7");
    ALLUVIUM_OK(alluvium_harness_finish(harness));
#define WINDOW "\"from\":\"1970-01-01T00:00:00Z\",\"to\":\"1970-01-01T00:00:00.01Z\""
    ALLUVIUM_EMITTED(harness, 0, "{\"key\":[\"A\",7]," WINDOW ",\"value\":4.0}",
                     "{\"key\":[\"UA\",-7]," WINDOW ",\"value\":2.5}",
                     "{\"key\":[\"UA\",7]," WINDOW ",\"value\":null}");
    alluvium_harness_free(harness);
    harness = ALLUVIUM_HARNESS(number);
    ALLUVIUM_OK(alluvium_harness_feed(harness, TRIPS_CSV "UA,7,1,-0\nUA,7,1,\n"));
    ALLUVIUM_REFUSED(alluvium_harness_feed(harness, TRIPS_CSV "UA,7,1,1\nUA,7,,1\n"), "record 1: it has no time");
    ALLUVIUM_OK(alluvium_harness_finish(harness));
    ALLUVIUM_EMITTED(harness, 0, "{\"key\":7," WINDOW ",\"value\":-0.0}");
    alluvium_harness_free(harness);
}

static void functions_say_the_key_the_time_and_the_value(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(own);
    ALLUVIUM_OK(alluvium_harness_feed(harness, TRIPS_CSV "UA,17,1,3\nUA,27,9,4\nUA,7,5,NA\n"));
    const alluvium_table *open = alluvium_harness_entries(harness, "windows");
    CHECK(open->count == 1, "%zu", open->count);
    alluvium_bytes kept = {open->at[0].value.at + 20, open->at[0].value.len - 20};
    CHECK_BYTES(kept, "{\"trips\":3,\"last\":null}");
    alluvium_harness_checkpoint(harness);
    ALLUVIUM_OK(alluvium_harness_crash(harness));
    ALLUVIUM_OK(alluvium_harness_feed(harness, TRIPS_CSV "UA,37,6,1.5\n"));
    ALLUVIUM_REFUSED(alluvium_harness_feed(harness, TRIPS_CSV "UA,37,NA,1\n"), "record 0: it has no time");
    ALLUVIUM_OK(alluvium_harness_finish(harness));
    ALLUVIUM_EMITTED(harness, 0,
                     "{\"key\":[7,\"UA\"],\"from\":\"1970-01-01T01:00:00.001Z\",\"to\":\"1970-01-01T01:00:00.014Z\","
                     "\"value\":{\"trips\":4,\"last\":1.5}}");
    alluvium_harness_free(harness);
}

static void columns_that_the_row_does_not_have_are_added(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(mixed);
    ALLUVIUM_REFUSED(alluvium_harness_feed(harness, "at\n1\n"),
                     "the columns carrier, flight, delay, airport, landed, miles are missing; there are at");
    ALLUVIUM_OK(alluvium_harness_feed(
        harness, "carrier,flight,at,delay,airport,landed,miles\nUA,1,,,JFK,3,10\nUA,1,,,JFK,4,11\n"));
    ALLUVIUM_OK(alluvium_harness_finish(harness));
    ALLUVIUM_EMITTED(harness, 0, "{\"key\":\"JFK\"," WINDOW ",\"value\":10.5}");
    alluvium_harness_free(harness);
}

ALLUVIUM_WINDOWS(no_length, .key = {"a"}, .time = "t", .count = true)
ALLUVIUM_WINDOWS(two_lengths, .tumbling_ms = 1, .session_gap_ms = 1, .key = {"a"}, .time = "t", .count = true)
ALLUVIUM_WINDOWS(negative, .tumbling_ms = -1, .key = {"a"}, .time = "t", .count = true)
ALLUVIUM_WINDOWS(no_key, .tumbling_ms = 1, .time = "t", .count = true)
ALLUVIUM_WINDOWS(no_time, .tumbling_ms = 1, .key = {"a"}, .count = true)
ALLUVIUM_WINDOWS(two_values, .tumbling_ms = 1, .key = {"a"}, .time = "t", .count = true, .sum = "b")
ALLUVIUM_WINDOWS(odd_key, .tumbling_ms = 1, .row = &TRIP, .key = {"delay"}, .count = true)

static void declarations_that_contradict_themselves_are_refused(void) {
    const struct {
        const alluvium_operator *plugin;
        const char *wrong;
    } cases[] = {
        {ALLUVIUM_OPERATOR_OF(no_length), "no_length: there is one of .tumbling_ms, .sliding and .session_gap_ms"},
        {ALLUVIUM_OPERATOR_OF(two_lengths), "two_lengths: there is one of .tumbling_ms, .sliding and .session_gap_ms"},
        {ALLUVIUM_OPERATOR_OF(negative), "negative: a length is less than a millisecond"},
        {ALLUVIUM_OPERATOR_OF(no_key), "no_key: there is either .key or .key_of"},
        {ALLUVIUM_OPERATOR_OF(no_time), "no_time: there is no .time"},
        {ALLUVIUM_OPERATOR_OF(two_values),
         "two_values: there is one of .count, .sum, .mean, .min, .max, .top, .aggregate"},
        {ALLUVIUM_OPERATOR_OF(odd_key), "odd_key: a key is of texts, whole numbers and times"},
    };
    alluvium_arena arena = {0};
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        alluvium_harness *harness;
        const char *wrong = alluvium_harness_start(&harness, cases[at].plugin, NULL);
        ALLUVIUM_REFUSED(wrong, text(&arena, "the windows %s", cases[at].wrong));
        alluvium_harness_free(harness);
    }
    alluvium_arena_free(&arena);
}

static void numbers_are_kept_in_bytes_that_are_the_same_on_every_machine(void) {
    alluvium_counted sum = {0}, least = {0}, greatest = {0};
    alluvium_counted_take(ALLUVIUM_SUM, &sum, (alluvium_counted){1, (double)INFINITY});
    alluvium_counted_take(ALLUVIUM_SUM, &sum, (alluvium_counted){1, -(double)INFINITY});
    alluvium_counted_take(ALLUVIUM_SUM, &sum, (alluvium_counted){1, 1.0});
    alluvium_arena arena = {0};
    alluvium_buffer bytes = alluvium_buffer_in(&arena);
    alluvium_kept_write((alluvium_computing){.kind = ALLUVIUM_SUM}, &sum, &bytes);
    CHECK_BYTES(alluvium_buffer_bytes(&bytes), "\3\0\0\0\0\0\0\0\0\0\0\0\0\0\xf8\x7f");
    // Of equal numbers, the first one stays.
    for (int negative = 0; negative < 2; negative++) {
        least = greatest = (alluvium_counted){0};
        for (int at = 0; at < 2; at++) {
            double zero = at == negative ? 0.0 : -0.0;
            alluvium_counted_take(ALLUVIUM_LEAST, &least, (alluvium_counted){1, zero});
            alluvium_counted_take(ALLUVIUM_GREATEST, &greatest, (alluvium_counted){1, zero});
        }
        CHECK(!signbit(least.number) == !negative && !signbit(greatest.number) == !negative, "%d", negative);
    }
    alluvium_arena_free(&arena);
}

ALLUVIUM_WINDOWS(far, .sliding = {1000, 1}, .lateness_ms = INT64_MAX, .key = {"a"}, .time = "t", .count = true)
ALLUVIUM_WINDOWS(longest, .session_gap_ms = INT64_MAX, .key = {"a"}, .time = "t", .count = true)

static void times_at_the_ends_of_the_numbers_do_no_harm(void) {
    const alluvium_operator *operators[] = {ALLUVIUM_OPERATOR_OF(far), ALLUVIUM_OPERATOR_OF(longest)};
    for (size_t at = 0; at < 2; at++) {
        alluvium_harness *harness = alluvium_harness_new(operators[at]);
        ALLUVIUM_OK(alluvium_harness_feed(harness, "a,t\nx,9223372036854775807\nx,-9223372036854775808\nx,0\n"));
        ALLUVIUM_OK(alluvium_harness_watermark(harness, "9223372036854775807"));
        ALLUVIUM_OK(alluvium_harness_feed(harness, "a,t\nx,9223372036854775807\n"));
        ALLUVIUM_OK(alluvium_harness_finish(harness));
        alluvium_harness_free(harness);
    }
}

int main(void) {
    TEST(a_key_may_have_several_parts_and_types);
    TEST(functions_say_the_key_the_time_and_the_value);
    TEST(columns_that_the_row_does_not_have_are_added);
    TEST(declarations_that_contradict_themselves_are_refused);
    TEST(numbers_are_kept_in_bytes_that_are_the_same_on_every_machine);
    TEST(times_at_the_ends_of_the_numbers_do_no_harm);
}
