// Rows as JSON: written and read by their members.
#ifndef ALLUVIUM_ROW_JSON_H
#define ALLUVIUM_ROW_JSON_H

#include "json_values.h"
#include "row.h"

static inline bool alluvium_is_object(const alluvium_row *row) {
    return row->shape == ALLUVIUM_OBJECT || row->shape == ALLUVIUM_EXACT_OBJECT;
}

static inline void alluvium_json_value(alluvium_json *json, const alluvium_column *column, const void *row) {
    bool *is_some;
    const void *value = alluvium_value_of(column, row, &is_some);
    if (is_some && !*is_some) {
        alluvium_json_null(json);
        return;
    }
    switch (alluvium_base_type(column->type)) {
    case ALLUVIUM_TEXT:
    case ALLUVIUM_FIXED:
        alluvium_json_text(json, *(const alluvium_text *)value);
        return;
    case ALLUVIUM_INTEGER:
        alluvium_json_integer(json, *(const int64_t *)value);
        return;
    case ALLUVIUM_UNSIGNED:
        alluvium_json_unsigned(json, *(const uint64_t *)value);
        return;
    case ALLUVIUM_NUMBER:
        alluvium_json_number(json, *(const double *)value);
        return;
    case ALLUVIUM_BOOLEAN:
        alluvium_json_boolean(json, *(const bool *)value);
        return;
    case ALLUVIUM_TIME:
        alluvium_json_time(json, *(const alluvium_time *)value);
        return;
    default:
        alluvium_bug("a member of an unknown type");
    }
}

// Writes the members of a row, without what stands around them. An object can have those of several rows.
static inline void alluvium_json_members(alluvium_json *json, const alluvium_row *row, const void *value) {
    for (size_t at = 0; at < row->count; at++) {
        if (alluvium_is_object(row)) alluvium_json_member(json, row->columns[at].name);
        alluvium_json_value(json, &row->columns[at], value);
    }
}

// Writes a row.
static inline void alluvium_json_row(alluvium_json *json, const alluvium_row *row, const void *value) {
    if (alluvium_is_object(row)) alluvium_json_object(json);
    if (row->shape == ALLUVIUM_TUPLE) alluvium_json_array(json);
    alluvium_json_members(json, row, value);
    if (alluvium_is_object(row)) alluvium_json_object_end(json);
    if (row->shape == ALLUVIUM_TUPLE) alluvium_json_array_end(json);
}

static inline alluvium_bytes alluvium_row_bytes(alluvium_arena *arena, const alluvium_row *row, const void *value) {
    alluvium_json json = alluvium_json_in(arena);
    alluvium_json_row(&json, row, value);
    return alluvium_json_bytes(&json);
}

// Emits a row as a line of JSON.
static inline bool alluvium_emit_row(alluvium_context *context, uint32_t output, const alluvium_row *row,
                                     const void *value) {
    return alluvium_emit(context, output, alluvium_row_bytes(context->arena, row, value));
}

static inline void alluvium_read_json_value(alluvium_json_reader *reader, const alluvium_column *column, void *row) {
    bool *is_some;
    void *value = alluvium_value_of(column, row, &is_some);
    if (is_some && (*is_some = !alluvium_json_read_null(reader)) == false) return;
    switch (alluvium_base_type(column->type)) {
    case ALLUVIUM_TEXT:
        *(alluvium_text *)value = alluvium_json_read_text(reader);
        return;
    case ALLUVIUM_FIXED:
        *(alluvium_text *)value = alluvium_json_read_code(reader, column->type);
        return;
    case ALLUVIUM_INTEGER:
        *(int64_t *)value = alluvium_json_read_integer(reader);
        return;
    case ALLUVIUM_UNSIGNED:
        *(uint64_t *)value = alluvium_json_read_unsigned(reader);
        return;
    case ALLUVIUM_NUMBER:
        *(double *)value = alluvium_json_read_number(reader);
        return;
    case ALLUVIUM_BOOLEAN:
        *(bool *)value = alluvium_json_read_boolean(reader);
        return;
    case ALLUVIUM_TIME:
        *(alluvium_time *)value = alluvium_json_read_time(reader);
        return;
    default:
        alluvium_bug("a member of an unknown type");
    }
}

