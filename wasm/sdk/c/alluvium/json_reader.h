// Reads JSON from front to back. It refuses what is no JSON, and never reads beyond the end.
#ifndef ALLUVIUM_JSON_READER_H
#define ALLUVIUM_JSON_READER_H

#include "json.h"

// JSON that is being read. After the first error, everything that is read is nothing, and `wrong` says what it was:
//
//     for (alluvium_json_enter(&reader, '{'); alluvium_json_next_member(&reader, &name);) {
//         if (alluvium_text_is(name, "seats")) seats = alluvium_json_read_integer(&reader);
//         else alluvium_json_skip(&reader);
//     }
//     alluvium_json_end(&reader);
typedef struct {
    alluvium_arena *arena;
    const char *at, *end;
    const char *wrong;
    // Where that is.
    const char *wrong_at;
    // Whether an object or an array has just begun, so that no comma comes before what follows.
    bool is_first;
} alluvium_json_reader;

static inline bool alluvium_json_refuse(alluvium_json_reader *reader, const char *what) {
    if (!reader->wrong) {
        reader->wrong = what;
        reader->wrong_at = reader->at;
    }
    reader->at = reader->end;
    return false;
}

// Refuses what was read, with a text that was written into a buffer.
static inline bool alluvium_json_refuse_with(alluvium_json_reader *reader, alluvium_buffer *what) {
    alluvium_add_byte(what, 0);
    return alluvium_json_refuse(reader, what->at);
}

static inline alluvium_json_reader alluvium_json_reader_of(alluvium_arena *arena, alluvium_bytes bytes) {
    // A copy has an address even if there are no bytes.
    if (!bytes.at) bytes.at = "";
    alluvium_json_reader reader = {.arena = arena, .at = bytes.at, .end = bytes.at + bytes.len};
    if (!alluvium_is_utf8(bytes)) alluvium_json_refuse(&reader, "no UTF-8");
    return reader;
}

// Returns the next character that is no space, or 0 at the end.
static inline char alluvium_json_peek(alluvium_json_reader *reader) {
    while (reader->at < reader->end && *reader->at && strchr(" \t\n\r", *reader->at)) reader->at++;
    return reader->at < reader->end ? *reader->at : 0;
}

static inline bool alluvium_json_take(alluvium_json_reader *reader, char wanted) {
    if (alluvium_json_peek(reader) != wanted || reader->wrong) return false;
    reader->at++;
    return true;
}

// Enters an object with '{', or an array with '['.
static inline bool alluvium_json_enter(alluvium_json_reader *reader, char bracket) {
    if (!alluvium_json_take(reader, bracket)) {
        return alluvium_json_refuse(reader, bracket == '{' ? "expected an object" : "expected an array");
    }
    return reader->is_first = true;
}

// Moves to the next element of the array, or leaves it. Returns whether there is one.
static inline bool alluvium_json_next(alluvium_json_reader *reader, char bracket) {
    bool is_first = reader->is_first;
    reader->is_first = false;
    if (reader->wrong || alluvium_json_take(reader, bracket)) return false;
    return is_first || alluvium_json_take(reader, ',') || alluvium_json_refuse(reader, "expected a comma");
}

static inline bool alluvium_json_next_element(alluvium_json_reader *reader) {
    return alluvium_json_next(reader, ']');
}

// Reads four hexadecimal digits.
static inline uint32_t alluvium_json_unit(alluvium_json_reader *reader) {
    uint32_t unit = 0;
    for (int digit = 0; digit < 4; digit++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *found = reader->at < reader->end && *reader->at ? strchr(digits, *reader->at) : NULL;
        if (!found) return (uint32_t)alluvium_json_refuse(reader, "an escape without its digits");
        unit = unit << 4 | ((uint32_t)(found - digits) & 15);
        reader->at++;
    }
    return unit;
}

