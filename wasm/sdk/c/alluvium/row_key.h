// Rows as keys: their members are the parts of a key.
#ifndef ALLUVIUM_ROW_KEY_H
#define ALLUVIUM_ROW_KEY_H

#include "key.h"
#include "row_json.h"

// Says whether members of a type can be parts of keys. One that may be none cannot.
static inline bool alluvium_is_key_type(int type) {
    int base = alluvium_base_type(type);
    bool is_optional = type & ALLUVIUM_OPTIONAL;
    return !is_optional && (base == ALLUVIUM_TEXT || base == ALLUVIUM_FIXED || base == ALLUVIUM_INTEGER ||
                            base == ALLUVIUM_UNSIGNED || base == ALLUVIUM_TIME);
}

// Writes a part of a key by its type.
static inline void alluvium_key_part(alluvium_key *key, int type, const void *member) {
    switch (alluvium_base_type(type)) {
    case ALLUVIUM_TEXT:
        alluvium_key_text(key, *(const alluvium_text *)member);
        return;
    case ALLUVIUM_FIXED:
        alluvium_key_code(key, *(const alluvium_text *)member);
        return;
    case ALLUVIUM_INTEGER:
        alluvium_key_integer(key, *(const int64_t *)member);
        return;
    case ALLUVIUM_UNSIGNED:
        alluvium_key_unsigned(key, *(const uint64_t *)member);
        return;
    case ALLUVIUM_TIME:
        alluvium_key_time(key, *(const alluvium_time *)member);
        return;
    default:
        alluvium_bug("a part of a key of an unknown type");
    }
}

// Reads a part of a key by its type.
static inline void alluvium_key_read_part(alluvium_key_reader *reader, int type, bool is_last, void *member) {
    switch (alluvium_base_type(type)) {
    case ALLUVIUM_TEXT:
        *(alluvium_text *)member = is_last ? alluvium_key_read_last_text(reader) : alluvium_key_read_text(reader);
        return;
    case ALLUVIUM_FIXED:
        *(alluvium_text *)member = alluvium_key_read_code(reader, alluvium_code_bytes(type));
        return;
    case ALLUVIUM_INTEGER:
        *(int64_t *)member = alluvium_key_read_integer(reader);
        return;
    case ALLUVIUM_UNSIGNED:
        *(uint64_t *)member = alluvium_key_read_unsigned(reader);
        return;
    case ALLUVIUM_TIME:
        *(alluvium_time *)member = alluvium_key_read_time(reader);
        return;
    default:
        alluvium_bug("a part of a key of an unknown type");
    }
}

// Writes a key as JSON: one part as it is, several as an array. Returns false if the bytes are no key of these types.
static inline bool alluvium_key_json(alluvium_json *json, const int *types, size_t count, alluvium_bytes bytes) {
    alluvium_key_reader reader = alluvium_key_reader_of(json->buffer.arena, bytes);
    if (count > 1) alluvium_json_array(json);
    for (size_t part = 0; part < count; part++) {
        union {
            alluvium_text text;
            uint64_t number;
        } member;
        const alluvium_column column = {NULL, types[part], 0};
        alluvium_key_read_part(&reader, types[part], part + 1 == count, &member);
        alluvium_json_value(json, &column, &member);
    }
    if (count > 1) alluvium_json_array_end(json);
    return alluvium_key_end(&reader);
}

// Writes a member of a row as a part of a key. It refuses a code of another length, because the parts behind it could
// not be told from it any more.
static inline bool alluvium_key_column(alluvium_key *key, const alluvium_column *column, const void *row,
                                       alluvium_context *context) {
    const void *member = (const char *)row + column->offset;
    if (!alluvium_is_key_type(column->type)) alluvium_bug("a key is of texts, whole numbers and times");
    if (alluvium_base_type(column->type) == ALLUVIUM_FIXED) {
        alluvium_text code = *(const alluvium_text *)member;
        const char *wrong = alluvium_code_wrong(context->arena, column->type, code);
        if (wrong) return alluvium_fail(context, "%s: %s%s", column->name, alluvium_quoted(context, code), wrong);
    }
    alluvium_key_part(key, column->type, member);
    return true;
}

// Writes the members of a row as parts of a key.
static inline bool alluvium_key_row(alluvium_key *key, const alluvium_row *row, const void *value,
                                    alluvium_context *context) {
    for (size_t at = 0; at < row->count; at++) {
        if (!alluvium_key_column(key, &row->columns[at], value, context)) return false;
    }
    return true;
}

// Reads the members of a row, which are the last parts of a key. The other members of the struct stay as they are.
static inline void alluvium_key_read_row(alluvium_key_reader *reader, const alluvium_row *row, void *value) {
    for (size_t at = 0; at < row->count; at++) {
        const alluvium_column *column = &row->columns[at];
        alluvium_key_read_part(reader, column->type, at + 1 == row->count, (char *)value + column->offset);
    }
}

// Returns the bytes of a key whose parts are the members of a row, for `route`, timers and maps. They are empty if the
// call has failed.
static inline alluvium_bytes alluvium_row_key(const alluvium_row *row, const void *value, alluvium_context *context) {
    alluvium_key key = alluvium_key_in(context->arena);
    return alluvium_key_row(&key, row, value, context) ? alluvium_key_bytes(&key) : (alluvium_bytes){"", 0};
}

// Reads a key whose parts are the members of a row. Returns whether the bytes are that.
static inline bool alluvium_read_row_key(alluvium_arena *arena, const alluvium_row *row, alluvium_bytes bytes,
                                         void *value) {
    alluvium_key_reader reader = alluvium_key_reader_of(arena, bytes);
    alluvium_key_read_row(&reader, row, value);
    return alluvium_key_end(&reader);
}

#endif
