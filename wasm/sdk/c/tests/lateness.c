// Windows with allowed lateness: against windows that are computed of a whole epoch at once, for any order of its
// records and any cuts of its batches.
#include "records.h"

#define COUNTS(called, ...) ALLUVIUM_WINDOWS(called, .key = {"key"}, .time = "at", .count = true, __VA_ARGS__)
COUNTS(sessions_5_7, .session_gap_ms = 5, .lateness_ms = 7)
COUNTS(sessions_2_9, .session_gap_ms = 2, .lateness_ms = 9)
COUNTS(sessions_3_3, .session_gap_ms = 3, .lateness_ms = 3)
COUNTS(sessions_6_12, .session_gap_ms = 6, .lateness_ms = 12)
COUNTS(tumbling_5_10, .tumbling_ms = 5, .lateness_ms = 10)
COUNTS(sliding_6_2_4, .sliding = {6, 2}, .lateness_ms = 4)

// How windows lie. They are sessions without a step.
typedef struct {
    const alluvium_operator *counts;
    int64_t length, step, lateness;
} kind;
static const kind KINDS[] = {
    {ALLUVIUM_OPERATOR_OF(sessions_5_7), 5, 0, 7},   {ALLUVIUM_OPERATOR_OF(sessions_2_9), 2, 0, 9},
    {ALLUVIUM_OPERATOR_OF(sessions_3_3), 3, 0, 3},   {ALLUVIUM_OPERATOR_OF(sessions_6_12), 6, 0, 12},
    {ALLUVIUM_OPERATOR_OF(tumbling_5_10), 5, 5, 10}, {ALLUVIUM_OPERATOR_OF(sliding_6_2_4), 6, 2, 4},
};

static alluvium_arena arena;

// A window, with the number of its records, and whether some of them are new.
typedef struct {
    char key;
    int64_t from, to, count;
    bool is_new;
} counted;

enum { COUNTED_MAX = 512 };

// Windows that are computed of the records of a whole epoch.
typedef struct {
    kind kind;
    int64_t watermark;
    counted open[COUNTED_MAX];
    const char *emitted[COUNTED_MAX];
    size_t open_count, emitted_count, late_count;
} at_once;

static int by_key_and_begin(const void *one, const void *other) {
    const counted *a = one, *b = other;
    return a->key != b->key ? a->key - b->key : (a->from > b->from) - (a->from < b->from);
}

static int by_end_and_key(const void *one, const void *other) {
    const counted *a = one, *b = other;
    return a->to != b->to ? (a->to > b->to) - (a->to < b->to) : a->key - b->key;
}

// Adds the windows of a record alone that are in time.
static void add_record(at_once *model, sample record) {
    const kind *kind = &model->kind;
    size_t before = model->open_count;
    for (int64_t from = kind->step ? record.at - kind->length + 1 : record.at; from <= record.at; from++) {
        if (kind->step && from % kind->step != 0) continue;
        if (from + kind->length + kind->lateness <= model->watermark) continue;
        CHECK(model->open_count < COUNTED_MAX, "too many windows");
        model->open[model->open_count++] = (counted){record.key, from, from + kind->length, 1, true};
    }
    if (model->open_count == before) model->late_count += 1;
}

// Makes one of the windows that are one.
static void join_all(at_once *model) {
    size_t all = model->open_count, left = 0;
    qsort(model->open, all, sizeof *model->open, by_key_and_begin);
    for (size_t at = 0; at < all; at++) {
        counted each = model->open[at], *last = left ? &model->open[left - 1] : NULL;
        bool is_one =
            last && last->key == each.key && (model->kind.step ? last->from == each.from : last->to >= each.from);
        if (!is_one) {
            model->open[left++] = each;
            continue;
        }
        if (each.to > last->to) last->to = each.to;
        last->count += each.count;
        last->is_new = last->is_new || each.is_new;
    }
    model->open_count = left;
}

// Takes the records of an epoch, and moves the watermark behind them.
static void end_epoch(at_once *model, const sample *records, size_t count, int64_t watermark) {
    for (size_t at = 0; at < count; at++) add_record(model, records[at]);
    join_all(model);
    qsort(model->open, model->open_count, sizeof *model->open, by_end_and_key);
    size_t left = 0;
    for (size_t at = 0; at < model->open_count; at++) {
        counted each = model->open[at];
        if (each.to <= watermark && (each.to > model->watermark || each.is_new)) {
            const char *value = text(&arena, "%" PRId64, each.count);
            CHECK(model->emitted_count < COUNTED_MAX, "too many lines");
            model->emitted[model->emitted_count++] = window(&arena, each.key, each.from, each.to, value);
        }
        each.is_new = false;
        if (each.to + model->kind.lateness > watermark) model->open[left++] = each;
    }
    model->open_count = left;
    model->watermark = watermark;
}

static void check_emitted(const alluvium_harness *harness, const at_once *model, const char *place) {
    const alluvium_emitted *emitted = alluvium_harness_emitted(harness, 0);
    CHECK(emitted->count == model->emitted_count, "%s: %zu lines, not %zu", place, emitted->count,
          model->emitted_count);
    for (size_t at = 0; at < emitted->count; at++) {
        alluvium_bytes is = emitted->at[at];
        CHECK(alluvium_text_is(is, model->emitted[at]), "%s: %.*s, not %s", place, (int)is.len, is.at,
              model->emitted[at]);
    }
    CHECK(alluvium_harness_emitted(harness, 1)->count == model->late_count, "%s: the late records", place);
    CHECK(alluvium_harness_entries(harness, "windows")->count == 0, "%s: windows are left", place);
    CHECK(alluvium_harness_entries(harness, "ends")->count == 0, "%s: timers are left", place);
}

