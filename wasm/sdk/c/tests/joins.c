// Deduplication, interval joins and the most frequent items: against what is computed of all records at once.
#include "at_once.h"

ALLUVIUM_INTERVAL_JOIN(outer, .left = {.row = &EVENT, .key = {"key"}}, .right = {.row = &EVENT, .key = {"key"}},
                       .before_ms = 3, .after_ms = 5, .outer = true)
ALLUVIUM_INTERVAL_JOIN(inner, .left = {.row = &EVENT, .key = {"key"}}, .right = {.row = &EVENT, .key = {"key"}},
                       .after_ms = 5, .lateness_ms = 2)
ALLUVIUM_DEDUPLICATE(unique, .row = &EVENT, .key = {"key"}, .within_ms = 7)
ALLUVIUM_DEDUPLICATE(late_unique, .row = &EVENT, .key = {"key"}, .within_ms = 10, .lateness_ms = 5)

static void no_key(const void *row, alluvium_key *key) {
    (void)row;
    alluvium_key_text(key, ALLUVIUM_LITERAL(""));
}
ALLUVIUM_WINDOWS(most, .tumbling_ms = 50, .key_of = no_key, .time = "at", .top = {.limit = 2, .item = {"key"}})

static void an_interval_join_has_each_pair_once(void) {
    for (uint64_t seed = 0; seed < 20; seed++) {
        rng random = {seed};
        sample *inputs[] = {samples(&arena, &random, 100), samples(&arena, &random, 100)};
        alluvium_harness *harness = ALLUVIUM_HARNESS(outer);
        feed(harness, inputs, 2, 100, &random, false);
        const char **expected = alluvium_take(&arena, 100 * 101, sizeof *expected);
        size_t count = 0;
        for (const sample *left = inputs[0]; left < inputs[0] + 100; left++) {
            size_t before = count;
            for (const sample *right = inputs[1]; right < inputs[1] + 100; right++) {
                if (right->key != left->key || right->at < left->at - 3 || right->at > left->at + 5) continue;
                expected[count++] =
                    text(&arena, "{\"key\":\"%c\",\"left\":%s,\"right\":%s}", left->key, row_of(left), row_of(right));
            }
            if (count == before) {
                expected[count++] =
                    text(&arena, "{\"key\":\"%c\",\"left\":%s,\"right\":null}", left->key, row_of(left));
            }
        }
        check_lines(harness, expected, count, true, seed);
        ALLUVIUM_EMITTED_NOTHING(harness, 1);
        check_crashes(harness, inputs, 2, 100, &random, seed);
        alluvium_harness_free(harness);
        alluvium_arena_reset(&arena);
    }
}

static void a_record_that_comes_too_late_for_a_join_is_told(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(inner);
    ALLUVIUM_OK(alluvium_harness_feed_to(harness, 1, ALLUVIUM_LITERAL(HEADER "a,10,1\n")));
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "7"));
    ALLUVIUM_OK(alluvium_harness_feed(harness, HEADER "a,5,2\na,4,3\n"));
    CHECK(alluvium_harness_emitted(harness, 0)->count == 1, "5 is in time");
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "8"));
    ALLUVIUM_OK(alluvium_harness_feed(harness, HEADER "a,5,4\n"));
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "13"));
    ALLUVIUM_OK(alluvium_harness_feed_to(harness, 1, ALLUVIUM_LITERAL(HEADER "a,10,5\n")));
    ALLUVIUM_OK(alluvium_harness_finish(harness));
    ALLUVIUM_EMITTED(harness, 1, "{\"key\":\"a\",\"time\":\"1970-01-01T00:00:00.004Z\"}",
                     "{\"key\":\"a\",\"time\":\"1970-01-01T00:00:00.005Z\"}",
                     "{\"key\":\"a\",\"time\":\"1970-01-01T00:00:00.01Z\"}");
    CHECK(alluvium_harness_emitted(harness, 0)->count == 1, "what is late joins nothing");
    alluvium_harness_free(harness);
}

