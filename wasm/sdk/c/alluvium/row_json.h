// Rows as JSON: written and read by their members.
#ifndef ALLUVIUM_ROW_JSON_H
#define ALLUVIUM_ROW_JSON_H

#include "json_reader.h"
#include "row.h"

static inline void alluvium_json_value(alluvium_json *json, const alluvium_column *column, const void *row) {
    bool *is_some;
    const void *value = alluvium_value_of(column, row, &is_some);
    if (is_some && !*is_some) {
        alluvium_json_null(json);
        return;
    }
    switch (column->type & ~ALLUVIUM_OPTIONAL) {
    case ALLUVIUM_TEXT:
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
        if (row->shape == ALLUVIUM_OBJECT) alluvium_json_member(json, row->columns[at].name);
        alluvium_json_value(json, &row->columns[at], value);
    }
}

// Writes a row.
static inline void alluvium_json_row(alluvium_json *json, const alluvium_row *row, const void *value) {
    if (row->shape == ALLUVIUM_OBJECT) alluvium_json_object(json);
    if (row->shape == ALLUVIUM_TUPLE) alluvium_json_array(json);
    alluvium_json_members(json, row, value);
    if (row->shape == ALLUVIUM_OBJECT) alluvium_json_object_end(json);
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
    switch (column->type & ~ALLUVIUM_OPTIONAL) {
    case ALLUVIUM_TEXT:
        *(alluvium_text *)value = alluvium_json_read_text(reader);
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

static inline void alluvium_read_object(alluvium_json_reader *reader, const alluvium_row *row, void *value) {
    bool is_there[ALLUVIUM_COLUMNS_MAX] = {false};
    alluvium_text name;
    alluvium_json_enter(reader, '{');
    while (alluvium_json_next_member(reader, &name)) {
        size_t at = 0;
        while (at < row->count && !alluvium_text_is(name, row->columns[at].name)) at++;
        if (at == row->count) {
            alluvium_json_skip(reader);
            continue;
        }
        if (is_there[at]) alluvium_json_refuse(reader, "a member that is there twice");
        is_there[at] = true;
        alluvium_read_json_value(reader, &row->columns[at], value);
    }
    for (size_t at = 0; at < row->count; at++) {
        bool is_optional = row->columns[at].type & ALLUVIUM_OPTIONAL;
        if (!is_there[at] && !is_optional) alluvium_json_refuse(reader, "a member is missing");
    }
}

// Reads a row that stands within other JSON. Its memory is set to zeroes before. Members that are missing are none if
// they are optional, and members of other names are read over.
static inline void alluvium_json_read_row(alluvium_json_reader *reader, const alluvium_row *row, void *value) {
    if (row->count > ALLUVIUM_COLUMNS_MAX) alluvium_bug("a row has too many columns");
    memset(value, 0, row->bytes);
    if (row->shape == ALLUVIUM_OBJECT) {
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
