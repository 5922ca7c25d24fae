#include "route.h"

#include <inttypes.h>
#include <string.h>

Route route_of(const Flight *flight) {
    return (Route){1, flight->is_cancelled, flight->delay_minutes, flight->delay_minutes, flight->has_delay};
}

bool route_plus(Route *route, const Route *more, Slice key, Text *wrong) {
    if (__builtin_add_overflow(route->flights, more->flights, &route->flights) ||
        __builtin_add_overflow(route->cancelled, more->cancelled, &route->cancelled) ||
        __builtin_add_overflow(route->delay, more->delay, &route->delay)) {
        text_add(wrong, "state of ");
        text_quoted(wrong, key);
        text_add(wrong, ": the sums do not fit 64 bits any more");
        return false;
    }
    if (more->has_worst && (!route->has_worst || more->worst > route->worst)) {
        route->worst = more->worst;
        route->has_worst = true;
    }
    return true;
}

void route_write(const Route *route, Text *json) {
    text_add(json, "{\"flights\":%" PRIu64 ",\"cancelled\":%" PRIu64 ",\"arr_delay_min\":%" PRId64, route->flights,
             route->cancelled, route->delay);
    if (route->has_worst) {
        text_add(json, ",\"worst_arr_delay_min\":%" PRId64 "}", route->worst);
    } else {
        text_add(json, ",\"worst_arr_delay_min\":null}");
    }
}

// Removes `literal` from the front of `rest`.
static bool take(Slice *rest, const char *literal) {
    size_t len = strlen(literal);
    if (rest->len < len || memcmp(rest->ptr, literal, len) != 0) return false;
    *rest = (Slice){rest->ptr + len, rest->len - len};
    return true;
}

// Removes the characters of a number from the front of `rest`, and returns them.
static Slice take_number(Slice *rest) {
    Slice number = {rest->ptr, 0};
    while (number.len < rest->len && memchr("-0123456789", rest->ptr[number.len], 11)) number.len++;
    *rest = (Slice){rest->ptr + number.len, rest->len - number.len};
    return number;
}

static bool to_u64(Slice digits, uint64_t *number) {
    *number = 0;
    for (size_t at = 0; at < digits.len; at++) {
        if (digits.ptr[at] == '-' || __builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, digits.ptr[at] - '0', number)) {
            return false;
        }
    }
    return digits.len > 0;
}

bool route_read(Route *route, Slice key, Slice value, Text *wrong) {
    Slice rest = value;
    *route = (Route){0};
    if (take(&rest, "{\"flights\":") && to_u64(take_number(&rest), &route->flights) && take(&rest, ",\"cancelled\":") &&
        to_u64(take_number(&rest), &route->cancelled) && take(&rest, ",\"arr_delay_min\":") &&
        slice_to_i64(take_number(&rest), &route->delay) && take(&rest, ",\"worst_arr_delay_min\":")) {
        route->has_worst = !take(&rest, "null");
        bool is_worst = !route->has_worst || slice_to_i64(take_number(&rest), &route->worst);
        if (is_worst && take(&rest, "}") && rest.len == 0) return true;
    }
    text_add(wrong, "state of ");
    text_quoted(wrong, key);
    text_add(wrong, " is not from this plugin: ");
    text_bytes(wrong, value.ptr, value.len);
    return false;
}