// Reads what follows \u, which may be two halves.
static inline void alluvium_json_unicode(alluvium_json_reader *reader, alluvium_buffer *text) {
    uint32_t point = alluvium_json_unit(reader);
    if (point >= 0xd800 && point < 0xe000) {
        bool has_second = point < 0xdc00 && reader->end - reader->at >= 2 && memcmp(reader->at, "\\u", 2) == 0;
        if (has_second) reader->at += 2;
        uint32_t second = has_second ? alluvium_json_unit(reader) : 0;
        if (second < 0xdc00 || second >= 0xe000) {
            alluvium_json_refuse(reader, "half of a character");
            return;
        }
        point = 0x10000 + ((point - 0xd800) << 10) + (second - 0xdc00);
    }
    int more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};
    alluvium_add_byte(text, (char)(leads[more] | point >> (6 * more)));
    while (more-- > 0) alluvium_add_byte(text, (char)(0x80 | (point >> (6 * more) & 0x3f)));
}

// Reads the character that follows a backslash.
static inline void alluvium_json_escape(alluvium_json_reader *reader, alluvium_buffer *text) {
    static const char letters[] = "\"\\/bfnrt", escaped[] = "\"\\/\b\f\n\r\t";
    char letter = reader->at < reader->end ? *reader->at++ : 0;
    const char *found = memchr(letters, letter, sizeof letters - 1);
    if (found) alluvium_add_byte(text, escaped[found - letters]);
    else if (letter == 'u') alluvium_json_unicode(reader, text);
    else alluvium_json_refuse(reader, "an unknown escape");
}

static inline alluvium_text alluvium_json_read_text(alluvium_json_reader *reader) {
    alluvium_buffer text = alluvium_buffer_in(reader->arena);
    if (!alluvium_json_take(reader, '"')) alluvium_json_refuse(reader, "expected a text");
    const char *begin = reader->at;
    while (reader->at < reader->end && *reader->at != '"') {
        unsigned char byte = (unsigned char)*reader->at++;
        if (byte < 0x20) alluvium_json_refuse(reader, "a control character in a text");
        if (byte != '\\') continue;
        alluvium_add_bytes(&text, begin, (size_t)(reader->at - 1 - begin));
        alluvium_json_escape(reader, &text);
        begin = reader->at;
    }
    if (reader->at == reader->end) {
        alluvium_json_refuse(reader, "a text without an end");
        return (alluvium_text){"", 0};
    }
    alluvium_text last = {begin, (size_t)(reader->at++ - begin)};
    // Most texts have no escape, and need no copy.
    if (text.len == 0) return last;
    alluvium_add_text(&text, last);
    return alluvium_buffer_bytes(&text);
}

// Moves to the next member of the object, or leaves it. Returns whether there is one, whose value comes next.
static inline bool alluvium_json_next_member(alluvium_json_reader *reader, alluvium_text *name) {
    if (!alluvium_json_next(reader, '}')) return false;
    *name = alluvium_json_read_text(reader);
    return alluvium_json_take(reader, ':') || alluvium_json_refuse(reader, "expected a colon");
}

// Takes a number, in the grammar of JSON. `is_whole` says whether it has neither a fraction nor an exponent.
static inline alluvium_text alluvium_json_digits(alluvium_json_reader *reader, bool *is_whole) {
    alluvium_json_peek(reader);
    alluvium_text rest = {reader->at, (size_t)(reader->end - reader->at)};
    size_t at = rest.len && rest.at[0] == '-';
    size_t whole = alluvium_digits(rest, at);
    bool is_number = whole == 1 || (whole > 1 && rest.at[at] != '0');
    at += whole;
    *is_whole = true;
    if (at < rest.len && rest.at[at] == '.') {
        size_t fraction = alluvium_digits(rest, at + 1);
        is_number = is_number && fraction > 0;
        *is_whole = false;
        at += 1 + fraction;
    }
    if (at < rest.len && (rest.at[at] == 'e' || rest.at[at] == 'E')) {
        at += 1;
        at += at < rest.len && (rest.at[at] == '+' || rest.at[at] == '-');
        size_t exponent = alluvium_digits(rest, at);
        is_number = is_number && exponent > 0;
        *is_whole = false;
        at += exponent;
    }
    if (!is_number) {
        alluvium_json_refuse(reader, "expected a number");
        return (alluvium_text){"", 0};
    }
    reader->at += at;
    return (alluvium_text){rest.at, at};
}

