// Writes compact JSON, byte for byte as serde_json does.
#ifndef ALLUVIUM_JSON_H
#define ALLUVIUM_JSON_H

#include "time.h"

// JSON that is being written. Commas are put where they belong:
//
//     alluvium_json json = alluvium_json_in(arena);
//     alluvium_json_object(&json);
//     alluvium_json_member(&json, "key");
//     alluvium_json_text(&json, key);
//     alluvium_json_object_end(&json);
typedef struct {
    alluvium_buffer buffer;
} alluvium_json;

static inline alluvium_json alluvium_json_in(alluvium_arena *arena) {
    return (alluvium_json){alluvium_buffer_in(arena)};
}

static inline alluvium_bytes alluvium_json_bytes(const alluvium_json *json) {
    return alluvium_buffer_bytes(&json->buffer);
}

// Writes a comma, unless this is the first element or the value of a member. A text cannot be mistaken for that,
// because it ends with its quotation mark.
static inline void alluvium_json_separate(alluvium_json *json) {
    char last = json->buffer.len ? json->buffer.at[json->buffer.len - 1] : '[';
    if (last != '[' && last != '{' && last != ':') alluvium_add_byte(&json->buffer, ',');
}

// Adds a text with its quotation marks.
static inline void alluvium_add_quoted(alluvium_buffer *buffer, alluvium_text text) {
    static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt", hex[] = "0123456789abcdef";
    alluvium_add_byte(buffer, '"');
    size_t plain = 0;
    for (size_t at = 0; at < text.len; at++) {
        unsigned char byte = (unsigned char)text.at[at];
        if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
        alluvium_add_bytes(buffer, text.at + plain, at - plain);
        plain = at + 1;
        const char *found = memchr(escaped, byte, sizeof escaped - 1);
        if (found) {
            const char escape[] = {'\\', letters[found - escaped]};
            alluvium_add_bytes(buffer, escape, sizeof escape);
        } else {
            const char escape[] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
            alluvium_add_bytes(buffer, escape, sizeof escape);
        }
    }
    alluvium_add_bytes(buffer, text.at + plain, text.len - plain);
    alluvium_add_byte(buffer, '"');
}

static inline void alluvium_json_object(alluvium_json *json) {
    alluvium_json_separate(json);
    alluvium_add_byte(&json->buffer, '{');
}

static inline void alluvium_json_object_end(alluvium_json *json) {
    alluvium_add_byte(&json->buffer, '}');
}

static inline void alluvium_json_array(alluvium_json *json) {
    alluvium_json_separate(json);
    alluvium_add_byte(&json->buffer, '[');
}

static inline void alluvium_json_array_end(alluvium_json *json) {
    alluvium_add_byte(&json->buffer, ']');
}

static inline void alluvium_json_text(alluvium_json *json, alluvium_text text) {
    alluvium_json_separate(json);
    alluvium_add_quoted(&json->buffer, text);
}

// Writes the name of a member of an object. Its value comes next.
static inline void alluvium_json_member(alluvium_json *json, const char *name) {
    alluvium_json_text(json, alluvium_text_of(name));
    alluvium_add_byte(&json->buffer, ':');
}

static inline void alluvium_json_integer(alluvium_json *json, int64_t number) {
    alluvium_json_separate(json);
    alluvium_add_integer(&json->buffer, number);
}

static inline void alluvium_json_unsigned(alluvium_json *json, uint64_t number) {
    alluvium_json_separate(json);
    alluvium_add_unsigned(&json->buffer, number);
}

static inline void alluvium_json_number(alluvium_json *json, double number) {
    alluvium_json_separate(json);
    alluvium_add_number(&json->buffer, number);
}

static inline void alluvium_json_boolean(alluvium_json *json, bool is_true) {
    alluvium_json_separate(json);
    alluvium_add(&json->buffer, is_true ? "true" : "false");
}

static inline void alluvium_json_null(alluvium_json *json) {
    alluvium_json_separate(json);
    alluvium_add(&json->buffer, "null");
}

static inline void alluvium_json_time(alluvium_json *json, alluvium_time time) {
    alluvium_json_separate(json);
    alluvium_add_byte(&json->buffer, '"');
    alluvium_add_time(&json->buffer, time);
    alluvium_add_byte(&json->buffer, '"');
}

#endif