static void check_same_state(const alluvium_harness *one, const alluvium_harness *other, const char *place) {
    const char *const names[] = {"windows", "ends"};
    for (size_t name = 0; name < 2; name++) {
        const alluvium_table *a = alluvium_harness_entries(one, names[name]);
        const alluvium_table *b = alluvium_harness_entries(other, names[name]);
        CHECK(a->count == b->count, "%s: %zu of %s, not %zu", place, a->count, names[name], b->count);
        for (size_t at = 0; at < a->count; at++) {
            alluvium_stored is = a->at[at], expected = b->at[at];
            CHECK(alluvium_equal(is.key, expected.key) && alluvium_equal(is.value, expected.value),
                  "%s: the order and the cuts change %s", place, names[name]);
        }
    }
}

static int by_key_and_time(const void *one, const void *other) {
    const sample *a = one, *b = other;
    return a->key != b->key ? a->key - b->key : (a->at > b->at) - (a->at < b->at);
}

static void run_kind(const kind *kind, rng *random, const char *place) {
    static at_once model;
    model = (at_once){.kind = *kind, .watermark = -100};
    alluvium_harness *cut = alluvium_harness_new(kind->counts), *whole = alluvium_harness_new(kind->counts);
    ALLUVIUM_OK(alluvium_harness_watermark(cut, "-100"));
    ALLUVIUM_OK(alluvium_harness_watermark(whole, "-100"));
    int64_t watermark = 0;
    for (int epoch = 0; epoch < 8; epoch++) {
        // A session of the earliest record is still in time, so the order cannot decide what is late.
        int64_t back = kind->lateness + kind->length - 1 < 15 ? kind->lateness + kind->length - 1 : 15;
        sample records[8];
        size_t count = (size_t)below(random, 8);
        for (size_t at = 0; at < count; at++) {
            records[at] = (sample){(char)('a' + below(random, 2)), watermark - back + below(random, back + 15), 1};
        }
        for (size_t done = 0, len; done < count; done += len) {
            len = (size_t)below(random, (int64_t)(count - done)) + 1;
            ALLUVIUM_OK(alluvium_harness_feed_to(cut, 0, csv_of(&arena, records + done, len)));
        }
        qsort(records, count, sizeof *records, by_key_and_time);
        ALLUVIUM_OK(alluvium_harness_feed_to(whole, 0, csv_of(&arena, records, count)));
        check_same_state(cut, whole, place);
        watermark += below(random, 12);
        const char *time = text(&arena, "%" PRId64, watermark);
        ALLUVIUM_OK(alluvium_harness_watermark(cut, time));
        ALLUVIUM_OK(alluvium_harness_watermark(whole, time));
        end_epoch(&model, records, count, watermark);
    }
    ALLUVIUM_OK(alluvium_harness_finish(cut));
    ALLUVIUM_OK(alluvium_harness_finish(whole));
    end_epoch(&model, NULL, 0, INT64_MAX / 2);
    check_emitted(cut, &model, place);
    check_emitted(whole, &model, place);
    alluvium_harness_free(cut);
    alluvium_harness_free(whole);
}

static void windows_are_those_of_each_epoch_at_once_in_any_order_and_cuts(void) {
    for (uint64_t seed = 0; seed < 100; seed++) {
        for (size_t at = 0; at < sizeof KINDS / sizeof *KINDS; at++) {
            rng random = {seed};
            const kind *kind = &KINDS[at];
            run_kind(kind, &random, text(&arena, "seed %" PRIu64 ", kind %zu", seed, at));
            alluvium_arena_reset(&arena);
        }
    }
}

static void check_ends(const alluvium_harness *harness, const int64_t *times, size_t count) {
    const alluvium_table *ends = alluvium_harness_entries(harness, "ends");
    CHECK(ends->count == count, "%zu timers, not %zu", ends->count, count);
    for (size_t at = 0; at < count; at++) {
        alluvium_bytes key;
        int64_t time = alluvium_harness_timer(&ends->at[at], &key).ms;
        CHECK(time == times[at], "%" PRId64 ", not %" PRId64, time, times[at]);
    }
}

static void a_session_that_grows_leaves_the_timers_of_others(void) {
    // The session of 3 would be closed at 15, when that of 10 ends, and the session of 4 closes at 16.
    alluvium_harness *harness = ALLUVIUM_HARNESS(sessions_5_7);
    ALLUVIUM_OK(alluvium_harness_feed(harness, "key,at\na,3\na,10\n"));
    ALLUVIUM_OK(alluvium_harness_feed(harness, "key,at\na,4\n"));
    check_ends(harness, (const int64_t[]){9, 15, 16, 22}, 4);
    ALLUVIUM_OK(alluvium_harness_finish(harness));
    ALLUVIUM_EMITTED(harness, 0, window(&arena, 'a', 3, 9, "2"), window(&arena, 'a', 10, 15, "1"));
    ALLUVIUM_EMITTED_NOTHING(harness, 1);
    alluvium_harness_free(harness);

    // The session of 10 ends at 15, when that of 3 is closed, and grows before that.
    harness = ALLUVIUM_HARNESS(sessions_5_7);
    ALLUVIUM_OK(alluvium_harness_feed(harness, "key,at\na,3\na,10\n"));
    ALLUVIUM_OK(alluvium_harness_feed(harness, "key,at\na,11\n"));
    check_ends(harness, (const int64_t[]){8, 15, 16, 23}, 4);
    alluvium_harness_free(harness);
}

int main(void) {
    TEST(windows_are_those_of_each_epoch_at_once_in_any_order_and_cuts);
    TEST(a_session_that_grows_leaves_the_timers_of_others);
    alluvium_arena_free(&arena);
}
