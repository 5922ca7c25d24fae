// A state that another version of an operator has left, and what brings it to the present one.
#include "check.h"

typedef struct {
    alluvium_text word;
    uint64_t count;
} word;
static const alluvium_row WORD = ALLUVIUM_ROW(word, ALLUVIUM_COLUMN(word, word));
static const alluvium_row COUNT = ALLUVIUM_ROW(word, ALLUVIUM_COLUMN(word, count));
static const alluvium_row COUNT_BEFORE = ALLUVIUM_ROW_AS(ALLUVIUM_TUPLE, word, ALLUVIUM_COLUMN(word, count));

static const alluvium_map BEFORE = {.name = "words", .value = &COUNT_BEFORE};
static const alluvium_map WORDS = {.name = "words", .value = &COUNT};
static const alluvium_map FRESH = {.name = "fresh", .value = &COUNT};

static bool begin(void *self, uint32_t input, const alluvium_header *header, alluvium_context *context) {
    (void)input;
    return alluvium_rows_begin(self, &WORD, header, context);
}

// Counts words in a map, and emits each with the parameter "limit" and what it was before.
static bool count_in(const alluvium_map *map, uint32_t output, void *self, const alluvium_batch *batch,
                     alluvium_context *context) {
    const word *words = alluvium_rows_read(self, batch, context);
    for (uint32_t at = 0; words && at < batch->count; at++) {
        word kept;
        bool is_some;
        alluvium_map_get(map, words[at].word, &kept, &is_some, context);
        kept.count += 1;
        alluvium_map_set(map, words[at].word, &kept, context);
        alluvium_optional_bytes limit = alluvium_get_parameter(context, "limit");
        alluvium_optional_bytes previous = alluvium_get_previous_parameter(context, "limit");
        alluvium_json line = alluvium_json_in(context->arena);
        alluvium_json_array(&line);
        alluvium_json_text(&line, limit.value);
        if (previous.is_some) alluvium_json_text(&line, previous.value);
        alluvium_json_array_end(&line);
        alluvium_emit_json(context, output, &line);
    }
    return words;
}

static bool process_1(void *self, uint32_t input, const alluvium_batch *batch, alluvium_context *context) {
    (void)input;
    return count_in(&BEFORE, 0, self, batch, context);
}

static bool process_2(void *self, uint32_t input, const alluvium_batch *batch, alluvium_context *context) {
    (void)input;
    return count_in(&WORDS, 1, self, batch, context);
}

// What a test has the migration do.
static bool (*with_migration)(uint32_t from, alluvium_context *context);

static bool migrate(void *self, uint32_t from, alluvium_context *context) {
    (void)self;
    return with_migration(from, context);
}

static bool refuse_zero(void *self, alluvium_context *context) {
    (void)self;
    if (!alluvium_text_is(alluvium_get_parameter(context, "limit").value, "0")) return true;
    return alluvium_fail(context, "limit: 0 is too few");
}

#define LIMIT {.name = "limit", .value = "3"}

ALLUVIUM_OPERATOR(words, .instance_bytes = sizeof(alluvium_rows), .begin = begin, .process = process_1,
                  .describe = {.inputs = {{.name = "words"}},
                               .outputs = {{.name = "lines"}},
                               .namespaces = {{.map = &BEFORE}},
                               .parameters = {LIMIT}})

// Version 2 has another namespace, another output and another parameter in front of those of version 1.
ALLUVIUM_MIGRATING_OPERATOR(words_2, migrate, .instance_bytes = sizeof(alluvium_rows), .begin = begin,
                            .process = process_2, .open = refuse_zero,
                            .describe = {.schema_version = 2,
                                         .inputs = {{.name = "words"}},
                                         .outputs = {{.name = "lines"}, {.name = "more"}},
                                         .namespaces = {{.map = &FRESH}, {.map = &WORDS}},
                                         .parameters = {{.name = "unit", .value = "F"}, LIMIT}})

ALLUVIUM_OPERATOR(words_3, .begin = begin, .process = process_1,
                  .describe = {.schema_version = 3, .inputs = {{.name = "words"}}, .namespaces = {{.map = &WORDS}}})

ALLUVIUM_MIGRATING_OPERATOR(words_4, migrate, .begin = begin, .process = process_1,
                            .describe = {.schema_version = 4,
                                         .inputs = {{.name = "words"}},
                                         .namespaces = {{.name = "words", .kind = ALLUVIUM_EVENT_TIMERS}}})

static bool move_entries(uint32_t from, alluvium_context *context) {
    if (from != 1) return alluvium_fail(context, "version %" PRIu32 " is not known", from);
    CHECK(!alluvium_get_parameter(context, "limit").is_some, "a migration has no parameters");
    alluvium_bytes *keys;
    size_t count;
    word *entries = alluvium_map_entries(&BEFORE, &keys, &count, context);
    for (size_t at = 0; entries && at < count; at++) {
        alluvium_map_set(&WORDS, keys[at], &entries[at], context);
        entries[at].count += 10;
        alluvium_map_set(&FRESH, keys[at], &entries[at], context);
    }
    return !context->has_failed;
}

static bool read_another_type(uint32_t from, alluvium_context *context) {
    (void)from;
    alluvium_bytes *keys;
    size_t count;
    return alluvium_map_entries(&WORDS, &keys, &count, context);
}

