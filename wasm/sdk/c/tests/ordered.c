// Ordered and merged state, by random commands against a model. Many commands are one batch, so that what waits in the
// cache is seen by those that follow.
#include "commands.h"

static alluvium_arena arena;

// What is kept by the model: values by owner and key, and what was merged into each owner.
enum { OWNERS = 4, KEYS = 12, OPERANDS_MAX = 400 };
static const uint64_t owners[OWNERS] = {0, 1, 255, UINT64_MAX};
typedef struct {
    bool is_there[OWNERS][KEYS];
    int64_t values[OWNERS][KEYS];
    int64_t operands[OWNERS][OPERANDS_MAX];
    size_t counts[OWNERS];
} model;

// Keys have both signs.
static int64_t key_at(size_t place) {
    return (int64_t)place - KEYS / 2;
}

static bool is_within(const command *it, int64_t key) {
    return (!it->from.is_some || key > it->from.value || (key == it->from.value && !is_excluded(it->from))) &&
           (!it->to.is_some || key < it->to.value || (key == it->to.value && !is_excluded(it->to)));
}

static void expect_range(model *model, size_t owner, const command *it, alluvium_json *line) {
    bool deletes = alluvium_text_is(it->what, "delete_range");
    bool reversed = alluvium_text_is(it->what, "reversed");
    uint64_t found = 0;
    if (!deletes) alluvium_json_array(line);
    for (size_t at = 0; at < KEYS; at++) {
        size_t place = reversed ? KEYS - 1 - at : at;
        if (!model->is_there[owner][place] || !is_within(it, key_at(place))) continue;
        if (!deletes && found == it->limit) break;
        found += 1;
        if (deletes) {
            model->is_there[owner][place] = false;
        } else {
            alluvium_json_integer(line, key_at(place));
            alluvium_json_integer(line, model->values[owner][place]);
        }
    }
    if (deletes) alluvium_json_unsigned(line, found);
    else alluvium_json_array_end(line);
}

static void expect_merged(const model *model, size_t owner, alluvium_json *line) {
    size_t count = model->counts[owner];
    alluvium_buffer all = alluvium_buffer_in(&arena), set = alluvium_buffer_in(&arena);
    int64_t sum = 0, least = INT64_MAX, greatest = INT64_MIN;
    for (size_t at = 0; at < count; at++) {
        int64_t operand = model->operands[owner][at];
        alluvium_add_integer(&all, operand);
        sum += operand;
        if (operand < least) least = operand;
        if (operand > greatest) greatest = operand;
    }
    for (size_t place = 0; place < KEYS; place++) {
        size_t at = 0;
        while (at < count && model->operands[owner][at] != key_at(place)) at++;
        if (at < count) alluvium_add(&set, text(&arena, set.len ? ",%" PRId64 : "%" PRId64, key_at(place)));
    }
    alluvium_add(&line->buffer, count == 0 ? "[null,null,null,null,[]]"
                                           : text(&arena, "[%" PRId64 ",%" PRId64 ",%" PRId64 ",\"%.*s\",[%.*s]]", sum,
                                                  least, greatest, (int)all.len, all.at, (int)set.len, set.at));
}

// Returns what a command answers.
static const char *expect(model *model, size_t owner, size_t place, const command *it) {
    alluvium_json line = alluvium_json_in(&arena);
    if (alluvium_text_is(it->what, "set")) {
        model->is_there[owner][place] = true;
        model->values[owner][place] = it->value;
    } else if (alluvium_text_is(it->what, "delete")) {
        model->is_there[owner][place] = false;
    } else if (alluvium_text_is(it->what, "get")) {
        if (model->is_there[owner][place]) alluvium_json_integer(&line, model->values[owner][place]);
    } else if (alluvium_text_is(it->what, "merge")) {
        CHECK(model->counts[owner] < OPERANDS_MAX, "too many operands");
        model->operands[owner][model->counts[owner]++] = it->key;
    } else if (alluvium_text_is(it->what, "forget")) {
        model->counts[owner] = 0;
    } else if (alluvium_text_is(it->what, "merged")) {
        expect_merged(model, owner, &line);
    } else {
        expect_range(model, owner, it, &line);
    }
    return alluvium_copy(&arena, alluvium_json_bytes(&line)).at;
}

