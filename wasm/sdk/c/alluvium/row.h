// Rows: structs whose members have the names and types of columns.
#ifndef ALLUVIUM_ROW_H
#define ALLUVIUM_ROW_H

#include "batch.h"
#include "column.h"

// What a row is as JSON.
typedef enum {
    // {"carrier":"UA","flight":7}
    ALLUVIUM_OBJECT,
    // The same. When it is read, a member of another name is refused, and not read over.
    ALLUVIUM_EXACT_OBJECT,
    // ["UA",7]
    ALLUVIUM_TUPLE,
    // 7: the only member.
    ALLUVIUM_SCALAR,
} alluvium_shape;

// A struct whose members are read from columns, and written as JSON, in this order.
typedef struct {
    const alluvium_column *columns;
    size_t count, bytes;
    alluvium_shape shape;
} alluvium_row;

// Declares a row: static const alluvium_row CLICK = ALLUVIUM_ROW(click, ALLUVIUM_COLUMN(click, page), …);
#define ALLUVIUM_ROW(row, ...) ALLUVIUM_ROW_AS(ALLUVIUM_OBJECT, row, __VA_ARGS__)
#define ALLUVIUM_ROW_AS(json, row, ...)                                                                                \
    {                                                                                                                  \
        .columns = (const alluvium_column[]){__VA_ARGS__},                                                             \
        .count = sizeof((const alluvium_column[]){__VA_ARGS__}) / sizeof(alluvium_column),                             \
        .bytes = sizeof(row),                                                                                          \
        .shape = json,                                                                                                 \
    }

// Where the columns of a row are in an input. It belongs in the struct of the operator's instance.
typedef struct {
    const alluvium_row *row;
    size_t width;
    size_t positions[ALLUVIUM_COLUMNS_MAX];
} alluvium_rows;

// Finds the columns of a row in a header. The error names those that are missing.
static inline bool alluvium_rows_begin(alluvium_rows *rows, const alluvium_row *row, const alluvium_header *header,
                                       alluvium_context *context) {
    if (row->count > ALLUVIUM_COLUMNS_MAX) alluvium_bug("a row has too many columns");
    alluvium_buffer missing = alluvium_buffer_in(context->arena);
    for (size_t at = 0; at < row->count; at++) {
        size_t column = 0;
        while (column < header->count && !alluvium_text_is(header->names[column], row->columns[at].name)) column++;
        rows->positions[at] = column;
        if (column < header->count) continue;
        alluvium_add(&missing, missing.len ? ", " : "the columns ");
        alluvium_add(&missing, row->columns[at].name);
    }
    if (missing.len) {
        alluvium_add(&missing, " are missing; there are ");
        for (size_t column = 0; column < header->count; column++) {
            if (column) alluvium_add(&missing, ", ");
            alluvium_add_text(&missing, header->names[column]);
        }
        return alluvium_fail_with(context, alluvium_buffer_bytes(&missing));
    }
    rows->row = row;
    rows->width = header->count;
    return true;
}

// Reads the text of a field into a member. Returns what is wrong with it, or null.
static inline const char *alluvium_read_member(alluvium_arena *arena, int type, alluvium_text text, void *member) {
    switch (alluvium_base_type(type)) {
    case ALLUVIUM_TEXT:
        *(alluvium_text *)member = text;
        return NULL;
    case ALLUVIUM_FIXED:
        *(alluvium_text *)member = text;
        return alluvium_code_wrong(arena, type, text);
    case ALLUVIUM_INTEGER:
        return alluvium_read_integer(text, member) ? NULL : " is no number";
    case ALLUVIUM_UNSIGNED:
        return alluvium_read_unsigned(text, member) ? NULL : " is no number without a sign";
    case ALLUVIUM_NUMBER:
        return alluvium_read_number(arena, text, member) ? NULL : " is no number";
    case ALLUVIUM_BOOLEAN:
        *(bool *)member = alluvium_text_is(text, "true");
        return *(bool *)member || alluvium_text_is(text, "false") ? NULL : " is no true or false";
    case ALLUVIUM_TIME:
        return alluvium_read_time(text, member) ? NULL : " is no time, as 2013-01-01T05:00:00Z";
    default:
        alluvium_bug("a column of an unknown type");
    }
}

// Reads a field of a record.
static inline bool alluvium_read_field(const alluvium_column *column, alluvium_bytes field, void *row,
                                       alluvium_context *context) {
    bool *is_some;
    void *value = alluvium_value_of(column, row, &is_some);
    const char *wrong = NULL;
    if (!alluvium_is_utf8(field)) return alluvium_fail(context, "%s is no UTF-8", column->name);
    bool is_none = is_some && (field.len == 0 || alluvium_text_is(field, "NA"));
    if (is_some) *is_some = !is_none;
    if (!is_none) wrong = alluvium_read_member(context->arena, column->type, field, value);
    return !wrong || alluvium_fail(context, "%s: %s%s", column->name, alluvium_quoted(context, field), wrong);
}

// Reads a batch. Returns an array of as many rows as the batch has records, or null if the call has failed. Texts of
// the rows stay as long as the batch.
static inline void *alluvium_rows_read(const alluvium_rows *rows, const alluvium_batch *batch,
                                       alluvium_context *context) {
    const char *wrong = NULL;
    size_t width = rows->width;
    if (!rows->row) wrong = "the input was not begun";
    else if (batch->format != ALLUVIUM_LINES) wrong = "the input has columns, and came without";
    else if (batch->len_count != alluvium_times(batch->count, width))
        wrong = "a batch with other columns than its header";
    if (wrong) {
        alluvium_fail(context, "%s", wrong);
        return NULL;
    }
    char *all = alluvium_new(context->arena, batch->count, rows->row->bytes);
    alluvium_bytes *fields = alluvium_take(context->arena, width, sizeof *fields), rest = batch->bytes;
    for (uint32_t record = 0; record < batch->count; record++) {
        for (size_t column = 0; column < width; column++) {
            if (!alluvium_split(&rest, batch->lens[record * width + column], &fields[column])) {
                alluvium_fail(context, "a batch that is shorter than its lengths say");
                return NULL;
            }
        }
        for (size_t at = 0; at < rows->row->count; at++) {
            alluvium_bytes field = fields[rows->positions[at]];
            if (!alluvium_read_field(&rows->row->columns[at], field, all + record * rows->row->bytes, context)) {
                alluvium_blame(context, record);
                return NULL;
            }
        }
    }
    return all;
}

#endif
