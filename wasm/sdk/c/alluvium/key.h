// Keys of the state: up to four texts, numbers and times, whose bytes have the order of the keys.
//
// The last part of a key takes the rest of the bytes, so a text alone is its UTF-8. A text before another part ends
// with the bytes 0 and 1, and a zero byte in it is written as 0 and 2. Numbers have eight bytes, big-endian, and signed
// ones have their sign bit flipped; times are such numbers of milliseconds. A code is its bytes wherever it stands.
#ifndef ALLUVIUM_KEY_H
#define ALLUVIUM_KEY_H

#include "batch.h"

// A key that is being written, part by part:
//
//     alluvium_key key = alluvium_key_in(context->arena);
//     alluvium_key_text(&key, flight->carrier);
//     alluvium_key_integer(&key, flight->number);
//     alluvium_bytes bytes = alluvium_key_bytes(&key);
typedef struct {
    alluvium_buffer buffer;
    // A text waits here, because how it is written depends on whether another part comes.
    bool has_text;
    alluvium_text text;
} alluvium_key;

static inline alluvium_key alluvium_key_in(alluvium_arena *arena) {
    return (alluvium_key){.buffer = alluvium_buffer_in(arena)};
}

// Writes a text that is not the last part.
static inline void alluvium_key_end_text(alluvium_key *key) {
    if (!key->has_text) return;
    key->has_text = false;
    for (size_t at = 0; at < key->text.len; at++) {
        alluvium_add_byte(&key->buffer, key->text.at[at]);
        if (key->text.at[at] == 0) alluvium_add_byte(&key->buffer, 2);
    }
    alluvium_add_bytes(&key->buffer, "\0\1", 2);
}

static inline void alluvium_key_text(alluvium_key *key, alluvium_text text) {
    alluvium_key_end_text(key);
    key->has_text = true;
    key->text = text;
}

static inline void alluvium_key_unsigned(alluvium_key *key, uint64_t number) {
    alluvium_key_end_text(key);
    char *at = alluvium_buffer_room(&key->buffer, 8);
    for (int byte = 0; byte < 8; byte++) at[byte] = (char)(number >> (56 - 8 * byte) & 0xff);
    key->buffer.len += 8;
}

static inline void alluvium_key_integer(alluvium_key *key, int64_t number) {
    alluvium_key_unsigned(key, (uint64_t)number ^ UINT64_C(1) << 63);
}

static inline void alluvium_key_time(alluvium_key *key, alluvium_time time) {
    alluvium_key_integer(key, time.ms);
}

// Writes a text whose length is always the same, so that nothing has to end it.
static inline void alluvium_key_code(alluvium_key *key, alluvium_text code) {
    alluvium_key_end_text(key);
    alluvium_add_text(&key->buffer, code);
}

// Ends a key, and returns its bytes.
static inline alluvium_bytes alluvium_key_bytes(alluvium_key *key) {
    // A key of one text needs no copy.
    if (key->has_text && key->buffer.len == 0) return key->text;
    if (key->has_text) alluvium_add_text(&key->buffer, key->text);
    key->has_text = false;
    return alluvium_buffer_bytes(&key->buffer);
}

// A key that is being read, part by part. After the first part that is none, `is_wrong` is set.
typedef struct {
    alluvium_arena *arena;
    alluvium_bytes rest;
    bool is_wrong;
} alluvium_key_reader;

static inline alluvium_key_reader alluvium_key_reader_of(alluvium_arena *arena, alluvium_bytes bytes) {
    return (alluvium_key_reader){.arena = arena, .rest = bytes};
}

static inline alluvium_text alluvium_key_checked(alluvium_key_reader *reader, alluvium_text text) {
    if (!alluvium_is_utf8(text)) reader->is_wrong = true;
    return reader->is_wrong ? (alluvium_text){"", 0} : text;
}

// Reads a text that is not the last part.
static inline alluvium_text alluvium_key_read_text(alluvium_key_reader *reader) {
    alluvium_buffer text = alluvium_buffer_in(reader->arena);
    for (size_t at = 0; at < reader->rest.len; at++) {
        char byte = reader->rest.at[at];
        if (byte == 0) {
            char what = ++at < reader->rest.len ? reader->rest.at[at] : 0;
            if (what == 1) {
                reader->rest = (alluvium_bytes){reader->rest.at + at + 1, reader->rest.len - at - 1};
                return alluvium_key_checked(reader, alluvium_buffer_bytes(&text));
            }
            if (what != 2) break;
        }
        alluvium_add_byte(&text, byte);
    }
    reader->is_wrong = true;
    return (alluvium_text){"", 0};
}

// Reads a text that is the last part.
static inline alluvium_text alluvium_key_read_last_text(alluvium_key_reader *reader) {
    alluvium_text text = reader->rest;
    reader->rest.len = 0;
    return alluvium_key_checked(reader, text);
}

static inline uint64_t alluvium_key_read_unsigned(alluvium_key_reader *reader) {
    alluvium_bytes bytes;
    uint64_t number = 0;
    if (!alluvium_split(&reader->rest, 8, &bytes)) {
        reader->is_wrong = true;
        return 0;
    }
    for (int byte = 0; byte < 8; byte++) number = number << 8 | (unsigned char)bytes.at[byte];
    return number;
}

static inline int64_t alluvium_key_read_integer(alluvium_key_reader *reader) {
    return (int64_t)(alluvium_key_read_unsigned(reader) ^ UINT64_C(1) << 63);
}

static inline alluvium_time alluvium_key_read_time(alluvium_key_reader *reader) {
    return (alluvium_time){alluvium_key_read_integer(reader)};
}

// Reads a text of so many bytes.
static inline alluvium_text alluvium_key_read_code(alluvium_key_reader *reader, size_t bytes) {
    alluvium_text code = {"", 0};
    if (!alluvium_split(&reader->rest, bytes, &code)) reader->is_wrong = true;
    return alluvium_key_checked(reader, code);
}

// Says whether all parts were there, and no more.
static inline bool alluvium_key_end(const alluvium_key_reader *reader) {
    return !reader->is_wrong && reader->rest.len == 0;
}

#endif
