// Windows: against sums that are made at once, for disordered and late records, in any cuts, with crashes.
#include "records.h"

static alluvium_arena arena;

// The lines of tumbling windows of 10 ms, computed of all records at once, in the order of their ends and keys.
static const char **sums_at_once(const sample *all, size_t count, size_t *lines) {
    int64_t last = (int64_t)count * 2 + 20;
    const char **made = alluvium_take(&arena, (size_t)last, sizeof *made);
    *lines = 0;
    for (int64_t from = 0; from < last; from += 10) {
        for (char key = 'a'; key <= 'c'; key++) {
            int64_t sum = 0, records = 0;
            for (size_t at = 0; at < count; at++) {
                if (all[at].key != key || all[at].at < from || all[at].at >= from + 10) continue;
                sum += all[at].number;
                records += 1;
            }
            if (records) made[(*lines)++] = window(&arena, key, from, from + 10, text(&arena, "%" PRId64 ".0", sum));
        }
    }
    return made;
}

static void tumbling_windows_are_those_of_sums_at_once_in_any_cuts(void) {
    for (uint64_t seed = 0; seed < 100; seed++) {
        rng random = {seed};
        const size_t count = 200;
        sample *all = samples(&arena, &random, count);
        alluvium_harness *harness = ALLUVIUM_HARNESS(sums);
        for (size_t done = 0; done < count;) {
            size_t most = count - done < 40 ? count - done : 40, len = (size_t)below(&random, (int64_t)most) + 1;
            ALLUVIUM_OK(alluvium_harness_feed_to(harness, 0, csv_of(&arena, all + done, len)));
            done += len;
            // No record has a time before this.
            ALLUVIUM_OK(alluvium_harness_watermark(harness, text(&arena, "%zu", done * 2)));
        }
        ALLUVIUM_OK(alluvium_harness_finish(harness));
        size_t lines;
        const char **expected = sums_at_once(all, count, &lines);
        const alluvium_emitted *emitted = alluvium_harness_emitted(harness, 0);
        CHECK(emitted->count == lines, "seed %" PRIu64 ": %zu lines, not %zu", seed, emitted->count, lines);
        for (size_t at = 0; at < lines; at++) {
            alluvium_bytes is = emitted->at[at];
            CHECK(alluvium_text_is(is, expected[at]), "seed %" PRIu64 ": %.*s, not %s", seed, (int)is.len, is.at,
                  expected[at]);
        }
        ALLUVIUM_EMITTED_NOTHING(harness, 1);
        CHECK(alluvium_harness_entries(harness, "windows")->count == 0, "windows that have ended are gone");
        CHECK(alluvium_harness_entries(harness, "ends")->count == 0, "and their timers");
        alluvium_harness_free(harness);
        alluvium_arena_reset(&arena);
    }
}

// Feeds records in cuts of ten, with a checkpoint after each, and may crash before one.
static alluvium_bytes with_crashes(const sample *all, size_t count, rng *crashes) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(late_sessions);
    for (size_t done = 0, durable = 0; done < count;) {
        ALLUVIUM_OK(alluvium_harness_feed_to(harness, 0, csv_of(&arena, all + done, 10)));
        done += 10;
        if (crashes && below(crashes, 4) == 0) {
            ALLUVIUM_OK(alluvium_harness_crash(harness));
            done = durable;
            continue;
        }
        ALLUVIUM_OK(alluvium_harness_watermark(harness, text(&arena, "%zu", done * 2)));
        alluvium_harness_checkpoint(harness);
        durable = done;
    }
    ALLUVIUM_OK(alluvium_harness_finish(harness));
    alluvium_bytes all_held = held(&arena, harness, true);
    alluvium_harness_free(harness);
    return all_held;
}

static void crashes_change_nothing_that_is_shown(void) {
    for (uint64_t seed = 0; seed < 30; seed++) {
        rng random = {seed};
        sample *all = samples(&arena, &random, 120);
        alluvium_bytes expected = with_crashes(all, 120, NULL), is = with_crashes(all, 120, &random);
        CHECK(expected.len > 100 && alluvium_equal(is, expected), "seed %" PRIu64 ":\n%.*s", seed, (int)is.len, is.at);
        alluvium_arena_reset(&arena);
    }
}

