// The members of rows: their types, and the columns that they are read from.
#ifndef ALLUVIUM_COLUMN_H
#define ALLUVIUM_COLUMN_H

#include "host.h"

// Values, or none. alluvium_optional_time and alluvium_optional_bytes are others.
typedef alluvium_optional_bytes alluvium_optional_text;

typedef struct {
    bool is_some;
    int64_t value;
} alluvium_optional_integer;

typedef struct {
    bool is_some;
    uint64_t value;
} alluvium_optional_unsigned;

typedef struct {
    bool is_some;
    double value;
} alluvium_optional_number;

typedef struct {
    bool is_some;
    bool value;
} alluvium_optional_boolean;

// The type of a member, and of the column that it is read from.
typedef enum {
    ALLUVIUM_TEXT = 1,
    // Of 64 bits, with a sign and without.
    ALLUVIUM_INTEGER,
    ALLUVIUM_UNSIGNED,
    // A double.
    ALLUVIUM_NUMBER,
    ALLUVIUM_BOOLEAN,
    ALLUVIUM_TIME,
    // A text of a fixed length: ALLUVIUM_CODE(3) is one of three bytes.
    ALLUVIUM_FIXED,
    // Added to one of these: an empty field and NA are none.
    ALLUVIUM_OPTIONAL = 16,
    // Added to ALLUVIUM_FIXED for each byte.
    ALLUVIUM_FIXED_BYTE = 32,
} alluvium_type;

// The type of a text of exactly so many bytes, such as the code of an airport. Its member is an alluvium_text.
#define ALLUVIUM_CODE(bytes) (ALLUVIUM_FIXED + ALLUVIUM_FIXED_BYTE * (bytes))

// Returns a type without its length, and without what makes it optional.
static inline int alluvium_base_type(int type) {
    return type % ALLUVIUM_OPTIONAL;
}

// Returns how many bytes a code has.
static inline size_t alluvium_code_bytes(int type) {
    return (size_t)type / ALLUVIUM_FIXED_BYTE;
}

// A member of a row.
typedef struct {
    const char *name;
    int type;
    size_t offset;
} alluvium_column;

#define ALLUVIUM_TYPE_OF(value)                                                                                        \
    _Generic((value),                                                                                                  \
        alluvium_text: ALLUVIUM_TEXT,                                                                                  \
        int64_t: ALLUVIUM_INTEGER,                                                                                     \
        uint64_t: ALLUVIUM_UNSIGNED,                                                                                   \
        double: ALLUVIUM_NUMBER,                                                                                       \
        bool: ALLUVIUM_BOOLEAN,                                                                                        \
        alluvium_time: ALLUVIUM_TIME,                                                                                  \
        alluvium_optional_text: ALLUVIUM_TEXT + ALLUVIUM_OPTIONAL,                                                     \
        alluvium_optional_integer: ALLUVIUM_INTEGER + ALLUVIUM_OPTIONAL,                                               \
        alluvium_optional_unsigned: ALLUVIUM_UNSIGNED + ALLUVIUM_OPTIONAL,                                             \
        alluvium_optional_number: ALLUVIUM_NUMBER + ALLUVIUM_OPTIONAL,                                                 \
        alluvium_optional_boolean: ALLUVIUM_BOOLEAN + ALLUVIUM_OPTIONAL,                                               \
        alluvium_optional_time: ALLUVIUM_TIME + ALLUVIUM_OPTIONAL)

// A member of a struct that is read from the column of its name, or of another one.
#define ALLUVIUM_COLUMN(row, member) ALLUVIUM_COLUMN_AS(row, member, #member)
#define ALLUVIUM_COLUMN_AS(row, member, column) {column, ALLUVIUM_TYPE_OF(((row *)0)->member), offsetof(row, member)}

// A member that is a text of exactly so many bytes.
#define ALLUVIUM_CODE_COLUMN(row, member, bytes) ALLUVIUM_CODE_COLUMN_AS(row, member, bytes, #member)
#define ALLUVIUM_CODE_COLUMN_AS(row, member, bytes, column)                                                            \
    {column,                                                                                                           \
     _Generic(((row *)0)->member,                                                                                      \
         alluvium_text: ALLUVIUM_CODE(bytes),                                                                          \
         alluvium_optional_text: ALLUVIUM_CODE(bytes) + ALLUVIUM_OPTIONAL),                                            \
     offsetof(row, member)}

// Returns where the value of a member is, and that of its flag if it is optional. All optional types begin with it.
static inline void *alluvium_value_of(const alluvium_column *column, const void *row, bool **is_some) {
    char *member = (char *)row + column->offset;
    *is_some = column->type & ALLUVIUM_OPTIONAL ? (bool *)member : NULL;
    if (!*is_some) return member;
    switch (alluvium_base_type(column->type)) {
    case ALLUVIUM_TEXT:
    case ALLUVIUM_FIXED:
        return member + offsetof(alluvium_optional_text, value);
    case ALLUVIUM_BOOLEAN:
        return member + offsetof(alluvium_optional_boolean, value);
    case ALLUVIUM_TIME:
        return member + offsetof(alluvium_optional_time, value);
    default:
        return member + offsetof(alluvium_optional_integer, value);
    }
}

// Says what is wrong with the length of a code, behind the code itself, or returns null.
static inline const char *alluvium_code_wrong(alluvium_arena *arena, int type, alluvium_text code) {
    size_t bytes = alluvium_code_bytes(type);
    if (code.len == bytes) return NULL;
    alluvium_buffer wrong = alluvium_buffer_in(arena);
    alluvium_add(&wrong, " has ");
    alluvium_add_unsigned(&wrong, code.len);
    alluvium_add(&wrong, " bytes, and not ");
    alluvium_add_unsigned(&wrong, bytes);
    alluvium_add_byte(&wrong, 0);
    return wrong.at;
}

#endif
