// Rows: what headers, batches and fields are refused, and with what words.
#include "check.h"

typedef struct {
    alluvium_text name;
    int64_t whole;
    uint64_t size;
    double number;
    bool is_so;
    alluvium_time at;
} required;
static const alluvium_row REQUIRED = ALLUVIUM_ROW(
    required, ALLUVIUM_COLUMN(required, name), ALLUVIUM_COLUMN(required, whole), ALLUVIUM_COLUMN(required, size),
    ALLUVIUM_COLUMN(required, number), ALLUVIUM_COLUMN_AS(required, is_so, "is so"), ALLUVIUM_COLUMN(required, at));

typedef struct {
    alluvium_optional_text name;
    alluvium_optional_integer whole;
    alluvium_optional_unsigned size;
    alluvium_optional_number number;
    alluvium_optional_boolean is_so;
    alluvium_optional_time at;
} optional;
static const alluvium_row OPTIONAL = ALLUVIUM_ROW(
    optional, ALLUVIUM_COLUMN(optional, name), ALLUVIUM_COLUMN(optional, whole), ALLUVIUM_COLUMN(optional, size),
    ALLUVIUM_COLUMN(optional, number), ALLUVIUM_COLUMN_AS(optional, is_so, "is so"), ALLUVIUM_COLUMN(optional, at));

// An operator that emits each row as JSON. The first input has required fields, the second one optional ones.
typedef struct {
    alluvium_rows rows[2];
} echo;

static const alluvium_row *row_of(uint32_t input) {
    return input == 0 ? &REQUIRED : &OPTIONAL;
}

static bool begin(void *self, uint32_t input, const alluvium_header *header, alluvium_context *context) {
    return alluvium_rows_begin(&((echo *)self)->rows[input], row_of(input), header, context);
}

static bool process(void *self, uint32_t input, const alluvium_batch *batch, alluvium_context *context) {
    const char *rows = alluvium_rows_read(&((echo *)self)->rows[input], batch, context);
    for (uint32_t record = 0; rows && record < batch->count; record++) {
        alluvium_emit_row(context, 0, row_of(input), rows + record * row_of(input)->bytes);
    }
    return rows;
}

ALLUVIUM_OPERATOR(echo, .instance_bytes = sizeof(echo), .begin = begin, .process = process,
                  .describe = {.inputs = {{.name = "required"}, {.name = "optional"}}, .outputs = {{.name = "rows"}}})

#define HEADER "name,whole,size,number,is so,at\n"

static alluvium_harness *harness;

static const char *feed(uint32_t input, alluvium_bytes csv) {
    return alluvium_harness_feed_to(harness, input, csv);
}

static void fields_are_read_and_written_as_json(void) {
    harness = ALLUVIUM_HARNESS(echo);
    ALLUVIUM_OK(
        feed(0, ALLUVIUM_LITERAL("at,more," HEADER "0,,\"a,\"\"b\"\"\",-7,7,+.5e1,true,2013-01-01T05:00:00.25Z\n")));
    alluvium_harness_free(harness);
    harness = ALLUVIUM_HARNESS(echo);
    ALLUVIUM_OK(
        feed(0, ALLUVIUM_LITERAL("at,more,name,whole,size,number,is so\n"
                                 "2013-01-01T05:00:00.25Z,x,\"a,\"\"b\"\"\",-7,7,+.5e1,true\n0,,,0,0,0,false\n")));
    ALLUVIUM_OK(feed(1, ALLUVIUM_LITERAL(HEADER "NA,NA,NA,NA,NA,NA\n,,,,,\nx,1,2,-0,false,9\n")));
    ALLUVIUM_EMITTED(
        harness, 0,
        "{\"name\":\"a,\\\"b\\\"\",\"whole\":-7,\"size\":7,\"number\":5.0,\"is so\":true,"
        "\"at\":\"2013-01-01T05:00:00.25Z\"}",
        "{\"name\":\"\",\"whole\":0,\"size\":0,\"number\":0.0,\"is so\":false,\"at\":\"1970-01-01T00:00:00Z\"}",
        "{\"name\":null,\"whole\":null,\"size\":null,\"number\":null,\"is so\":null,\"at\":null}",
        "{\"name\":null,\"whole\":null,\"size\":null,\"number\":null,\"is so\":null,\"at\":null}",
        "{\"name\":\"x\",\"whole\":1,\"size\":2,\"number\":-0.0,\"is so\":false,"
        "\"at\":\"1970-01-01T00:00:00.009Z\"}");
    alluvium_harness_free(harness);
}

