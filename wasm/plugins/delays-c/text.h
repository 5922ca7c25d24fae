// Growable text. This plugin writes all its error messages with it.
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A reference to bytes that it does not own.
typedef struct {
    const uint8_t *ptr;
    size_t len;
} Slice;

// Bytes that it owns. A `Text` of all zeroes is empty.
typedef struct {
    uint8_t *ptr;
    size_t len;
    size_t capacity;
} Text;

// Allocates memory. If there is none, it aborts the plugin, and the host starts another one from the last checkpoint.
void *allocate(size_t count, size_t size);

void text_bytes(Text *text, const void *bytes, size_t len);
// Appends text with the conversions of printf.
__attribute__((format(printf, 2, 3))) void text_add(Text *text, const char *format, ...);
// Appends a slice as a JSON string.
void text_quoted(Text *text, Slice slice);
// Appends a slice. Bytes that are not printable ASCII become \x and two digits.
void text_escaped(Text *text, Slice slice);
void text_free(Text *text);

bool slice_is(Slice slice, const char *literal);
int slice_compare(Slice a, Slice b);
bool slice_is_utf8(Slice slice);

// Reads a whole number of 64 bits, with or without a sign. Returns false if it is not one.
bool slice_to_i64(Slice slice, int64_t *number);

#endif
