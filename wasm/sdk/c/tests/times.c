// Times: the bytes that every language of operators reads and writes alike.
#include "check.h"

static alluvium_arena arena;

static alluvium_bytes time_of(int64_t ms) {
    alluvium_buffer buffer = alluvium_buffer_in(&arena);
    alluvium_add_time(&buffer, (alluvium_time){ms});
    return alluvium_buffer_bytes(&buffer);
}

// What the SDK in Rust reads and writes, with jiff 1.0.1.
static void times_are_read_and_written(void) {
    const struct {
        const char *text;
        int64_t ms;
        const char *written;
    } good[] = {
        {"2013-01-01T05:00:00Z", 1357016400000, "2013-01-01T05:00:00Z"},
        {"2013-01-01t05:00z", 1357016400000, "2013-01-01T05:00:00Z"},
        {"2013-01-01 06:30:00+01:30", 1357016400000, "2013-01-01T05:00:00Z"},
        {"2013-01-01T03:30:00-01:30", 1357016400000, "2013-01-01T05:00:00Z"},
        {"2013-01-01T05:00:00-00:00", 1357016400000, "2013-01-01T05:00:00Z"},
        {"1357016400000", 1357016400000, "2013-01-01T05:00:00Z"},
        {"+5", 5, "1970-01-01T00:00:00.005Z"},
        {"2012-02-29T23:59:60Z", 1330559999000, "2012-02-29T23:59:59Z"},
        {"2000-02-29T00:00:00.5Z", 951782400500, "2000-02-29T00:00:00.5Z"},
        {"1970-01-01T00:00:00.0009Z", 0, "1970-01-01T00:00:00Z"},
        {"1969-12-31T23:59:59.9999Z", 0, "1970-01-01T00:00:00Z"},
        {"1969-12-31T23:59:59.0001Z", -999, "1969-12-31T23:59:59.001Z"},
        {"1970-01-01T00:00:00.123456789Z", 123, "1970-01-01T00:00:00.123Z"},
        {"0000-01-01T00:00:00Z", -62167219200000, "0000-01-01T00:00:00Z"},
        {"0000-01-01T00:00:00+25:59", -62167312740000, "-000001-12-30T22:01:00Z"},
        {"-000001-12-31T23:59:59.999Z", -62167219200001, "-000001-12-31T23:59:59.999Z"},
        {"-000004-02-29T00:00:00Z", -62288352000000, "-000004-02-29T00:00:00Z"},
        {"-009999-01-02T01:59:59Z", -377705023201000, "-009999-01-02T01:59:59Z"},
        {"9999-12-30T22:00:00Z", 253402207200000, "9999-12-30T22:00:00Z"},
        {"253402207200001", 253402207200001, "253402207200001"},
        {"-377705023201000", -377705023201000, "-009999-01-02T01:59:59Z"},
        {"-377705023201001", -377705023201001, "-377705023201001"},
        {"9223372036854775807", INT64_MAX, "9223372036854775807"},
        {"-9223372036854775808", INT64_MIN, "-9223372036854775808"},
    };
    const char *bad[] = {"",
                         "-",
                         "soon",
                         "2013-01-01",
                         "2013-01-01T05:00:00",
                         "2013-01-01T05Z",
                         "2013-1-01T05:00:00Z",
                         "2013-02-29T00:00:00Z",
                         "1900-02-29T00:00:00Z",
                         "2013-00-01T00:00:00Z",
                         "2013-13-01T00:00:00Z",
                         "2013-04-31T00:00:00Z",
                         "2013-01-00T00:00:00Z",
                         "2013-01-01T24:00:00Z",
                         "2013-01-01T05:60:00Z",
                         "2013-01-01T05:00:61Z",
                         "2013-01-01T05:00:00.Z",
                         "2013-01-01T05:00:00.1234567890Z",
                         "2013-01-01T05:00:00+26:00",
                         "2013-01-01T05:00:00+05:60",
                         "2013-01-01T05:00:00Z ",
                         "9999-12-30T22:00:01Z",
                         "20130101T050000Z",
                         "2013-01-01T05:00:00,5Z",
                         "2013-01-01T05:00.5Z",
                         "2013-01-01T05:00:00+0530",
                         "2013-01-01T05:00:00+05",
                         "2013-01-01T05:00:00+05:30:15",
                         "2013-01-01T05:00:00Z[UTC]",
                         "+002013-01-01T05:00:00Z",
                         "-002013-02-29T05:00:00Z",
                         "-000000-01-01T00:00:00Z",
                         "-010000-01-01T00:00:00Z",
                         "-009999-01-01T00:00:00Z",
                         "9223372036854775808"};
    alluvium_time time;
    for (size_t at = 0; at < sizeof good / sizeof *good; at++) {
        CHECK(alluvium_read_time(alluvium_text_of(good[at].text), &time), "%s", good[at].text);
        CHECK(time.ms == good[at].ms, "%s: %" PRId64, good[at].text, time.ms);
        alluvium_bytes is = time_of(time.ms);
        CHECK(alluvium_text_is(is, good[at].written), "%s: %.*s", good[at].text, (int)is.len, is.at);
    }
    for (size_t at = 0; at < sizeof bad / sizeof *bad; at++) {
        CHECK(!alluvium_read_time(alluvium_text_of(bad[at]), &time), "%s", bad[at]);
    }
    rng random = {2};
    for (int round = 0; round < 20000; round++) {
        int64_t ms = ALLUVIUM_TIME_MIN_MS + below(&random, ALLUVIUM_TIME_MAX_MS - ALLUVIUM_TIME_MIN_MS + 1);
        CHECK(alluvium_read_rfc3339(time_of(ms), &time) && time.ms == ms, "%" PRId64, ms);
        alluvium_arena_reset(&arena);
    }
}

int main(void) {
    TEST(times_are_read_and_written);
    alluvium_arena_free(&arena);
}
