// Texts and bytes, and buffers that grow.
#ifndef ALLUVIUM_TEXT_H
#define ALLUVIUM_TEXT_H

#include "memory.h"

// Bytes that someone else owns. There is no zero at their end, and there may be some within.
typedef struct {
    const char *at;
    size_t len;
} alluvium_bytes;

// Bytes that are UTF-8.
typedef alluvium_bytes alluvium_text;

// The text of a literal.
#define ALLUVIUM_LITERAL(literal) ((alluvium_text){"" literal, sizeof(literal) - 1})

static inline alluvium_text alluvium_text_of(const char *zero_terminated) {
    return (alluvium_text){zero_terminated, strlen(zero_terminated)};
}

// Compares in the order of unsigned bytes. A beginning comes before what continues it.
static inline int alluvium_compare(alluvium_bytes a, alluvium_bytes b) {
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared ? memcmp(a.at, b.at, shared) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static inline bool alluvium_equal(alluvium_bytes a, alluvium_bytes b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool alluvium_text_is(alluvium_text text, const char *zero_terminated) {
    return alluvium_equal(text, alluvium_text_of(zero_terminated));
}

// Copies bytes into the arena. A zero follows them.
static inline alluvium_bytes alluvium_copy(alluvium_arena *arena, alluvium_bytes bytes) {
    char *copy = alluvium_take(arena, alluvium_plus(bytes.len, 1), 1);
    if (bytes.len) memcpy(copy, bytes.at, bytes.len);
    copy[bytes.len] = 0;
    return (alluvium_bytes){copy, bytes.len};
}

// Returns the length of the character that the bytes begin with, or 0 if they begin with none.
static inline size_t alluvium_utf8_char(const unsigned char *at, size_t len) {
    unsigned char first = len ? at[0] : 0xff;
    if (first < 0x80) return 1;
    size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if (first < 0xc2 || first > 0xf4 || len - 1 < more) return 0;
    // The second byte excludes encodings that are too long, surrogates, and values above the last code point.
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high) return 0;
    for (size_t next = 2; next <= more; next++) {
        if ((at[next] & 0xc0) != 0x80) return 0;
    }
    return more + 1;
}

static inline bool alluvium_is_utf8(alluvium_bytes bytes) {
    const unsigned char *at = (const unsigned char *)bytes.at;
    for (size_t done = 0, len; done < bytes.len; done += len) {
        len = alluvium_utf8_char(at + done, bytes.len - done);
        if (len == 0) return false;
    }
    return true;
}

// Bytes in an arena, to which more are added.
typedef struct {
    alluvium_arena *arena;
    char *at;
    size_t len;
    size_t capacity;
} alluvium_buffer;

static inline alluvium_buffer alluvium_buffer_in(alluvium_arena *arena) {
    return (alluvium_buffer){.arena = arena};
}

// Makes room for more bytes, and returns where they begin.
static inline char *alluvium_buffer_room(alluvium_buffer *buffer, size_t more) {
    size_t needed = alluvium_plus(buffer->len, more);
    if (needed > buffer->capacity) {
        size_t capacity = buffer->capacity ? alluvium_times(buffer->capacity, 2) : 64;
        if (capacity < needed) capacity = needed;
        char *grown = alluvium_take(buffer->arena, capacity, 1);
        if (buffer->len) memcpy(grown, buffer->at, buffer->len);
        buffer->at = grown;
        buffer->capacity = capacity;
    }
    return buffer->at + buffer->len;
}

static inline void alluvium_add_bytes(alluvium_buffer *buffer, const void *bytes, size_t len) {
    if (len == 0) return;
    memcpy(alluvium_buffer_room(buffer, len), bytes, len);
    buffer->len += len;
}

static inline void alluvium_add_text(alluvium_buffer *buffer, alluvium_bytes text) {
    alluvium_add_bytes(buffer, text.at, text.len);
}

static inline void alluvium_add(alluvium_buffer *buffer, const char *zero_terminated) {
    alluvium_add_bytes(buffer, zero_terminated, strlen(zero_terminated));
}

static inline void alluvium_add_byte(alluvium_buffer *buffer, char byte) {
    alluvium_buffer_room(buffer, 1)[0] = byte;
    buffer->len += 1;
}

// Adds a text, and the replacement character for each byte that belongs to no character.
static inline void alluvium_add_lossy(alluvium_buffer *buffer, alluvium_bytes bytes) {
    const unsigned char *at = (const unsigned char *)bytes.at;
    for (size_t done = 0; done < bytes.len;) {
        size_t len = alluvium_utf8_char(at + done, bytes.len - done);
        if (len) alluvium_add_bytes(buffer, at + done, len);
        else alluvium_add(buffer, "\xef\xbf\xbd");
        done += len ? len : 1;
    }
}

static inline alluvium_bytes alluvium_buffer_bytes(const alluvium_buffer *buffer) {
    return (alluvium_bytes){buffer->at, buffer->len};
}

// Reads and writes numbers of a fixed length, little-endian, on any machine.
static inline void alluvium_add_little(alluvium_buffer *buffer, uint64_t number, size_t bytes) {
    char *at = alluvium_buffer_room(buffer, bytes);
    for (size_t byte = 0; byte < bytes; byte++) at[byte] = (char)(number >> (8 * byte) & 0xff);
    buffer->len += bytes;
}

static inline uint64_t alluvium_little(const char *at, size_t bytes) {
    uint64_t number = 0;
    for (size_t byte = 0; byte < bytes; byte++) number |= (uint64_t)(unsigned char)at[byte] << (8 * byte);
    return number;
}

#endif