// Says of a member by its name what is wrong with it, in the words of serde_json. `why` may be empty.
static inline void alluvium_refuse_named(alluvium_json_reader *reader, const char *what, alluvium_text name,
                                         alluvium_bytes why) {
    alluvium_buffer wrong = alluvium_buffer_in(reader->arena);
    alluvium_add(&wrong, what);
    alluvium_add(&wrong, " field `");
    alluvium_add_text(&wrong, name);
    alluvium_add_byte(&wrong, '`');
    alluvium_add_text(&wrong, why);
    alluvium_json_refuse_with(reader, &wrong);
}

// Refuses a member of a name that the row does not have.
static inline void alluvium_refuse_unknown(alluvium_json_reader *reader, const alluvium_row *row, alluvium_text name) {
    alluvium_buffer expected = alluvium_buffer_in(reader->arena);
    alluvium_add(&expected, row->count > 2 ? ", expected one of " : ", expected ");
    for (size_t at = 0; at < row->count; at++) {
        if (at) alluvium_add(&expected, row->count > 2 ? ", " : " or ");
        alluvium_add_byte(&expected, '`');
        alluvium_add(&expected, row->columns[at].name);
        alluvium_add_byte(&expected, '`');
    }
    // The colon behind the name was read.
    reader->at -= 1;
    alluvium_refuse_named(reader, "unknown", name, alluvium_buffer_bytes(&expected));
}

static inline void alluvium_read_object(alluvium_json_reader *reader, const alluvium_row *row, void *value) {
    bool is_there[ALLUVIUM_COLUMNS_MAX] = {false};
    const alluvium_bytes no_more = {"", 0};
    alluvium_text name;
    alluvium_json_enter(reader, '{');
    while (alluvium_json_next_member(reader, &name)) {
        size_t at = 0;
        while (at < row->count && !alluvium_text_is(name, row->columns[at].name)) at++;
        if (at == row->count && row->shape == ALLUVIUM_EXACT_OBJECT) alluvium_refuse_unknown(reader, row, name);
        if (at == row->count) {
            alluvium_json_skip(reader);
            continue;
        }
        if (is_there[at]) {
            reader->at -= 1;
            alluvium_refuse_named(reader, "duplicate", name, no_more);
        }
        is_there[at] = true;
        alluvium_read_json_value(reader, &row->columns[at], value);
    }
    for (size_t at = 0; at < row->count; at++) {
        const alluvium_column *column = &row->columns[at];
        bool *is_some;
        if (is_there[at]) continue;
        alluvium_value_of(column, value, &is_some);
        if (is_some) *is_some = false;
        else alluvium_refuse_named(reader, "missing", alluvium_text_of(column->name), no_more);
    }
}

// Reads the members of a row that stands within other JSON. The other members of the struct stay as they are. Members
// that are missing are none if they are optional, and members of other names are read over.
static inline void alluvium_json_read_members(alluvium_json_reader *reader, const alluvium_row *row, void *value) {
    if (row->count > ALLUVIUM_COLUMNS_MAX) alluvium_bug("a row has too many columns");
    if (alluvium_is_object(row)) {
        alluvium_read_object(reader, row, value);
        return;
    }
    bool is_tuple = row->shape == ALLUVIUM_TUPLE;
    if (is_tuple) alluvium_json_enter(reader, '[');
    for (size_t at = 0; at < row->count; at++) {
        if (is_tuple && !alluvium_json_next_element(reader)) alluvium_json_refuse(reader, "too few elements");
        alluvium_read_json_value(reader, &row->columns[at], value);
    }
    if (is_tuple && alluvium_json_next_element(reader)) alluvium_json_refuse(reader, "too many elements");
}

// Reads a row that stands within other JSON. Its memory is set to zeroes before.
static inline void alluvium_json_read_row(alluvium_json_reader *reader, const alluvium_row *row, void *value) {
    memset(value, 0, row->bytes);
    alluvium_json_read_members(reader, row, value);
}

// Reads a row. `wrong` says what is wrong if it returns false.
static inline bool alluvium_read_row(alluvium_arena *arena, const alluvium_row *row, alluvium_bytes bytes, void *value,
                                     const char **wrong) {
    alluvium_json_reader reader = alluvium_json_reader_of(arena, bytes);
    alluvium_json_read_row(&reader, row, value);
    bool is_read = alluvium_json_end(&reader);
    *wrong = reader.wrong;
    return is_read;
}

#endif