static inline int64_t alluvium_json_read_integer(alluvium_json_reader *reader) {
    bool is_whole;
    int64_t number = 0;
    alluvium_text digits = alluvium_json_digits(reader, &is_whole);
    if (!is_whole || !alluvium_read_integer(digits, &number)) alluvium_json_refuse(reader, "expected a whole number");
    return reader->wrong ? 0 : number;
}

static inline uint64_t alluvium_json_read_unsigned(alluvium_json_reader *reader) {
    bool is_whole;
    uint64_t number = 0;
    alluvium_text digits = alluvium_json_digits(reader, &is_whole);
    if (!is_whole || !alluvium_read_unsigned(digits, &number)) {
        alluvium_json_refuse(reader, "expected a whole number without a sign");
    }
    return reader->wrong ? 0 : number;
}

static inline double alluvium_json_read_number(alluvium_json_reader *reader) {
    bool is_whole;
    double number = 0;
    alluvium_text digits = alluvium_json_digits(reader, &is_whole);
    if (!alluvium_read_number(reader->arena, digits, &number)) alluvium_json_refuse(reader, "expected a number");
    return reader->wrong ? 0 : number;
}

// Takes a word, as null. Returns whether it is there.
static inline bool alluvium_json_take_word(alluvium_json_reader *reader, const char *word) {
    alluvium_json_peek(reader);
    size_t len = strlen(word);
    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, word, len) != 0) return false;
    reader->at += len;
    return true;
}

static inline bool alluvium_json_read_null(alluvium_json_reader *reader) {
    return alluvium_json_take_word(reader, "null");
}

static inline bool alluvium_json_read_boolean(alluvium_json_reader *reader) {
    if (alluvium_json_take_word(reader, "true")) return true;
    return !alluvium_json_take_word(reader, "false") && alluvium_json_refuse(reader, "expected true or false");
}

// Reads over a value in which there may be so many brackets within each other.
static inline void alluvium_json_skip_within(alluvium_json_reader *reader, int depth) {
    char next = alluvium_json_peek(reader);
    bool is_whole;
    if (depth == 0) {
        alluvium_json_refuse(reader, "brackets that are too deep");
    } else if (next == '{') {
        alluvium_text name;
        alluvium_json_enter(reader, next);
        while (alluvium_json_next_member(reader, &name)) alluvium_json_skip_within(reader, depth - 1);
    } else if (next == '[') {
        alluvium_json_enter(reader, next);
        while (alluvium_json_next_element(reader)) alluvium_json_skip_within(reader, depth - 1);
    } else if (next == '"') {
        alluvium_json_read_text(reader);
    } else if (next == 't' || next == 'f') {
        alluvium_json_read_boolean(reader);
    } else if (next != 'n' || !alluvium_json_read_null(reader)) {
        alluvium_json_digits(reader, &is_whole);
    }
}

// Reads over a value that is not needed. One that only opens brackets must not use up the stack.
static inline void alluvium_json_skip(alluvium_json_reader *reader) {
    alluvium_json_skip_within(reader, 128);
}

// Says whether everything was read, and nothing was wrong.
static inline bool alluvium_json_end(alluvium_json_reader *reader) {
    if (!reader->wrong && (alluvium_json_peek(reader), reader->at < reader->end)) {
        alluvium_json_refuse(reader, "more than one value");
    }
    return !reader->wrong;
}

#endif
