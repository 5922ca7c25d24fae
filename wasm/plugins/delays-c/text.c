#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *allocate(size_t count, size_t size) {
    // It allocates at least one byte, so that a null pointer always means that there is no memory.
    void *memory = calloc(count ? count : 1, size);
    if (!memory) abort();
    return memory;
}

static void reserve(Text *text, size_t more) {
    if (text->capacity - text->len >= more) return;
    size_t capacity = text->capacity ? text->capacity : 64;
    while (capacity - text->len < more) {
        if (capacity > SIZE_MAX / 2) abort();
        capacity *= 2;
    }
    text->ptr = realloc(text->ptr, capacity);
    if (!text->ptr) abort();
    text->capacity = capacity;
}

void text_bytes(Text *text, const void *bytes, size_t len) {
    if (len == 0) return;
    reserve(text, len);
    memcpy(text->ptr + text->len, bytes, len);
    text->len += len;
}

void text_add(Text *text, const char *format, ...) {
    va_list measured, written;
    va_start(measured, format);
    va_copy(written, measured);
    int len = vsnprintf(NULL, 0, format, measured);
    va_end(measured);
    if (len < 0) abort();
    // The text needs one more byte for its final zero.
    reserve(text, (size_t)len + 1);
    vsnprintf((char *)text->ptr + text->len, (size_t)len + 1, format, written);
    va_end(written);
    text->len += (size_t)len;
}

void text_quoted(Text *text, Slice slice) {
    static const char shorts[][2] = {{'"', '"'}, {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}};
    text_add(text, "\"");
    for (size_t at = 0; at < slice.len; at++) {
        uint8_t byte = slice.ptr[at];
        size_t found = 0;
        while (found < sizeof shorts / sizeof *shorts && (uint8_t)shorts[found][0] != byte) found++;
        if (found < sizeof shorts / sizeof *shorts) {
            text_add(text, "\\%c", shorts[found][1]);
        } else if (byte < 0x20) {
            text_add(text, "\\u%04x", byte);
        } else {
            text_bytes(text, &byte, 1);
        }
    }
    text_add(text, "\"");
}

void text_escaped(Text *text, Slice slice) {
    for (size_t at = 0; at < slice.len; at++) {
        uint8_t byte = slice.ptr[at];
        text_add(text, byte >= 0x20 && byte < 0x7f ? "%c" : "\\x%02x", byte);
    }
}

void text_free(Text *text) {
    free(text->ptr);
    *text = (Text){0};
}

bool slice_is(Slice slice, const char *literal) {
    return slice.len == strlen(literal) && memcmp(slice.ptr, literal, slice.len) == 0;
}

int slice_compare(Slice a, Slice b) {
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared ? memcmp(a.ptr, b.ptr, shared) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool slice_is_utf8(Slice slice) {
    const uint8_t *at = slice.ptr, *end = slice.ptr + slice.len;
    while (at < end) {
        uint8_t first = *at++;
        if (first < 0x80) continue;
        int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
        if (first < 0xc2 || first > 0xf4 || end - at < more) return false;
        // The second byte excludes encodings that are too long, surrogates, and values above the last code point.
        uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        if (*at < low || *at > high) return false;
        for (at++; --more; at++) {
            if ((*at & 0xc0) != 0x80) return false;
        }
    }
    return true;
}

bool slice_to_i64(Slice slice, int64_t *number) {
    size_t at = slice.len && (slice.ptr[0] == '-' || slice.ptr[0] == '+');
    bool is_negative = at && slice.ptr[0] == '-';
    if (at == slice.len) return false;
    *number = 0;
    for (; at < slice.len; at++) {
        int digit = slice.ptr[at] - '0';
        if (digit < 0 || digit > 9) return false;
        // Negative numbers are built downwards, because their range is larger by one.
        if (__builtin_mul_overflow(*number, 10, number)) return false;
        if (__builtin_add_overflow(*number, is_negative ? -digit : digit, number)) return false;
    }
    return true;
}
