// Table joins: against what is computed of all records at once.
#include "at_once.h"

// The remainder of the number of an event.
static void remainder_of(const void *row, alluvium_key *key) {
    alluvium_key_integer(key, ((const event *)row)->number % 7);
}

// Writes a number, or null if there is no event.
static void add_number(alluvium_json *line, const event *event) {
    if (event) alluvium_json_integer(line, event->number);
    else alluvium_json_null(line);
}

static void emit_numbers(const void *record, const void *const *found, alluvium_json *line) {
    alluvium_json_array(line);
    add_number(line, record);
    add_number(line, found[0]);
    add_number(line, found[1]);
    alluvium_json_array_end(line);
}
ALLUVIUM_TABLE_JOIN(tables, .input = "stream", .row = &EVENT, .key = {"key"}, .wait_ms = 5, .emit = emit_numbers,
                    .tables = {{.input = "first", .row = &EVENT, .key = {"key"}, .lookup = {"key"}},
                               {.input = "second",
                                .row = &EVENT,
                                .key_of = remainder_of,
                                .key_types = {ALLUVIUM_INTEGER},
                                .lookup_of = remainder_of}})

// A record of a table join: the epoch in which it is due, the end of its wait, and which it is.
typedef struct {
    int64_t epoch, until;
    sample record;
} due;

static int compare_dues(const void *a, const void *b) {
    const due *one = a, *other = b;
    if (one->epoch != other->epoch) return one->epoch < other->epoch ? -1 : 1;
    if (one->until != other->until) return one->until < other->until ? -1 : 1;
    if (one->record.key != other->record.key) return one->record.key - other->record.key;
    return one->record.number < other->record.number ? -1 : 1;
}

// Returns the number of the last record of a table with a key, or with a remainder, of those that came by an epoch.
static const char *last_of(const sample *table, int64_t epoch, char key, int64_t remainder) {
    for (const sample *it = table + epoch * 10; it-- > table;) {
        if (it->key == key || it->number % 7 == remainder) return text(&arena, "%" PRId64, it->number);
    }
    return "null";
}

static void a_table_join_finds_what_has_come_by_the_end_of_the_wait(void) {
    for (uint64_t seed = 0; seed < 20; seed++) {
        rng random = {seed};
        sample *inputs[] = {samples(&arena, &random, 100), samples(&arena, &random, 100),
                            samples(&arena, &random, 100)};
        due dues[100];
        const char *expected[100];
        for (int64_t at = 0; at < 100; at++) {
            for (size_t input = 0; input < 3; input++) inputs[input][at].number = at;
            int64_t until = inputs[0][at].at + 5, epoch = (until + 19) / 20;
            if (epoch < at / 10 + 1) epoch = at / 10 + 1;
            dues[at] = (due){epoch < 10 ? epoch : 10, until, inputs[0][at]};
        }
        qsort(dues, 100, sizeof *dues, compare_dues);
        for (size_t at = 0; at < 100; at++) {
            const sample *record = &dues[at].record;
            expected[at] =
                text(&arena, "[%" PRId64 ",%s,%s]", record->number, last_of(inputs[1], dues[at].epoch, record->key, -1),
                     last_of(inputs[2], dues[at].epoch, 0, record->number % 7));
        }
        alluvium_harness *harness = ALLUVIUM_HARNESS(tables);
        feed(harness, inputs, 3, 100, &random, false);
        check_lines(harness, expected, 100, false, seed);
        CHECK(alluvium_harness_entries(harness, "waiting")->count == 0, "nothing waits");
        CHECK(alluvium_harness_entries(harness, "due")->count == 0, "no timer is left");
        alluvium_harness *crashed = ALLUVIUM_HARNESS(tables);
        feed(crashed, inputs, 3, 100, &random, true);
        CHECK(alluvium_equal(held(&arena, crashed, true), held(&arena, harness, true)), "seed %" PRIu64, seed);
        alluvium_harness_free(crashed);
        alluvium_harness_free(harness);
        alluvium_arena_reset(&arena);
    }
}

int main(void) {
    TEST(a_table_join_finds_what_has_come_by_the_end_of_the_wait);
    alluvium_arena_free(&arena);
}
