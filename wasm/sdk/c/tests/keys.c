// Keys: their bytes and the order of these.
#include "check.h"

static alluvium_arena arena;

static alluvium_bytes key_of(alluvium_text text, int64_t number) {
    alluvium_key key = alluvium_key_in(&arena);
    alluvium_key_text(&key, text);
    alluvium_key_integer(&key, number);
    return alluvium_key_bytes(&key);
}

static void keys_have_the_bytes_of_other_languages(void) {
    alluvium_key one = alluvium_key_in(&arena);
    alluvium_key_text(&one, ALLUVIUM_LITERAL("J\0K"));
    CHECK_BYTES(alluvium_key_bytes(&one), "J\0K");
    alluvium_key two = alluvium_key_in(&arena);
    alluvium_key_text(&two, ALLUVIUM_LITERAL("JFK"));
    alluvium_key_unsigned(&two, 7);
    CHECK_BYTES(alluvium_key_bytes(&two), "JFK\0\1\0\0\0\0\0\0\0\7");
    CHECK_BYTES(key_of(ALLUVIUM_LITERAL("a\0b"), -1), "a\0\2b\0\1\x7f\xff\xff\xff\xff\xff\xff\xff");
    alluvium_key texts = alluvium_key_in(&arena);
    alluvium_key_text(&texts, ALLUVIUM_LITERAL(""));
    alluvium_key_text(&texts, ALLUVIUM_LITERAL("\0"));
    CHECK_BYTES(alluvium_key_bytes(&texts), "\0\1\0");
}

static void keys_are_read_as_they_were_written_and_have_their_order(void) {
    const alluvium_text texts[] = {ALLUVIUM_LITERAL(""),     ALLUVIUM_LITERAL("a"),  ALLUVIUM_LITERAL("a\0"),
                                   ALLUVIUM_LITERAL("a\0b"), ALLUVIUM_LITERAL("ab"), ALLUVIUM_LITERAL("b")};
    const int64_t numbers[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    alluvium_bytes before = {0};
    for (size_t text = 0; text < sizeof texts / sizeof *texts; text++) {
        for (size_t number = 0; number < sizeof numbers / sizeof *numbers; number++) {
            alluvium_bytes bytes = key_of(texts[text], numbers[number]);
            CHECK(alluvium_compare(before, bytes) < 0, "%zu %zu is not in order", text, number);
            before = bytes;
            alluvium_key_reader reader = alluvium_key_reader_of(&arena, bytes);
            CHECK(alluvium_equal(alluvium_key_read_text(&reader), texts[text]), "text %zu", text);
            CHECK(alluvium_key_read_integer(&reader) == numbers[number], "number %zu", number);
            CHECK(alluvium_key_end(&reader), "text %zu", text);
        }
    }
}

static bool is_key(alluvium_bytes bytes, int first, int second) {
    const int types[] = {first, second};
    alluvium_json json = alluvium_json_in(&arena);
    return alluvium_key_json(&json, types, second ? 2 : 1, bytes);
}

static void bytes_of_another_key_are_refused(void) {
    CHECK(is_key(ALLUVIUM_LITERAL("12345678"), ALLUVIUM_INTEGER, 0), "eight bytes");
    CHECK(!is_key(ALLUVIUM_LITERAL("123456789"), ALLUVIUM_UNSIGNED, 0), "nine bytes");
    CHECK(!is_key(ALLUVIUM_LITERAL("1234567"), ALLUVIUM_UNSIGNED, 0), "seven bytes");
    CHECK(!is_key(ALLUVIUM_LITERAL("no end"), ALLUVIUM_TEXT, ALLUVIUM_TEXT), "no end");
    CHECK(!is_key(ALLUVIUM_LITERAL("a\0"), ALLUVIUM_TEXT, ALLUVIUM_TEXT), "half an end");
    CHECK(!is_key(ALLUVIUM_LITERAL("a\0\3\0\1"), ALLUVIUM_TEXT, ALLUVIUM_TEXT), "an unknown end");
    CHECK(!is_key(ALLUVIUM_LITERAL("\xff"), ALLUVIUM_TEXT, 0), "no UTF-8");
    alluvium_json json = alluvium_json_in(&arena);
    const int types[] = {ALLUVIUM_TEXT, ALLUVIUM_INTEGER};
    CHECK(alluvium_key_json(&json, types, 2, key_of(ALLUVIUM_LITERAL("UA"), -7)), "a key");
    CHECK_BYTES(alluvium_json_bytes(&json), "[\"UA\",-7]");
}

int main(void) {
    TEST(keys_have_the_bytes_of_other_languages);
    TEST(keys_are_read_as_they_were_written_and_have_their_order);
    TEST(bytes_of_another_key_are_refused);
    alluvium_arena_free(&arena);
}