// Feeds records in three epochs, whose batches are cut by chance or not at all.
static alluvium_bytes with_cuts(const alluvium_operator *plugin, const sample *all, rng *cuts) {
    alluvium_harness *harness = alluvium_harness_new(plugin);
    for (size_t epoch = 0; epoch < 90; epoch += 30) {
        int64_t last = 0;
        for (size_t done = 0, len; done < 30; done += len) {
            len = cuts ? (size_t)below(cuts, (int64_t)(30 - done)) + 1 : 30;
            ALLUVIUM_OK(alluvium_harness_feed_to(harness, 0, csv_of(&arena, all + epoch + done, len)));
        }
        for (size_t at = epoch; at < epoch + 30; at++) last = all[at].at > last ? all[at].at : last;
        ALLUVIUM_OK(alluvium_harness_watermark(harness, text(&arena, "%" PRId64, last - 10)));
    }
    alluvium_bytes all_held = held(&arena, harness, true);
    alluvium_harness_free(harness);
    return all_held;
}

static void batches_may_be_cut_anywhere_between_two_times(void) {
    const alluvium_operator *operators[] = {ALLUVIUM_OPERATOR_OF(late_sums), ALLUVIUM_OPERATOR_OF(sliding),
                                            ALLUVIUM_OPERATOR_OF(late_sessions), ALLUVIUM_OPERATOR_OF(sessions)};
    for (uint64_t seed = 0; seed < 100; seed++) {
        rng random = {seed};
        sample *all = samples(&arena, &random, 90);
        for (size_t at = 0; at < sizeof operators / sizeof *operators; at++) {
            alluvium_bytes expected = with_cuts(operators[at], all, NULL), is = with_cuts(operators[at], all, &random);
            CHECK(expected.len > 100 && alluvium_equal(is, expected), "seed %" PRIu64 ":\n%.*s", seed, (int)is.len,
                  is.at);
        }
        alluvium_arena_reset(&arena);
    }
}

static void a_record_within_the_lateness_corrects_its_window_and_a_later_one_is_told(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(late_sums);
    ALLUVIUM_OK(alluvium_harness_feed(harness, "key,at,number\na,1,10\na,12,1\n"));
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "12"));
    const char *first = window(&arena, 'a', 0, 10, "10.0"), *corrected = window(&arena, 'a', 0, 10, "18.0");
    ALLUVIUM_EMITTED(harness, 0, first);
    ALLUVIUM_OK(alluvium_harness_feed(harness, "key,at,number\na,2,7\na,3,1\n"));
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "13"));
    // One correction for both.
    ALLUVIUM_EMITTED(harness, 0, first, corrected);
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "15"));
    ALLUVIUM_OK(alluvium_harness_feed(harness, "key,at,number\na,4,7\n"));
    ALLUVIUM_OK(alluvium_harness_finish(harness));
    ALLUVIUM_EMITTED(harness, 1, "{\"key\":\"a\",\"time\":\"1970-01-01T00:00:00.004Z\"}");
    ALLUVIUM_EMITTED(harness, 0, first, corrected, window(&arena, 'a', 10, 20, "1.0"));
    alluvium_harness_free(harness);
}

static void a_time_is_in_each_window_that_slides_over_it(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(sliding);
    ALLUVIUM_OK(alluvium_harness_feed(harness, "key,at\na,8\n"));
    ALLUVIUM_OK(alluvium_harness_finish(harness));
    ALLUVIUM_EMITTED(harness, 0, window(&arena, 'a', 0, 10, "1"), window(&arena, 'a', 4, 14, "1"),
                     window(&arena, 'a', 8, 18, "1"));
    alluvium_harness_free(harness);
}

static void a_record_between_two_sessions_joins_them(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(sessions);
    ALLUVIUM_OK(alluvium_harness_feed(harness, "key,at,number\na,1,3\na,9,4\nb,1,9\n"));
    CHECK(alluvium_harness_entries(harness, "ends")->count == 3, "three ends");
    ALLUVIUM_OK(alluvium_harness_feed(harness, "key,at,number\na,5,1\n"));
    CHECK(alluvium_harness_entries(harness, "ends")->count == 2, "one end for each session");
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "13"));
    ALLUVIUM_EMITTED(harness, 0, window(&arena, 'b', 1, 6, "9.0"));
    ALLUVIUM_OK(alluvium_harness_watermark(harness, "14"));
    ALLUVIUM_EMITTED(harness, 0, window(&arena, 'b', 1, 6, "9.0"), window(&arena, 'a', 1, 14, "4.0"));
    alluvium_harness_free(harness);
}

static void sessions_that_touch_are_one_and_others_are_two(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(sessions);
    // The first session is from 20 to 25.
    ALLUVIUM_OK(alluvium_harness_feed(harness, "key,at,number\na,20,1\na,15,2\na,25,3\na,31,4\nb,20,1\nb,14,2\n"));
    ALLUVIUM_OK(alluvium_harness_finish(harness));
    ALLUVIUM_EMITTED(harness, 0, window(&arena, 'b', 14, 19, "2.0"), window(&arena, 'b', 20, 25, "1.0"),
                     window(&arena, 'a', 15, 30, "3.0"), window(&arena, 'a', 31, 36, "4.0"));
    alluvium_harness_free(harness);
}

