// Interval joins of late records: a record that is in time finds all others that are, and no other record counts.
#include "at_once.h"

#define JOIN(called, ...)                                                                                              \
    ALLUVIUM_INTERVAL_JOIN(called, .left = {.row = &EVENT, .key = {"key"}}, .right = {.row = &EVENT, .key = {"key"}},  \
                           .outer = true, __VA_ARGS__)
JOIN(long_before, .before_ms = 60, .after_ms = 10)
JOIN(long_after, .before_ms = 3, .after_ms = 30, .lateness_ms = 5)
JOIN(with_lateness, .before_ms = 20, .after_ms = 20, .lateness_ms = 15)

typedef struct {
    const alluvium_operator *operator;
    int64_t before, after, lateness;
} join;
static const join JOINS[] = {
    {ALLUVIUM_OPERATOR_OF(long_before), 60, 10, 0},
    {ALLUVIUM_OPERATOR_OF(long_after), 3, 30, 5},
    {ALLUVIUM_OPERATOR_OF(with_lateness), 20, 20, 15},
};

enum { RECORDS = 120 };

// The records of an input that were in time.
typedef struct {
    sample at[RECORDS];
    size_t count;
} side;

// Checks that the pairs of the records that were in time were emitted, and the left records without one.
static void check_pairs(const alluvium_harness *harness, const join *join, const side sides[2], uint64_t seed) {
    const char **expected = alluvium_take(&arena, RECORDS * RECORDS, sizeof *expected);
    size_t count = 0;
    for (const sample *left = sides[0].at; left < sides[0].at + sides[0].count; left++) {
        const char *begun = text(&arena, "{\"key\":\"%c\",\"left\":%s,\"right\":", left->key, row_of(left));
        size_t before = count;
        for (const sample *right = sides[1].at; right < sides[1].at + sides[1].count; right++) {
            if (right->key != left->key) continue;
            if (right->at < left->at - join->before || right->at > left->at + join->after) continue;
            expected[count++] = text(&arena, "%s%s}", begun, row_of(right));
        }
        if (count == before) expected[count++] = text(&arena, "%snull}", begun);
    }
    check_lines(harness, expected, count, true, seed);
}

static void check_late(const alluvium_harness *harness, const side *late, uint64_t seed) {
    const alluvium_emitted *emitted = alluvium_harness_emitted(harness, 1);
    CHECK(late->count > 0 && emitted->count == late->count, "seed %" PRIu64 ": %zu late", seed, emitted->count);
    for (size_t at = 0; at < late->count; at++) {
        alluvium_json time = alluvium_json_in(&arena);
        alluvium_json_time(&time, (alluvium_time){late->at[at].at});
        alluvium_bytes json = alluvium_json_bytes(&time);
        const char *line = text(&arena, "{\"key\":\"%c\",\"time\":%.*s}", late->at[at].key, (int)json.len, json.at);
        CHECK(alluvium_text_is(emitted->at[at], line), "seed %" PRIu64 ": not %s", seed, line);
    }
}

static void run_join(const join *join, uint64_t seed) {
    rng random = {seed};
    side sides[2] = {0}, late = {0};
    alluvium_harness *harness = alluvium_harness_new(join->operator);
    int64_t watermark = -100;
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "-100"));
    for (int64_t number = 0; number < RECORDS; number++) {
        sample record = {(char)('a' + below(&random, 2)), watermark + below(&random, 50) - 25, number};
        uint32_t input = (uint32_t)below(&random, 2);
        ALLUVIUM_OK(alluvium_harness_feed_to(harness, input, csv_of(&arena, &record, 1)));
        side *of = record.at + join->lateness >= watermark ? &sides[input] : &late;
        of->at[of->count++] = record;
        watermark += below(&random, 6);
        ALLUVIUM_OK(alluvium_harness_watermark(harness, text(&arena, "%" PRId64, watermark)));
    }
    ALLUVIUM_OK(alluvium_harness_finish(harness));
    check_pairs(harness, join, sides, seed);
    check_late(harness, &late, seed);
    CHECK(alluvium_harness_entries(harness, "open")->count == 0, "records are left");
    CHECK(alluvium_harness_entries(harness, "ends")->count == 0, "timers are left");
    alluvium_harness_free(harness);
    alluvium_arena_reset(&arena);
}

static void records_that_are_in_time_make_all_of_their_pairs(void) {
    for (uint64_t seed = 0; seed < 50; seed++) {
        for (size_t at = 0; at < sizeof JOINS / sizeof *JOINS; at++) run_join(&JOINS[at], seed);
    }
}

static void a_left_record_behind_the_watermark_is_late_and_not_without_a_right_one(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(long_before);
    ALLUVIUM_OK(alluvium_harness_feed_to(harness, 1, ALLUVIUM_LITERAL(HEADER "a,-30,1\n")));
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "32"));
    ALLUVIUM_OK(alluvium_harness_feed(harness, HEADER "a,25,2\na,32,3\n"));
    ALLUVIUM_OK(alluvium_harness_finish(harness));
    ALLUVIUM_EMITTED(harness, 1, "{\"key\":\"a\",\"time\":\"1970-01-01T00:00:00.025Z\"}");
    // The right record is not in the interval of the left one that was in time.
    sample left = {'a', 32, 3};
    ALLUVIUM_EMITTED(harness, 0, text(&arena, "{\"key\":\"a\",\"left\":%s,\"right\":null}", row_of(&left)));
    alluvium_harness_free(harness);
}

int main(void) {
    TEST(records_that_are_in_time_make_all_of_their_pairs);
    TEST(a_left_record_behind_the_watermark_is_late_and_not_without_a_right_one);
    alluvium_arena_free(&arena);
}
