// JSON: written as serde_json does, and read from any bytes.
#include "check.h"

static alluvium_arena arena;

static void json_is_compact_and_escapes_what_it_must(void) {
    alluvium_json json = alluvium_json_in(&arena);
    alluvium_json_object(&json);
    alluvium_json_member(&json, "text");
    alluvium_json_text(&json, ALLUVIUM_LITERAL("\"\\/\b\f\n\r\t\0\x1f\x7f é\xf0\x9f\x9b\xa9{"));
    alluvium_json_member(&json, "list");
    alluvium_json_array(&json);
    alluvium_json_integer(&json, INT64_MIN);
    alluvium_json_unsigned(&json, UINT64_MAX);
    alluvium_json_array(&json);
    alluvium_json_array_end(&json);
    alluvium_json_object(&json);
    alluvium_json_object_end(&json);
    alluvium_json_boolean(&json, true);
    alluvium_json_null(&json);
    alluvium_json_array_end(&json);
    alluvium_json_member(&json, "at");
    alluvium_json_time(&json, (alluvium_time){0});
    alluvium_json_object_end(&json);
    CHECK_BYTES(alluvium_json_bytes(&json),
                "{\"text\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f é\xf0\x9f\x9b\xa9{\","
                "\"list\":[-9223372036854775808,18446744073709551615,[],{},true,null],"
                "\"at\":\"1970-01-01T00:00:00Z\"}");
}

static bool is_json(alluvium_bytes bytes) {
    alluvium_json_reader reader = alluvium_json_reader_of(&arena, bytes);
    alluvium_json_skip(&reader);
    return alluvium_json_end(&reader);
}

static void json_is_read_or_refused(void) {
    const char *good[] = {"null", " [ 1 , -0.5e+3 , \"a\" , { \"b\" : [ ] , \"c\" : true } ] ",
                          "\"\\u00e9\\ud83d\\ude00\\/\"", "0", "{}"};
    const char *bad[] = {"",
                         "nul",
                         "[1,]",
                         "[1 2]",
                         "{\"a\"}",
                         "{\"a\":1,}",
                         "{a:1}",
                         "01",
                         "1.",
                         ".5",
                         "+1",
                         "1e",
                         "\"a",
                         "\"\\x\"",
                         "\"\\u12\"",
                         "\"\\ud800\"",
                         "\"\\udc00\"",
                         "\"\n\"",
                         "\"\\ud800\\u0041\"",
                         "1 2",
                         "[",
                         "\"\xff\"",
                         "NaN",
                         "]",
                         "[1}",
                         "{\"a\" 1}",
                         "tru"};
    for (size_t at = 0; at < sizeof good / sizeof *good; at++)
        CHECK(is_json(alluvium_text_of(good[at])), "%s", good[at]);
    for (size_t at = 0; at < sizeof bad / sizeof *bad; at++) CHECK(!is_json(alluvium_text_of(bad[at])), "%s", bad[at]);
    char *deep = memset(alluvium_take(&arena, 1 << 20, 1), '[', 1 << 20);
    CHECK(!is_json((alluvium_bytes){deep, 1 << 20}), "a million brackets");
    alluvium_json_reader reader = alluvium_json_reader_of(&arena, ALLUVIUM_LITERAL("\"a\\u0000\\ud83d\\ude00\\n\""));
    CHECK_BYTES(alluvium_json_read_text(&reader), "a\0\xf0\x9f\x98\x80\n");
    // Any bytes are read to their end, and no further.
    rng random = {3};
    for (int round = 0; round < 20000; round++) {
        static const char alphabet[] = "{}[]\":,\\u0d8e1-+.tfn \xc3\xa9\n";
        size_t len = (size_t)below(&random, 24);
        char *bytes = alluvium_take(&arena, len, 1);
        for (size_t at = 0; at < len; at++) bytes[at] = alphabet[below(&random, sizeof alphabet - 1)];
        is_json((alluvium_bytes){bytes, len});
        alluvium_arena_reset(&arena);
    }
}

static void utf8_is_what_the_standard_says(void) {
    CHECK(alluvium_is_utf8(ALLUVIUM_LITERAL("a\0é\xe2\x82\xac\xf0\x9f\x9b\xa9\xf4\x8f\xbf\xbf")), "text");
    const char *bad[] = {"\x80",
                         "\xc0\x80",
                         "\xc1\xbf",
                         "\xe0\x9f\xbf",
                         "\xed\xa0\x80",
                         "\xf0\x8f\xbf\xbf",
                         "\xf4\x90\x80\x80",
                         "\xf5\x80\x80\x80",
                         "\xff",
                         "\xe2\x82",
                         "\xc3",
                         "\xf0\x9f\x9b",
                         "\xe2\x28\xa1"};
    for (size_t at = 0; at < sizeof bad / sizeof *bad; at++) {
        CHECK(!alluvium_is_utf8(alluvium_text_of(bad[at])), "case %zu", at);
    }
    alluvium_buffer lossy = alluvium_buffer_in(&arena);
    alluvium_add_lossy(&lossy, ALLUVIUM_LITERAL("a\xff\xc3\xa9"));
    CHECK_BYTES(alluvium_buffer_bytes(&lossy), "a\xef\xbf\xbd\xc3\xa9");
}

int main(void) {
    TEST(json_is_compact_and_escapes_what_it_must);
    TEST(json_is_read_or_refused);
    TEST(utf8_is_what_the_standard_says);
    alluvium_arena_free(&arena);
}