static void windows_of_a_key_are_one_entry_in_the_order_of_their_times(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(sums);
    ALLUVIUM_OK(alluvium_harness_feed(harness, "key,at,number\na,12,1\na,-1,-2\na,20,0\n"));
    CHECK_BYTES(alluvium_harness_entries(harness, "windows")->at[0].value,
                "\xf6\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0\x10\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xc0"
                "\x0a\0\0\0\0\0\0\0\x14\0\0\0\0\0\0\0\x10\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\xf0\x3f"
                "\x14\0\0\0\0\0\0\0\x1e\0\0\0\0\0\0\0\x10\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    alluvium_harness_free(harness);
}

static void records_that_are_none_are_named_and_change_nothing(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(sums);
    ALLUVIUM_OK(alluvium_harness_feed(harness, "key,at,number\na,1,1\n"));
    alluvium_bytes before = held(&arena, harness, true);
    ALLUVIUM_REFUSED(alluvium_harness_feed(harness, "key,at,number\na,1,1\na,soon,1\n"),
                     "record 1: at: \"soon\" is no time, as 2013-01-01T05:00:00Z");
    ALLUVIUM_REFUSED(alluvium_harness_feed(harness, "key,at,number\nb,1,1\nb,2,x\n"),
                     "record 1: number: \"x\" is no number");
    CHECK(alluvium_equal(held(&arena, harness, true), before), "an error has changed the state");
    ALLUVIUM_REFUSED(alluvium_harness_feed(harness, "key,time\na,1\n"),
                     "the columns at, number are missing; there are key, time");
    alluvium_harness_free(harness);
}

static void many_windows_leave_nothing_behind(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(sums);
    size_t largest = 0;
    for (int64_t round = 0; round < 20; round++) {
        alluvium_buffer csv = alluvium_buffer_in(&arena);
        alluvium_add(&csv, "key,at,number\n");
        for (int key = 0; key < 1000; key++) alluvium_add(&csv, text(&arena, "%d,%" PRId64 ",1\n", key, round * 10));
        ALLUVIUM_OK(alluvium_harness_feed_to(harness, 0, alluvium_buffer_bytes(&csv)));
        ALLUVIUM_OK(alluvium_harness_watermark(harness, text(&arena, "%" PRId64, round * 10)));
        size_t open = alluvium_harness_entries(harness, "windows")->count;
        largest = open > largest ? open : largest;
        alluvium_harness_checkpoint(harness);
        alluvium_arena_reset(&arena);
    }
    ALLUVIUM_OK(alluvium_harness_finish(harness));
    CHECK(largest == 1000, "%zu", largest);
    CHECK(alluvium_harness_emitted(harness, 0)->count == 20000, "%zu", alluvium_harness_emitted(harness, 0)->count);
    CHECK(alluvium_harness_entries(harness, "windows")->count == 0, "nothing is left");
    alluvium_harness_free(harness);
}

static void windows_route_each_record_by_its_key(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(late_sums);
    alluvium_emitted keys = {0};
    ALLUVIUM_OK(alluvium_harness_route(harness, 0, "at,key,number\n1,b,2\n2,,3\n3,a,4\n", &keys));
    CHECK(keys.count == 3, "%zu", keys.count);
    CHECK_BYTES(keys.at[0], "b");
    CHECK_BYTES(keys.at[1], "");
    CHECK_BYTES(keys.at[2], "a");
    alluvium_harness_free(harness);
}

int main(void) {
    TEST(windows_route_each_record_by_its_key);
    TEST(tumbling_windows_are_those_of_sums_at_once_in_any_cuts);
    TEST(crashes_change_nothing_that_is_shown);
    TEST(batches_may_be_cut_anywhere_between_two_times);
    TEST(a_record_within_the_lateness_corrects_its_window_and_a_later_one_is_told);
    TEST(a_time_is_in_each_window_that_slides_over_it);
    TEST(a_record_between_two_sessions_joins_them);
    TEST(sessions_that_touch_are_one_and_others_are_two);
    TEST(windows_of_a_key_are_one_entry_in_the_order_of_their_times);
    TEST(records_that_are_none_are_named_and_change_nothing);
    TEST(many_windows_leave_nothing_behind);
    alluvium_arena_free(&arena);
}
