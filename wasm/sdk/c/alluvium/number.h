// Numbers: read from texts by fixed grammars, and written as every other language of operators writes them.
#ifndef ALLUVIUM_NUMBER_H
#define ALLUVIUM_NUMBER_H

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "text.h"

// Reads [+-]?[0-9]+ within the range of the type. Returns whether it is that.
static inline bool alluvium_read_integer(alluvium_text text, int64_t *number) {
    size_t at = text.len && (text.at[0] == '-' || text.at[0] == '+');
    bool is_negative = at && text.at[0] == '-';
    if (at == text.len) return false;
    *number = 0;
    for (; at < text.len; at++) {
        int digit = text.at[at] - '0';
        if (digit < 0 || digit > 9) return false;
        // Negative numbers are built downwards, because their range is larger by one.
        if (__builtin_mul_overflow(*number, 10, number)) return false;
        if (__builtin_add_overflow(*number, is_negative ? -digit : digit, number)) return false;
    }
    return true;
}

// Reads [+]?[0-9]+ within the range of the type. Returns whether it is that.
static inline bool alluvium_read_unsigned(alluvium_text text, uint64_t *number) {
    size_t at = text.len && text.at[0] == '+';
    if (at == text.len) return false;
    *number = 0;
    for (; at < text.len; at++) {
        int digit = text.at[at] - '0';
        if (digit < 0 || digit > 9) return false;
        if (__builtin_mul_overflow(*number, 10, number)) return false;
        if (__builtin_add_overflow(*number, (uint64_t)digit, number)) return false;
    }
    return true;
}

// Returns how many digits the text has from a place on.
static inline size_t alluvium_digits(alluvium_text text, size_t from) {
    size_t at = from;
    while (at < text.len && text.at[at] >= '0' && text.at[at] <= '9') at++;
    return at - from;
}

// Reads [+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? if the number is finite. Returns whether it is that.
static inline bool alluvium_read_number(alluvium_arena *arena, alluvium_text text, double *number) {
    size_t at = text.len && (text.at[0] == '-' || text.at[0] == '+');
    size_t digits = alluvium_digits(text, at);
    at += digits;
    if (at < text.len && text.at[at] == '.') {
        size_t fraction = alluvium_digits(text, at + 1);
        at += 1 + fraction;
        digits += fraction;
    }
    if (digits == 0) return false;
    if (at < text.len && (text.at[at] == 'e' || text.at[at] == 'E')) {
        at += 1;
        at += at < text.len && (text.at[at] == '-' || text.at[at] == '+');
        size_t exponent = alluvium_digits(text, at);
        if (exponent == 0) return false;
        at += exponent;
    }
    if (at != text.len) return false;
    // strtod wants a zero at the end. What it would read beyond the grammar (inf, 0x1) has been refused.
    char small[64];
    char *copy = text.len < sizeof small ? small : alluvium_take(arena, alluvium_plus(text.len, 1), 1);
    memcpy(copy, text.at, text.len);
    copy[text.len] = 0;
    *number = strtod(copy, NULL);
    return isfinite(*number);
}

static inline void alluvium_add_unsigned(alluvium_buffer *buffer, uint64_t number) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
    } while ((number /= 10) > 0);
    alluvium_add_bytes(buffer, digits + at, sizeof digits - at);
}

