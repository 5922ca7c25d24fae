// Numbers: the bytes that every language of operators reads and writes alike.
#include "check.h"

static alluvium_arena arena;

static alluvium_bytes number_of(double number) {
    alluvium_json json = alluvium_json_in(&arena);
    alluvium_json_number(&json, number);
    return alluvium_json_bytes(&json);
}

// What serde_json 1.0.154 writes, with zmij 1.0.23.
static void numbers_are_those_of_serde_json(void) {
    const struct {
        double number;
        const char *text;
    } cases[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {-1.5, "-1.5"},
        {39.02, "39.02"},
        {0.1 + 0.2, "0.30000000000000004"},
        {38.70235294117647, "38.70235294117647"},
        {1e15, "1000000000000000.0"},
        {999999999999999.9, "999999999999999.9"},
        {9007199254740991, "9007199254740991.0"},
        {9007199254740992, "9007199254740992.0"},
        {9007199254740994, "9007199254740994.0"},
        {9999999999999998, "9999999999999998.0"},
        {1e16, "1e+16"},
        {10000000000000002, "1.0000000000000002e+16"},
        {123456789012345680, "1.2345678901234568e+17"},
        {1e23, "1e+23"},
        {1.5e300, "1.5e+300"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {0.0001, "0.0001"},
        {0.00001, "0.00001"},
        {0.000012345, "0.000012345"},
        {0.000001, "1e-6"},
        {0.00000999, "9.99e-6"},
        {1e-7, "1e-7"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {4.9406564584124654e-324, "5e-324"},
        {1.4821969375237396e-323, "1.5e-323"},
        // Halfway between two decimals: the even one.
        {1125899906842624.25, "1125899906842624.2"},
        {1125899906842624.75, "1125899906842624.8"},
        // Powers of two, below which numbers are nearer to each other than above.
        {0x1p-44, "5.684341886080802e-14"},
        {0x1p-48, "3.552713678800501e-15"},
        {0x1p-1022, "2.2250738585072014e-308"},
        {0x1p122, "5.316911983139664e+36"},
        {(double)INFINITY, "null"},
        {-(double)INFINITY, "null"},
        {(double)NAN, "null"},
    };
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        alluvium_bytes is = number_of(cases[at].number);
        CHECK(alluvium_text_is(is, cases[at].text), "%.*s, not %s", (int)is.len, is.at, cases[at].text);
    }
}

static void check_shortest(double number) {
    alluvium_bytes is = number_of(number);
    double read;
    CHECK(alluvium_read_number(&arena, is, &read), "%.*s", (int)is.len, is.at);
    CHECK(memcmp(&read, &number, sizeof read) == 0, "%.*s is not %a", (int)is.len, is.at, number);
    // No text of fewer digits is the same number.
    alluvium_decimal decimal = alluvium_shortest(fabs(number));
    for (int count = 1; count < decimal.count; count++) {
        alluvium_decimal shorter = alluvium_decimal_of(fabs(number), count);
        bool is_same = alluvium_decimal_is(&shorter, fabs(number));
        shorter = alluvium_decimal_after(shorter);
        is_same = is_same || alluvium_decimal_is(&shorter, fabs(number));
        CHECK(!is_same, "%.*s has %d digits, and %d are enough", (int)is.len, is.at, decimal.count, count);
    }
    alluvium_arena_reset(&arena);
}

static void numbers_are_the_shortest_that_are_read_again(void) {
    rng random = {1};
    for (int round = 0; round < 20000; round++) {
        uint64_t bits = next(&random);
        double number;
        memcpy(&number, &bits, sizeof number);
        if (isfinite(number) && number != 0) check_shortest(number);
        check_shortest((double)(below(&random, 2000000) + 1) / 1000);
    }
    for (int exponent = -1074; exponent < 1024; exponent++) {
        double power = ldexp(1, exponent);
        check_shortest(power);
        check_shortest(nextafter(power, 0) > 0 ? nextafter(power, 0) : power);
        check_shortest(nextafter(power, 1) > 0 ? nextafter(power, 2 * power) : power);
    }
}

static void numbers_are_read_by_their_grammar(void) {
    const char *good[] = {
        "0", "+1", "-1", "1.", ".5", "+.5", "5.e3", "1E+3", "1e-3", "0e99999999999", "1e-99999999999"};
    const char *bad[] = {"",    ".",   "+",  "-.", "e1",   "1e",    "1e+",   "inf",           "-Infinity", "NaN",
                         "0x1", "1_0", " 1", "1 ", "1e9e", "1.2.3", "1e999", "1e99999999999", "١",         "1,5"};
    double number;
    for (size_t at = 0; at < sizeof good / sizeof *good; at++) {
        CHECK(alluvium_read_number(&arena, alluvium_text_of(good[at]), &number), "%s", good[at]);
    }
    for (size_t at = 0; at < sizeof bad / sizeof *bad; at++) {
        CHECK(!alluvium_read_number(&arena, alluvium_text_of(bad[at]), &number), "%s", bad[at]);
    }
    CHECK(!alluvium_read_number(&arena, ALLUVIUM_LITERAL("1\0"), &number), "a zero behind a number");
    CHECK(alluvium_read_number(&arena, ALLUVIUM_LITERAL("-0"), &number) && signbit(number), "-0");
    // Digits without end count, too.
    char *many = memset(alluvium_take(&arena, 1 << 20, 1), '9', 1 << 20);
    many[1] = '.';
    CHECK(alluvium_read_number(&arena, (alluvium_text){many, 1 << 20}, &number) && number == 10, "%g", number);
}

static void whole_numbers_are_read_within_their_range(void) {
    int64_t integer;
    uint64_t without_sign;
    CHECK(alluvium_read_integer(ALLUVIUM_LITERAL("-9223372036854775808"), &integer) && integer == INT64_MIN, "min");
    CHECK(alluvium_read_integer(ALLUVIUM_LITERAL("+9223372036854775807"), &integer) && integer == INT64_MAX, "max");
    CHECK(alluvium_read_integer(ALLUVIUM_LITERAL("000000000000000000000007"), &integer) && integer == 7, "zeros");
    const char *bad[] = {"", "-", "+", "9223372036854775808", "-9223372036854775809", "1.0", "1e3", " 1", "--1"};
    for (size_t at = 0; at < sizeof bad / sizeof *bad; at++) {
        CHECK(!alluvium_read_integer(alluvium_text_of(bad[at]), &integer), "%s", bad[at]);
    }
    CHECK(alluvium_read_unsigned(ALLUVIUM_LITERAL("18446744073709551615"), &without_sign), "max");
    CHECK(!alluvium_read_unsigned(ALLUVIUM_LITERAL("18446744073709551616"), &without_sign), "too large");
    CHECK(!alluvium_read_unsigned(ALLUVIUM_LITERAL("-1"), &without_sign), "a sign");
}

int main(void) {
    TEST(numbers_are_those_of_serde_json);
    TEST(numbers_are_the_shortest_that_are_read_again);
    TEST(numbers_are_read_by_their_grammar);
    TEST(whole_numbers_are_read_within_their_range);
    alluvium_arena_free(&arena);
}
