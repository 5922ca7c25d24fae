// Points in event time: read from RFC 3339 or from milliseconds, and written as RFC 3339.
#ifndef ALLUVIUM_TIME_H
#define ALLUVIUM_TIME_H

#include "number.h"

// A point in time, in milliseconds since 1970 UTC. It is a type of its own, so that rows can tell it from a number.
typedef struct {
    int64_t ms;
} alluvium_time;

// A point in time, or none.
typedef struct {
    bool is_some;
    alluvium_time value;
} alluvium_optional_time;

// Durations in milliseconds.
#define ALLUVIUM_SECONDS(count) (INT64_C(1000) * (count))
#define ALLUVIUM_MINUTES(count) (INT64_C(60000) * (count))
#define ALLUVIUM_HOURS(count) (INT64_C(3600000) * (count))
#define ALLUVIUM_DAYS(count) (INT64_C(86400000) * (count))

// The calendar ends here, so that every time in it has a year of at most four digits with any offset.
#define ALLUVIUM_TIME_MIN_MS INT64_C(-377705023201000)
#define ALLUVIUM_TIME_MAX_MS INT64_C(253402207200000)

// Returns the whole part of a division that is rounded down. The divisor is greater than 0.
static inline int64_t alluvium_floor_div(int64_t number, int64_t by) {
    return number / by - (number % by < 0);
}

// Returns the days from 1970 to a day of the Gregorian calendar. Years are counted from March, so that the day that
// some have more comes last.
static inline int64_t alluvium_days(int64_t year, int64_t month, int64_t day) {
    int64_t from_march = month > 2 ? year : year - 1;
    int64_t era = alluvium_floor_div(from_march, 400);
    int64_t year_of_era = from_march - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

// Reads a number of a fixed count of digits within a range, and moves on. Returns whether it is there.
static inline bool alluvium_take_digits(alluvium_text *text, size_t count, int64_t least, int64_t most,
                                        int64_t *number) {
    if (text->len < count || alluvium_digits((alluvium_text){text->at, count}, 0) < count) return false;
    *number = 0;
    for (size_t at = 0; at < count; at++) *number = *number * 10 + (text->at[at] - '0');
    *text = (alluvium_text){text->at + count, text->len - count};
    return *number >= least && *number <= most;
}

// Moves on if the text begins with one of some characters. Returns which it was, or 0.
static inline char alluvium_take_any(alluvium_text *text, const char *characters) {
    if (text->len == 0 || text->at[0] == 0 || !strchr(characters, text->at[0])) return 0;
    *text = (alluvium_text){text->at + 1, text->len - 1};
    return text->at[-1];
}

// Reads a year: four digits, or a minus and six, as times before the year 0 are written.
static inline bool alluvium_take_year(alluvium_text *text, int64_t *year) {
    bool is_before_0 = alluvium_take_any(text, "-");
    if (!alluvium_take_digits(text, is_before_0 ? 6 : 4, is_before_0, 9999, year)) return false;
    if (is_before_0) *year = -*year;
    return true;
}

// Reads YYYY-MM-DD(T|t| )HH:MM[:SS[.fraction]](Z|z|±HH:MM), where the fraction has at most nine digits. What is
// shorter than a millisecond is cut off, towards 1970. Returns whether it is that.
static inline bool alluvium_read_rfc3339(alluvium_text text, alluvium_time *time) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year, month, day, hour, minute, second = 0, fraction_ns = 0, offset_hours = 0, offset_minutes = 0;
    if (!alluvium_take_year(&text, &year) || !alluvium_take_any(&text, "-")) return false;
    if (!alluvium_take_digits(&text, 2, 1, 12, &month) || !alluvium_take_any(&text, "-")) return false;
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int length = lengths[month - 1] + (month == 2 && is_leap);
    if (!alluvium_take_digits(&text, 2, 1, length, &day) || !alluvium_take_any(&text, "Tt ")) return false;
    if (!alluvium_take_digits(&text, 2, 0, 23, &hour) || !alluvium_take_any(&text, ":")) return false;
    if (!alluvium_take_digits(&text, 2, 0, 59, &minute)) return false;
    if (alluvium_take_any(&text, ":")) {
        if (!alluvium_take_digits(&text, 2, 0, 60, &second)) return false;
        // A leap second is the one before it.
        if (second == 60) second = 59;
        if (alluvium_take_any(&text, ".")) {
            size_t digits = alluvium_digits(text, 0);
            if (digits == 0 || digits > 9) return false;
            alluvium_take_digits(&text, digits, 0, 999999999, &fraction_ns);
            for (; digits < 9; digits++) fraction_ns *= 10;
        }
    }
    char sign = alluvium_take_any(&text, "Zz+-");
    if (!sign) return false;
    if (sign == '+' || sign == '-') {
        if (!alluvium_take_digits(&text, 2, 0, 25, &offset_hours) || !alluvium_take_any(&text, ":")) return false;
        if (!alluvium_take_digits(&text, 2, 0, 59, &offset_minutes)) return false;
    }
    if (text.len != 0) return false;
    int64_t offset = (offset_hours * 60 + offset_minutes) * (sign == '-' ? -60 : 60);
    int64_t seconds = alluvium_days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    time->ms = seconds * 1000 + fraction_ns / 1000000;
    // Before 1970, towards it means up.
    if (seconds < 0 && fraction_ns % 1000000 != 0) time->ms += 1;
    return time->ms >= ALLUVIUM_TIME_MIN_MS && time->ms <= ALLUVIUM_TIME_MAX_MS + 999;
}