static void duplicates_are_those_of_a_scan_at_once(void) {
    for (uint64_t seed = 0; seed < 30; seed++) {
        rng random = {seed};
        sample *inputs[] = {samples(&arena, &random, 200)};
        alluvium_harness *harness = ALLUVIUM_HARNESS(unique);
        feed(harness, inputs, 1, 200, &random, false);
        const char *expected[200];
        const sample *passed[200];
        size_t count = 0;
        for (const sample *record = inputs[0]; record < inputs[0] + 200; record++) {
            bool is_near = false;
            for (size_t at = 0; at < count; at++) {
                is_near = is_near || (passed[at]->key == record->key && llabs(passed[at]->at - record->at) < 7);
            }
            if (is_near) continue;
            passed[count] = record;
            expected[count++] = row_of(record);
        }
        check_lines(harness, expected, count, false, seed);
        CHECK(alluvium_harness_emitted(harness, 1)->count == 200 - count, "the others are duplicates");
        check_crashes(harness, inputs, 1, 200, &random, seed);
        alluvium_harness_free(harness);
        alluvium_arena_reset(&arena);
    }
}

static void a_record_that_may_have_a_forgotten_duplicate_is_late(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(late_unique);
    ALLUVIUM_OK(alluvium_harness_feed(harness, HEADER "a,0,1\n"));
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "14"));
    ALLUVIUM_OK(alluvium_harness_feed(harness, HEADER "a,9,2\na,8,3\n"));
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "15"));
    ALLUVIUM_OK(alluvium_harness_feed(harness, HEADER "a,10,4\na,9,5\n"));
    CHECK(alluvium_harness_emitted(harness, 0)->count == 2, "0 and 10 pass");
    ALLUVIUM_EMITTED(harness, 1, "{\"key\":\"a\",\"time\":\"1970-01-01T00:00:00.009Z\"}");
    CHECK(alluvium_harness_emitted(harness, 2)->count == 2, "8 and 9 are late");
    alluvium_harness_free(harness);
}

// The line of the window of 50 ms that begins at a time, with the two keys that most of its records have, or null.
static const char *most_at_once(const sample *all, size_t count, int64_t from) {
    int64_t counts[3] = {0};
    for (size_t at = 0; at < count; at++) counts[all[at].key - 'a'] += all[at].at >= from && all[at].at < from + 50;
    alluvium_json items = alluvium_json_in(&arena);
    alluvium_json_array(&items);
    for (int place = 0; place < 2; place++) {
        int most = 0;
        for (int key = 1; key < 3; key++) most = counts[key] > counts[most] ? key : most;
        if (counts[most] <= 0) break;
        alluvium_json_object(&items);
        alluvium_json_member(&items, "item");
        alluvium_json_text(&items, alluvium_text_of(text(&arena, "%c", 'a' + most)));
        alluvium_json_member(&items, "count");
        alluvium_json_integer(&items, counts[most]);
        alluvium_json_object_end(&items);
        counts[most] = 0;
    }
    alluvium_json_array_end(&items);
    alluvium_bytes value = alluvium_json_bytes(&items);
    // A window without records is none. The key of all records is the empty text.
    if (value.len == 2) return NULL;
    const char *line = window(&arena, 'x', from, from + 50, alluvium_copy(&arena, value).at);
    return text(&arena, "{\"key\":\"\"%s", strchr(line, ','));
}

static void the_most_frequent_items_are_those_of_a_count_at_once(void) {
    for (uint64_t seed = 0; seed < 20; seed++) {
        rng random = {seed};
        sample *inputs[] = {samples(&arena, &random, 600)};
        alluvium_harness *harness = ALLUVIUM_HARNESS(most);
        feed(harness, inputs, 1, 600, &random, false);
        const char *expected[30];
        size_t count = 0;
        for (int64_t from = 0; from < 600 * 2 + 20; from += 50) {
            const char *line = most_at_once(inputs[0], 600, from);
            if (line) expected[count++] = line;
        }
        check_lines(harness, expected, count, false, seed);
        check_crashes(harness, inputs, 1, 600, &random, seed);
        alluvium_harness_free(harness);
        alluvium_arena_reset(&arena);
    }
}

int main(void) {
    TEST(an_interval_join_has_each_pair_once);
    TEST(a_record_that_comes_too_late_for_a_join_is_told);
    TEST(duplicates_are_those_of_a_scan_at_once);
    TEST(a_record_that_may_have_a_forgotten_duplicate_is_late);
    TEST(the_most_frequent_items_are_those_of_a_count_at_once);
    alluvium_arena_free(&arena);
}
