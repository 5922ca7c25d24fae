// Text that grows, and the one way in which this plugin says what is wrong.
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Bytes that are somewhere else.
typedef struct {
    const uint8_t *ptr;
    size_t len;
} Slice;

// Bytes of its own. All zeroes is an empty one.
typedef struct {
    uint8_t *ptr;
    size_t len;
    size_t capacity;
} Text;

// Memory, or the end of the plugin: the host then starts another one from the last checkpoint.
void *allocate(size_t count, size_t size);

void text_bytes(Text *text, const void *bytes, size_t len);
// With the conversions of printf.
__attribute__((format(printf, 2, 3))) void text_add(Text *text, const char *format, ...);
// As a JSON string.
void text_quoted(Text *text, Slice slice);
// As itself where it is printable ASCII, otherwise \x and two digits.
void text_escaped(Text *text, Slice slice);
void text_free(Text *text);

bool slice_is(Slice slice, const char *literal);
int slice_compare(Slice a, Slice b);
bool slice_is_utf8(Slice slice);

// A whole number of 64 bits, with a sign or without.
bool slice_to_i64(Slice slice, int64_t *number);

#endif
