// Texts of a fixed length, and records of JSON: as columns, as parts of keys, and what they are refused with.
#include "check.h"

typedef struct {
    alluvium_text origin;
    alluvium_optional_text dest;
    alluvium_time at;
} flight;
static const alluvium_row FLIGHT =
    ALLUVIUM_ROW_AS(ALLUVIUM_EXACT_OBJECT, flight, ALLUVIUM_CODE_COLUMN(flight, origin, 3),
                    ALLUVIUM_CODE_COLUMN(flight, dest, 3), ALLUVIUM_COLUMN(flight, at));
static const alluvium_row KEY =
    ALLUVIUM_ROW_AS(ALLUVIUM_TUPLE, flight, ALLUVIUM_CODE_COLUMN(flight, origin, 3), ALLUVIUM_COLUMN(flight, at));

// The first input has columns, and the second one records.
static bool begin(void *self, uint32_t input, const alluvium_header *header, alluvium_context *context) {
    (void)input;
    return alluvium_rows_begin(self, &FLIGHT, header, context);
}

static const flight *read(void *self, uint32_t input, const alluvium_batch *batch, alluvium_context *context) {
    return input == 0 ? alluvium_rows_read(self, batch, context) : alluvium_json_rows_read(&FLIGHT, batch, context);
}

static bool process(void *self, uint32_t input, const alluvium_batch *batch, alluvium_context *context) {
    const flight *flights = read(self, input, batch, context);
    for (uint32_t at = 0; flights && at < batch->count; at++) alluvium_emit_row(context, 0, &FLIGHT, &flights[at]);
    return flights;
}

static bool route(void *self, uint32_t input, const alluvium_batch *batch, alluvium_bytes *keys,
                  alluvium_context *context) {
    const flight *flights = read(self, input, batch, context);
    for (uint32_t at = 0; flights && at < batch->count; at++) keys[at] = alluvium_row_key(&KEY, &flights[at], context);
    return flights;
}

ALLUVIUM_OPERATOR(flights, .instance_bytes = sizeof(alluvium_rows), .begin = begin, .process = process, .route = route,
                  .describe = {.inputs = {{.name = "columns"}, {.name = "records", .format = ALLUVIUM_RECORDS}},
                               .outputs = {{.name = "rows"}}})

#define HEADER "origin,dest,at\n"

static void codes_are_columns_and_parts_of_keys(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(flights);
    ALLUVIUM_OK(alluvium_harness_feed(harness, HEADER "JFK,NA,0\né1,LAX,1\n"));
    ALLUVIUM_EMITTED(harness, 0, "{\"origin\":\"JFK\",\"dest\":null,\"at\":\"1970-01-01T00:00:00Z\"}",
                     "{\"origin\":\"é1\",\"dest\":\"LAX\",\"at\":\"1970-01-01T00:00:00.001Z\"}");
    alluvium_emitted keys = {0};
    ALLUVIUM_OK(alluvium_harness_route(harness, 0, HEADER "JFK,NA,-1\n", &keys));
    CHECK_BYTES(keys.at[0], "JFK\x7f\xff\xff\xff\xff\xff\xff\xff");
    alluvium_arena arena = {0};
    flight read = {0};
    CHECK(alluvium_read_row_key(&arena, &KEY, keys.at[0], &read) && read.at.ms == -1, "%" PRId64, read.at.ms);
    CHECK_BYTES(read.origin, "JFK");
    CHECK(!alluvium_read_row_key(&arena, &KEY, ALLUVIUM_LITERAL("JFK1234567"), &read), "a byte is missing");
    CHECK(!alluvium_read_row_key(&arena, &KEY,
                                 ALLUVIUM_LITERAL("JF\xff"
                                                  "12345678"),
                                 &read),
          "no UTF-8");
    alluvium_arena_free(&arena);
    alluvium_harness_free(harness);
}

static void codes_of_another_length_are_refused(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(flights);
    ALLUVIUM_REFUSED(alluvium_harness_feed(harness, HEADER "JFK,LAX,0\nLONDON,LAX,0\n"),
                     "record 1: origin: \"LONDON\" has 6 bytes, and not 3");
    ALLUVIUM_REFUSED(alluvium_harness_feed(harness, HEADER "JFK,\"a\"\"\",0\n"),
                     "record 0: dest: \"a\\\"\" has 2 bytes, and not 3");
    ALLUVIUM_EMITTED_NOTHING(harness, 0);
    alluvium_harness_free(harness);
}

static void records_of_json_are_read_as_rows(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(flights);
    const alluvium_bytes records[] = {ALLUVIUM_LITERAL(" {\"at\":\"5\",\"origin\":\"JFK\",\"dest\":null}\n"),
                                      ALLUVIUM_LITERAL("{\"origin\":\"EWR\",\"at\":\"1970-01-01T00:00:00Z\"}")};
    ALLUVIUM_OK(alluvium_harness_feed_records(harness, 1, records, 2));
    ALLUVIUM_OK(alluvium_harness_feed_records(harness, 1, NULL, 0));
    ALLUVIUM_EMITTED(harness, 0, "{\"origin\":\"JFK\",\"dest\":null,\"at\":\"1970-01-01T00:00:00.005Z\"}",
                     "{\"origin\":\"EWR\",\"dest\":null,\"at\":\"1970-01-01T00:00:00Z\"}");
    alluvium_emitted keys = {0};
    ALLUVIUM_OK(alluvium_harness_route_records(harness, 1, records, 2, &keys));
    CHECK(keys.count == 2, "%zu", keys.count);
    CHECK_BYTES(keys.at[1], "EWR\x80\0\0\0\0\0\0\0");
    alluvium_harness_free(harness);
    // What is not there is none, whatever was in the memory before.
    alluvium_arena arena = {0};
    flight read = {.dest = {true, ALLUVIUM_LITERAL("LAX")}};
    alluvium_json_reader reader = alluvium_json_reader_of(&arena, records[1]);
    alluvium_json_read_members(&reader, &FLIGHT, &read);
    CHECK(alluvium_json_end(&reader) && !read.dest.is_some, "%s", reader.wrong);
    alluvium_arena_free(&arena);
}