static bool emit_something(uint32_t from, alluvium_context *context) {
    (void)from;
    word other = {.count = 7};
    return alluvium_map_set(&WORDS, ALLUVIUM_LITERAL("b"), &other, context) &&
           alluvium_emit(context, 1, ALLUVIUM_LITERAL("a line"));
}

static bool know_no_version(uint32_t from, alluvium_context *context) {
    return alluvium_fail(context, "version %" PRIu32 " is not known", from);
}

static const char *migrated(alluvium_harness *harness, bool (*with)(uint32_t, alluvium_context *)) {
    with_migration = with;
    return alluvium_harness_migrate(harness, ALLUVIUM_OPERATOR_OF(words_2), NULL);
}

static void a_state_of_version_1_is_continued_by_version_2(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(words);
    ALLUVIUM_OK(alluvium_harness_feed(harness, "word\nb\na\nb\n"));
    alluvium_harness_checkpoint(harness);
    ALLUVIUM_OK(alluvium_harness_feed(harness, "word\nlost\n"));
    const char *const limit[] = {"limit", "5", NULL};
    with_migration = move_entries;
    ALLUVIUM_OK(alluvium_harness_migrate(harness, ALLUVIUM_OPERATOR_OF(words_2), limit));
    CHECK(alluvium_harness_entries(harness, "words")->count == 2, "what came after the checkpoint is lost");
    CHECK_BYTES(alluvium_harness_entries(harness, "words")->at[0].value, "{\"count\":1}");
    CHECK_BYTES(alluvium_harness_entries(harness, "words")->at[1].value, "{\"count\":2}");
    CHECK_BYTES(alluvium_harness_entries(harness, "fresh")->at[1].value, "{\"count\":12}");
    ALLUVIUM_OK(alluvium_harness_feed(harness, "word\nb\n"));
    ALLUVIUM_EMITTED(harness, 0, "[\"3\"]", "[\"3\"]", "[\"3\"]");
    ALLUVIUM_EMITTED(harness, 1, "[\"5\",\"3\"]");
    ALLUVIUM_OK(alluvium_harness_crash(harness));
    ALLUVIUM_EMITTED_NOTHING(harness, 1);
    CHECK_BYTES(alluvium_harness_entries(harness, "words")->at[1].value, "{\"count\":2}");
    ALLUVIUM_REFUSED(migrated(harness, move_entries), "the state is of schema version 2 already");
    alluvium_harness_free(harness);
}

static void a_migration_that_fails_changes_nothing(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(words);
    ALLUVIUM_OK(alluvium_harness_feed(harness, "word\nb\n"));
    alluvium_harness_checkpoint(harness);
    ALLUVIUM_REFUSED(migrated(harness, know_no_version), "version 1 is not known");
    ALLUVIUM_REFUSED(migrated(harness, read_another_type), "words: a value of another type: expected an object");
    ALLUVIUM_REFUSED(migrated(harness, emit_something), "it emitted something: only a batch may");
    ALLUVIUM_REFUSED(alluvium_harness_migrate(harness, ALLUVIUM_OPERATOR_OF(words_3), NULL),
                     "the operator does not know a state of schema version 1");
    ALLUVIUM_REFUSED(alluvium_harness_migrate(harness, ALLUVIUM_OPERATOR_OF(words_4), NULL),
                     "namespace \"words\" is declared in another way, and cannot become this");
    const char *const none[] = {"limit", "0", NULL}, *const unknown[] = {"unknown", "0", NULL};
    with_migration = move_entries;
    ALLUVIUM_REFUSED(alluvium_harness_migrate(harness, ALLUVIUM_OPERATOR_OF(words_2), none), "limit: 0 is too few");
    ALLUVIUM_REFUSED(alluvium_harness_migrate(harness, ALLUVIUM_OPERATOR_OF(words_2), unknown),
                     "the operator has no such parameter");
    // The old version continues.
    ALLUVIUM_OK(alluvium_harness_feed(harness, "word\nb\n"));
    CHECK_BYTES(alluvium_harness_entries(harness, "words")->at[0].value, "[2]");
    ALLUVIUM_EMITTED(harness, 0, "[\"3\"]", "[\"3\"]");
    alluvium_harness_free(harness);
}

static void more_entries_than_a_page_has_are_migrated(void) {
    enum { WORDS_COUNT = 2500 };
    alluvium_arena arena = {0};
    alluvium_buffer csv = alluvium_buffer_in(&arena);
    alluvium_add(&csv, "word\n");
    for (int at = 0; at < WORDS_COUNT; at++) alluvium_add(&csv, text(&arena, "w%d\n", at));
    alluvium_harness *harness = ALLUVIUM_HARNESS(words);
    ALLUVIUM_OK(alluvium_harness_feed_to(harness, 0, alluvium_buffer_bytes(&csv)));
    alluvium_harness_checkpoint(harness);
    ALLUVIUM_OK(migrated(harness, move_entries));
    const alluvium_table *fresh = alluvium_harness_entries(harness, "fresh");
    CHECK(fresh->count == WORDS_COUNT, "%zu", fresh->count);
    for (size_t at = 0; at < fresh->count; at++) CHECK_BYTES(fresh->at[at].value, "{\"count\":11}");
    alluvium_harness_free(harness);
    alluvium_arena_free(&arena);
}

int main(void) {
    TEST(a_state_of_version_1_is_continued_by_version_2);
    TEST(a_migration_that_fails_changes_nothing);
    TEST(more_entries_than_a_page_has_are_migrated);
}