static inline void alluvium_add_integer(alluvium_buffer *buffer, int64_t number) {
    if (number < 0) alluvium_add_byte(buffer, '-');
    alluvium_add_unsigned(buffer, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

// The digits of a number that is finite and greater than 0: d.ddd × 10^exponent.
typedef struct {
    char digits[18];
    int count;
    int exponent;
} alluvium_decimal;

// Returns so many digits, rounded.
static inline alluvium_decimal alluvium_decimal_of(double number, int count) {
    char text[40];
    alluvium_decimal decimal = {.count = count};
    snprintf(text, sizeof text, "%.*e", count - 1, number);
    decimal.digits[0] = text[0];
    memcpy(decimal.digits + 1, text + 2, (size_t)count - 1);
    decimal.exponent = atoi(strchr(text, 'e') + 1);
    return decimal;
}

static inline bool alluvium_decimal_is(const alluvium_decimal *decimal, double number) {
    char text[40];
    snprintf(text, sizeof text, "%.*se%d", decimal->count, decimal->digits, decimal->exponent - decimal->count + 1);
    return strtod(text, NULL) == number;
}

// Returns the decimal that comes after one, with as many digits.
static inline alluvium_decimal alluvium_decimal_after(alluvium_decimal decimal) {
    int at = decimal.count - 1;
    while (at >= 0 && decimal.digits[at] == '9') decimal.digits[at--] = '0';
    if (at >= 0) {
        decimal.digits[at] += 1;
    } else {
        decimal.digits[0] = '1';
        decimal.exponent += 1;
    }
    return decimal;
}

// Finds a number of at most fifteen digits, of which a few stand behind the point, as most numbers of the input have.
// It is exact: both parts of the division are, and no other decimal of so few digits is the same number.
static inline bool alluvium_few_digits(double number, alluvium_decimal *decimal) {
    double power = 1;
    for (int behind = 1; behind <= 6; behind++) {
        power *= 10;
        double whole = nearbyint(number * power);
        if (whole < 1 || whole >= 1e15 || whole / power != number) continue;
        char text[24];
        *decimal = (alluvium_decimal){.count = snprintf(text, sizeof text, "%lld", (long long)whole)};
        memcpy(decimal->digits, text, (size_t)decimal->count);
        decimal->exponent = decimal->count - 1 - behind;
        return true;
    }
    return false;
}

// Returns the fewest digits that are read as this number again, and of these the nearest to it.
static inline alluvium_decimal alluvium_shortest(double number) {
    // Fifteen digits are exact, apart from the numbers that have fewer bits than others: if fifteen are enough, then
    // the shortest are these without the zeros at their end.
    int exponent;
    bool is_power_of_two = frexp(number, &exponent) == 0.5;
    alluvium_decimal decimal = {.count = 0};
    bool is_found = alluvium_few_digits(number, &decimal);
    for (int count = number >= DBL_MIN ? 15 : 1; !is_found && count <= 17; count++) {
        decimal = alluvium_decimal_of(number, count);
        is_found = alluvium_decimal_is(&decimal, number);
        // Below a power of two, the next number is only half as far as above it. So the nearest decimal may be too far
        // below, while the one after it is near enough above.
        if (is_found || !is_power_of_two) continue;
        alluvium_decimal after = alluvium_decimal_after(decimal);
        is_found = alluvium_decimal_is(&after, number);
        if (is_found) decimal = after;
    }
    while (decimal.count > 1 && decimal.digits[decimal.count - 1] == '0') decimal.count -= 1;
    return decimal;
}

// Writes a number as serde_json does: with a point up to 10^16 and down to 10^-5, and with an exponent beyond. What is
// no number and infinities are null.
static inline void alluvium_add_number(alluvium_buffer *buffer, double number) {
    if (!isfinite(number)) {
        alluvium_add(buffer, "null");
        return;
    }
    if (signbit(number)) alluvium_add_byte(buffer, '-');
    // Up to 2^53, a whole number has its own digits.
    if (fabs(number) < 0x1p53 && trunc(number) == number) {
        alluvium_add_unsigned(buffer, (uint64_t)fabs(number));
        alluvium_add(buffer, ".0");
        return;
    }
    alluvium_decimal decimal = alluvium_shortest(fabs(number));
    int count = decimal.count, exponent = decimal.exponent;
    const char *digits = decimal.digits;
    if (exponent < -5 || exponent > 15) {
        char text[16];
        alluvium_add_byte(buffer, digits[0]);
        if (count > 1) alluvium_add_byte(buffer, '.');
        alluvium_add_bytes(buffer, digits + 1, (size_t)count - 1);
        snprintf(text, sizeof text, "e%+d", exponent);
        alluvium_add(buffer, text);
    } else if (exponent < 0) {
        alluvium_add_bytes(buffer, "0.0000", (size_t)(1 - exponent));
        alluvium_add_bytes(buffer, digits, (size_t)count);
    } else {
        int whole = count < exponent + 1 ? count : exponent + 1;
        alluvium_add_bytes(buffer, digits, (size_t)whole);
        alluvium_add_bytes(buffer, "000000000000000", (size_t)(exponent + 1 - whole));
        alluvium_add_byte(buffer, '.');
        if (count > whole) alluvium_add_bytes(buffer, digits + whole, (size_t)(count - whole));
        else alluvium_add_byte(buffer, '0');
    }
}

// Arithmetic that ends at the ends of the numbers. Times come from the input, and may be any.
static inline int64_t alluvium_saturating_add(int64_t a, int64_t b) {
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (b < 0 ? INT64_MIN : INT64_MAX) : sum;
}

static inline int64_t alluvium_saturating_sub(int64_t a, int64_t b) {
    int64_t difference;
    return __builtin_sub_overflow(a, b, &difference) ? (b < 0 ? INT64_MAX : INT64_MIN) : difference;
}

static inline int64_t alluvium_saturating_mul(int64_t a, int64_t b) {
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) ? ((a < 0) == (b < 0) ? INT64_MAX : INT64_MIN) : product;
}

#endif