// The words and the places are those of serde_json.
static void records_that_are_no_rows_are_named(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(flights);
    const struct {
        const char *record, *wrong;
    } cases[] = {
        {"{\"origin\":\"LONDON\",\"at\":\"0\"}", "\"LONDON\" has 6 bytes, and not 3 at line 1 column 18"},
        {"{\"at\":\"0\",\n\"origin\":\"JF\" }", "\"JF\" has 2 bytes, and not 3 at line 2 column 15"},
        {"{\"origin\":\"JFK\",\"at\":\"soon\"}", "\"soon\" is no time, as 2013-01-01T05:00:00Z at line 1 column 28"},
        {"{}", "missing field `origin` at line 1 column 2"},
        {"{\"origin\":\"JFK\"} ", "missing field `at` at line 1 column 16"},
        {"{\"origin\":\"JFK\",\"to\":1}",
         "unknown field `to`, expected one of `origin`, `dest`, `at` at line 1 column 20"},
        {"{\"origin\":\"JFK\",\"origin\" :\"JFK\"}", "duplicate field `origin` at line 1 column 25"},
    };
    alluvium_arena arena = {0};
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        const alluvium_bytes records[] = {ALLUVIUM_LITERAL("{\"origin\":\"JFK\",\"at\":\"0\"}"),
                                          alluvium_text_of(cases[at].record)};
        ALLUVIUM_REFUSED(alluvium_harness_feed_records(harness, 1, records, 2),
                         text(&arena, "record 1: no JSON of a record here: %s", cases[at].wrong));
    }
    const alluvium_bytes empty = {NULL, 0};
    ALLUVIUM_REFUSED(alluvium_harness_feed_records(harness, 1, &empty, 1),
                     "record 0: no JSON of a record here: expected an object at line 1 column 0");
    ALLUVIUM_EMITTED_NOTHING(harness, 0);
    alluvium_arena_free(&arena);
    alluvium_harness_free(harness);
}

static void any_bytes_are_read_to_their_end_and_no_further(void) {
    static const char alphabet[] = "{}\":, \\\n015origndestatJFK\xc3\xa9";
    static const char *const parts[] = {"\"origin\":", "\"JFK\"", "\"at\":",   "\"0\"", "{",
                                        "}",           ",",       "\"dest\":", "null"};
    static const char *const begins[] = {"", "{\"origin\":\"JFK\"", "{\"origin\":\"JFK\",\"at\":\"0\""};
    alluvium_harness *harness = ALLUVIUM_HARNESS(flights);
    alluvium_arena arena = {0};
    rng random = {11};
    size_t good = 0;
    for (int round = 0; round < 20000; round++) {
        alluvium_buffer record = alluvium_buffer_in(&arena);
        alluvium_add(&record, begins[below(&random, 3)]);
        for (int64_t part = below(&random, 8); part > 0; part--) {
            if (below(&random, 3)) alluvium_add(&record, parts[below(&random, sizeof parts / sizeof *parts)]);
            else alluvium_add_byte(&record, alphabet[below(&random, sizeof alphabet - 1)]);
        }
        const alluvium_bytes bytes = alluvium_buffer_bytes(&record);
        // A copy ends where the bytes end, so that the sanitizer finds a step beyond.
        char *copy = bytes.len ? memcpy(malloc(bytes.len), bytes.at, bytes.len) : NULL;
        const alluvium_bytes exact = {copy, bytes.len};
        flight read;
        const char *wrong = alluvium_harness_feed_records(harness, 1, &exact, 1);
        CHECK(!wrong || strncmp(wrong, "record 0: no JSON of a record here: ", 36) == 0, "%s", wrong);
        good += !wrong;
        alluvium_read_row_key(&arena, &KEY, exact, &read);
        free(copy);
        alluvium_arena_reset(&arena);
    }
    CHECK(good > 10, "only %zu records are good", good);
    alluvium_arena_free(&arena);
    alluvium_harness_free(harness);
}

ALLUVIUM_WINDOWS(by_code, .tumbling_ms = 10, .row = &FLIGHT, .key = {"origin", "at"}, .count = true)

static void windows_have_codes_and_times_as_keys(void) {
    alluvium_harness *harness = ALLUVIUM_HARNESS(by_code);
    ALLUVIUM_OK(alluvium_harness_feed(harness, HEADER "JFK,LAX,5\n"));
    CHECK_BYTES(alluvium_harness_entries(harness, "windows")->at[0].key, "JFK\x80\0\0\0\0\0\0\5");
    ALLUVIUM_OK(alluvium_harness_finish(harness));
    ALLUVIUM_EMITTED(harness, 0,
                     "{\"key\":[\"JFK\",\"1970-01-01T00:00:00.005Z\"],\"from\":\"1970-01-01T00:00:00Z\","
                     "\"to\":\"1970-01-01T00:00:00.01Z\",\"value\":1}");
    alluvium_harness_free(harness);
}

int main(void) {
    TEST(codes_are_columns_and_parts_of_keys);
    TEST(codes_of_another_length_are_refused);
    TEST(records_of_json_are_read_as_rows);
    TEST(records_that_are_no_rows_are_named);
    TEST(any_bytes_are_read_to_their_end_and_no_further);
    TEST(windows_have_codes_and_times_as_keys);
}