static void fields_are_refused_by_their_column_and_quoted_as_json(void) {
    harness = ALLUVIUM_HARNESS(echo);
    const struct {
        uint32_t input;
        alluvium_bytes line;
        const char *wrong;
    } cases[] = {
        {0, ALLUVIUM_LITERAL("\xff,1,1,1,true,1"), "name is no UTF-8"},
        {0, ALLUVIUM_LITERAL("a,1\xc3,1,1,true,1"), "whole is no UTF-8"},
        {0, ALLUVIUM_LITERAL("a,,1,1,true,1"), "whole: \"\" is no number"},
        {0, ALLUVIUM_LITERAL("a,NA,1,1,true,1"), "whole: \"NA\" is no number"},
        {0, ALLUVIUM_LITERAL("a,9223372036854775808,1,1,true,1"), "whole: \"9223372036854775808\" is no number"},
        {0, ALLUVIUM_LITERAL("a,1,-1,1,true,1"), "size: \"-1\" is no number without a sign"},
        {0, ALLUVIUM_LITERAL("a,1,1,1e999,true,1"), "number: \"1e999\" is no number"},
        {0, ALLUVIUM_LITERAL("a,1,1,\"\"\"\t\x7f\\\0\",true,1"), "number: \"\\\"\\t\x7f\\\\\\u0000\" is no number"},
        {0, ALLUVIUM_LITERAL("a,1,1,1,True,1"), "is so: \"True\" is no true or false"},
        {0, ALLUVIUM_LITERAL("a,1,1,1,true,1.0"), "at: \"1.0\" is no time, as 2013-01-01T05:00:00Z"},
        {1, ALLUVIUM_LITERAL("a,na,1,1,true,1"), "whole: \"na\" is no number"},
        {1, ALLUVIUM_LITERAL("a,1,1,NaN,true,1"), "number: \"NaN\" is no number"},
        {1, ALLUVIUM_LITERAL("a,1,1,1, ,1"), "is so: \" \" is no true or false"},
        {1, ALLUVIUM_LITERAL("\xff,1,1,1,true,1"), "name is no UTF-8"},
    };
    alluvium_arena arena = {0};
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        alluvium_buffer csv = alluvium_buffer_in(&arena);
        alluvium_add(&csv, HEADER "a,1,1,1,true,1\n");
        alluvium_add_text(&csv, cases[at].line);
        ALLUVIUM_REFUSED(feed(cases[at].input, alluvium_buffer_bytes(&csv)),
                         text(&arena, "record 1: %s", cases[at].wrong));
    }
    ALLUVIUM_EMITTED_NOTHING(harness, 0);
    alluvium_arena_free(&arena);
    alluvium_harness_free(harness);
}

static void a_header_is_refused_by_what_is_missing(void) {
    harness = ALLUVIUM_HARNESS(echo);
    ALLUVIUM_REFUSED(feed(0, ALLUVIUM_LITERAL("size,more,at,at\n1,1,1,1\n")),
                     "the columns name, whole, number, is so are missing; there are size, more, at, at");
    ALLUVIUM_REFUSED(feed(0, ALLUVIUM_LITERAL("")), "the CSV has no line with the names of the columns");
    ALLUVIUM_REFUSED(feed(0, ALLUVIUM_LITERAL(HEADER "1\n")),
                     "a line of the CSV has another number of fields than the first one");
    alluvium_harness_free(harness);
}

// Calls process with a batch as it stands.
static const char *process_batch(const alluvium_batch *batch) {
    alluvium_emitted_before before = alluvium_run_emitted(harness);
    alluvium_context context = alluvium_run_begin(harness);
    return alluvium_run_end(harness, &context, &before, process(harness->instance.self, 0, batch, &context));
}

static void batches_that_contradict_themselves_are_refused(void) {
    harness = ALLUVIUM_HARNESS(echo);
    const uint32_t lens[] = {1, 1, 1, 1, 4, 1, UINT32_MAX};
    alluvium_bytes bytes = ALLUVIUM_LITERAL("a111true1");
    alluvium_batch good = {ALLUVIUM_LINES, 1, lens, 6, bytes};
    ALLUVIUM_REFUSED(process_batch(&good), "the input was not begun");
    ALLUVIUM_OK(feed(0, ALLUVIUM_LITERAL(HEADER)));
    ALLUVIUM_OK(process_batch(&good));
    alluvium_batch records = {ALLUVIUM_RECORDS, 1, lens, 1, bytes};
    ALLUVIUM_REFUSED(process_batch(&records), "the input has columns, and came without");
    alluvium_batch more = {ALLUVIUM_LINES, 1, lens, 7, bytes}, many = {ALLUVIUM_LINES, UINT32_MAX, lens, 6, bytes};
    ALLUVIUM_REFUSED(process_batch(&more), "a batch with other columns than its header");
    ALLUVIUM_REFUSED(process_batch(&many), "a batch with other columns than its header");
    alluvium_batch cut = {ALLUVIUM_LINES, 1, lens, 6, {bytes.at, bytes.len - 1}},
                   beyond = {ALLUVIUM_LINES, 1, lens + 1, 6, bytes};
    ALLUVIUM_REFUSED(process_batch(&cut), "a batch that is shorter than its lengths say");
    ALLUVIUM_REFUSED(process_batch(&beyond), "a batch that is shorter than its lengths say");
    alluvium_batch none = {ALLUVIUM_LINES, 0, NULL, 0, {NULL, 0}};
    ALLUVIUM_OK(process_batch(&none));
    CHECK(alluvium_harness_emitted(harness, 0)->count == 1, "only one batch was good");
    alluvium_harness_free(harness);
}