static alluvium_optional_integer random_bound(rng *random) {
    return (alluvium_optional_integer){below(random, 2), below(random, KEYS + 2) - KEYS / 2 - 1};
}

static void ranges_and_merges_are_those_of_a_model(void) {
    static const char *const whats[] = {"set",   "set",          "set",   "delete", "get",    "range",  "reversed",
                                        "range", "delete_range", "merge", "merge",  "merged", "forget", "reversed"};
    for (uint64_t seed = 0; seed < 60; seed++) {
        rng random = {seed};
        model *kept = alluvium_new(&arena, 1, sizeof *kept);
        alluvium_harness *harness = ALLUVIUM_HARNESS(commands);
        const char *expected[20 * 12];
        size_t count = 0;
        for (int batch = 0; batch < 20; batch++) {
            alluvium_bytes records[12];
            uint32_t len = (uint32_t)below(&random, 12) + 1;
            for (uint32_t at = 0; at < len; at++) {
                size_t owner = (size_t)below(&random, OWNERS), place = (size_t)below(&random, KEYS);
                const command it = {.what = alluvium_text_of(whats[below(&random, 14)]),
                                    .owner = owners[owner],
                                    .key = key_at(place),
                                    .value = below(&random, 100),
                                    .from = random_bound(&random),
                                    .to = random_bound(&random),
                                    .limit = (uint64_t)below(&random, 8)};
                records[at] = alluvium_row_bytes(&arena, &COMMAND, &it);
                expected[count++] = expect(kept, owner, place, &it);
            }
            // What comes after the last checkpoint is lost, and fed again.
            if (below(&random, 3) == 0) {
                alluvium_harness_checkpoint(harness);
                ALLUVIUM_OK(alluvium_harness_feed_records(harness, 0, records, len));
                ALLUVIUM_OK(alluvium_harness_crash(harness));
            }
            ALLUVIUM_OK(alluvium_harness_feed_records(harness, 0, records, len));
        }
        const alluvium_emitted *answers = alluvium_harness_emitted(harness, 0);
        CHECK(answers->count == count, "seed %" PRIu64 ": %zu answers, not %zu", seed, answers->count, count);
        for (size_t at = 0; at < count; at++) {
            CHECK(alluvium_text_is(answers->at[at], expected[at]), "seed %" PRIu64 ": answer %zu is %.*s, not %s", seed,
                  at, (int)answers->at[at].len, answers->at[at].at, expected[at]);
        }
        alluvium_harness_free(harness);
        alluvium_arena_reset(&arena);
    }
}

static void a_batch_that_is_refused_merges_nothing(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(commands);
    const alluvium_bytes records[] = {
        ALLUVIUM_LITERAL("{\"what\":\"merge\",\"owner\":1,\"key\":5,\"value\":0,\"limit\":0}"), ALLUVIUM_LITERAL("{")};
    ALLUVIUM_REFUSED(alluvium_harness_feed_records(harness, 0, records, 2),
                     "record 1: no JSON of a record here: expected a text at line 1 column 1");
    CHECK(alluvium_harness_entries(harness, "sums")->count == 0, "nothing is merged");
    const alluvium_bytes twice[] = {records[0], records[0]};
    ALLUVIUM_OK(alluvium_harness_feed_records(harness, 0, twice, 2));
    CHECK_BYTES(alluvium_harness_entries(harness, "sums")->at[0].key, "\0\0\0\0\0\0\0\1");
    CHECK_BYTES(alluvium_harness_entries(harness, "sums")->at[0].value, "\12\0\0\0\0\0\0\0");
    CHECK_BYTES(alluvium_harness_entries(harness, "sets")->at[0].value, "\10\x80\0\0\0\0\0\0\5");
    CHECK_BYTES(alluvium_harness_entries(harness, "texts")->at[0].value, "55");
    alluvium_harness_free(harness);
}

int main(void) {
    TEST(ranges_and_merges_are_those_of_a_model);
    TEST(a_batch_that_is_refused_merges_nothing);
    alluvium_arena_free(&arena);
}