// Reads milliseconds since 1970, or RFC 3339. Returns whether it is that.
static inline bool alluvium_read_time(alluvium_text text, alluvium_time *time) {
    return alluvium_read_integer(text, &time->ms) || alluvium_read_rfc3339(text, time);
}

// Writes a number with zeros before it.
static inline void alluvium_add_padded(alluvium_buffer *buffer, int64_t number, int digits) {
    for (int64_t power = 10; digits > 1; digits--, power *= 10) {
        if (number < power) {
            for (int zero = 1; zero < digits; zero++) alluvium_add_byte(buffer, '0');
            break;
        }
    }
    alluvium_add_integer(buffer, number);
}

// Writes RFC 3339, or the milliseconds of a time outside of the calendar.
static inline void alluvium_add_time(alluvium_buffer *buffer, alluvium_time time) {
    if (time.ms < ALLUVIUM_TIME_MIN_MS || time.ms > ALLUVIUM_TIME_MAX_MS) {
        alluvium_add_integer(buffer, time.ms);
        return;
    }
    int64_t days = alluvium_floor_div(time.ms, ALLUVIUM_DAYS(1)), ms = time.ms - days * ALLUVIUM_DAYS(1);
    // The day's number in its era of 400 years from March on, and from it year, month and day.
    int64_t era = alluvium_floor_div(days + 719468, 146097), of_era = days + 719468 - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153, day = day_of_year - (153 * month + 2) / 5 + 1;
    month += month < 10 ? 3 : -9;
    int64_t year = year_of_era + era * 400 + (month <= 2);
    if (year < 0) alluvium_add_byte(buffer, '-');
    alluvium_add_padded(buffer, year < 0 ? -year : year, year < 0 ? 6 : 4);
    const struct {
        char before;
        int64_t number;
    } parts[] = {{'-', month}, {'-', day}, {'T', ms / 3600000}, {':', ms / 60000 % 60}, {':', ms / 1000 % 60}};
    for (size_t part = 0; part < sizeof parts / sizeof *parts; part++) {
        alluvium_add_byte(buffer, parts[part].before);
        alluvium_add_padded(buffer, parts[part].number, 2);
    }
    if (ms % 1000) {
        alluvium_add_byte(buffer, '.');
        alluvium_add_padded(buffer, ms % 1000, 3);
        while (buffer->at[buffer->len - 1] == '0') buffer->len -= 1;
    }
    alluvium_add_byte(buffer, 'Z');
}

#endif