static void fields_may_be_long_and_have_any_bytes(void) {
    harness = ALLUVIUM_HARNESS(echo);
    alluvium_arena arena = {0};
    alluvium_buffer csv = alluvium_buffer_in(&arena);
    const size_t megabytes = 4 << 20;
    alluvium_add(&csv, HEADER);
    memset(alluvium_buffer_room(&csv, megabytes), 0, megabytes);
    csv.len += megabytes;
    alluvium_add(&csv, ",1,1,1,true,1\n");
    ALLUVIUM_OK(feed(0, alluvium_buffer_bytes(&csv)));
    size_t len = alluvium_harness_emitted(harness, 0)->at[0].len;
    CHECK(len > 6 * megabytes, "%zu", len);
    rng random = {5};
    for (int round = 0; round < 3000; round++) {
        static const char alphabet[] = "a1,\"\n\r\0\xff\xc3\xa9-.eTZNA:true";
        csv.len = 0;
        alluvium_add(&csv, HEADER);
        for (int64_t byte = below(&random, 60); byte > 0; byte--) {
            alluvium_add_byte(&csv, alphabet[below(&random, sizeof alphabet - 1)]);
        }
        const char *wrong = feed((uint32_t)below(&random, 2), alluvium_buffer_bytes(&csv));
        CHECK(!wrong || *wrong, "an error has a text");
    }
    alluvium_arena_free(&arena);
    alluvium_harness_free(harness);
}

// Emits each record of an input of records with its length, and refuses empty ones.
static bool measure(void *self, uint32_t input, const alluvium_batch *batch, alluvium_context *context) {
    (void)self, (void)input;
    const alluvium_bytes *records = alluvium_records(batch, context);
    if (!records) return false;
    for (uint32_t at = 0; at < batch->count; at++) {
        if (!records[at].len) {
            alluvium_fail(context, "an empty record");
            return false;
        }
        if (!alluvium_emit(context, 0, records[at])) return false;
    }
    return true;
}

ALLUVIUM_OPERATOR(measured, .process = measure,
                  .describe = {.inputs = {{.name = "records", .format = ALLUVIUM_RECORDS}},
                               .outputs = {{.name = "same"}}})

static void an_input_of_records_gets_them_as_they_are(void) {
    harness = ALLUVIUM_HARNESS(measured);
    const alluvium_bytes two[] = {ALLUVIUM_LITERAL("a\0\xff,"), ALLUVIUM_LITERAL("b")};
    const alluvium_bytes empty[] = {ALLUVIUM_LITERAL("lost"), {NULL, 0}};
    ALLUVIUM_OK(alluvium_harness_feed_records(harness, 0, two, 2));
    ALLUVIUM_OK(alluvium_harness_feed_records(harness, 0, NULL, 0));
    ALLUVIUM_REFUSED(alluvium_harness_feed_records(harness, 0, empty, 2), "an empty record");
    CHECK(alluvium_harness_emitted(harness, 0)->count == 2, "a refused batch emits nothing");
    CHECK_BYTES(alluvium_harness_emitted(harness, 0)->at[0], "a\0\xff,");
    ALLUVIUM_REFUSED(feed(0, ALLUVIUM_LITERAL("a\n1\n")), "the input has records, and came with columns");
    ALLUVIUM_REFUSED(alluvium_harness_feed_records(harness, 1, two, 2), "the operator has no such input");
    alluvium_harness_free(harness);
    harness = ALLUVIUM_HARNESS(echo);
    ALLUVIUM_REFUSED(alluvium_harness_feed_records(harness, 0, two, 2), "the input has columns, and came with records");
    alluvium_harness_free(harness);
}

int main(void) {
    TEST(fields_are_read_and_written_as_json);
    TEST(fields_are_refused_by_their_column_and_quoted_as_json);
    TEST(a_header_is_refused_by_what_is_missing);
    TEST(batches_that_contradict_themselves_are_refused);
    TEST(fields_may_be_long_and_have_any_bytes);
    TEST(an_input_of_records_gets_them_as_they_are);
}
