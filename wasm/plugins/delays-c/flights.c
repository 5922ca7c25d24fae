#include "flights.h"

#include <string.h>

static const char *const NAMES[COLUMNS] = {"carrier", "origin", "dest", "dep_time", "arr_delay"};

bool columns_find(Columns *columns, const plugin_list_string_t *header, Text *wrong) {
    Text missing = {0};
    for (int column = 0; column < COLUMNS; column++) {
        size_t found = 0;
        for (size_t at = 0; at < header->len; at++) {
            if (!slice_is((Slice){header->ptr[at].ptr, header->ptr[at].len}, NAMES[column])) continue;
            // If two columns have the same name, choosing one of them would be a guess.
            if (found++) {
                text_add(wrong, "the input has more than one column %s", NAMES[column]);
                text_free(&missing);
                return false;
            }
            columns->positions[column] = at;
        }
        if (!found) text_add(&missing, missing.len ? ", %s" : "%s", NAMES[column]);
    }
    columns->width = header->len;
    if (!missing.len) return true;
    text_add(wrong, "the input has no column ");
    text_bytes(wrong, missing.ptr, missing.len);
    text_add(wrong, "; it has ");
    for (size_t at = 0; at < header->len; at++) {
        text_add(wrong, "%s", at ? ", " : "");
        text_bytes(wrong, header->ptr[at].ptr, header->ptr[at].len);
    }
    text_free(&missing);
    return false;
}

static bool is_missing(Slice field) {
    return field.len == 0 || slice_is(field, "NA");
}

static bool refuse(Text *wrong, int column, Slice field, bool is_quoted, const char *what) {
    text_add(wrong, "column %s: ", NAMES[column]);
    (is_quoted ? text_quoted : text_escaped)(wrong, field);
    text_add(wrong, "%s", what);
    return false;
}

static bool check_text(Slice field, int column, Text *wrong) {
    return slice_is_utf8(field) || refuse(wrong, column, field, false, " is not UTF-8");
}

static bool check_name(Slice field, char separator, int column, Text *wrong) {
    if (!check_text(field, column, wrong)) return false;
    if (is_missing(field)) return refuse(wrong, column, (Slice){0}, false, "is missing");
    // With a separator inside a name, two routes could have the same key.
    if (!memchr(field.ptr, separator, field.len)) return true;
    const char what[] = {' ', 'c', 'o', 'n', 't', 'a', 'i', 'n', 's', ' ', '"', separator, '"', 0};
    return refuse(wrong, column, field, true, what);
}

static bool read_flight(const Slice *fields, Flight *flight, Text *wrong) {
    // The delay is checked first, so that every language reports the same one of two mistakes in a record.
    if (!check_text(fields[ARR_DELAY], ARR_DELAY, wrong)) return false;
    flight->has_delay = !is_missing(fields[ARR_DELAY]);
    flight->delay_minutes = 0;
    if (flight->has_delay && !slice_to_i64(fields[ARR_DELAY], &flight->delay_minutes)) {
        return refuse(wrong, ARR_DELAY, fields[ARR_DELAY], true, " is not a whole number of minutes");
    }
    if (!check_name(fields[CARRIER], ':', CARRIER, wrong)) return false;
    if (!check_name(fields[ORIGIN], '-', ORIGIN, wrong)) return false;
    if (!check_name(fields[DEST], '-', DEST, wrong)) return false;
    if (!check_text(fields[DEP_TIME], DEP_TIME, wrong)) return false;
    flight->carrier = fields[CARRIER];
    flight->origin = fields[ORIGIN];
    flight->dest = fields[DEST];
    flight->is_cancelled = is_missing(fields[DEP_TIME]);
    return true;
}

bool flights_read(const Columns *columns, const exports_alluvium_checkpoint_operator_column_batch_t *batch,
                  Flight *flights, uint32_t *blamed, Text *wrong) {
    *blamed = NO_RECORD;
    if ((uint64_t)batch->count * columns->width != batch->field_lens.len) {
        text_add(wrong, "%lu records with %zu fields where the header has %zu columns", (unsigned long)batch->count,
                 batch->field_lens.len, columns->width);
        return false;
    }
    const uint32_t *lens = batch->field_lens.ptr;
    size_t at = 0;
    for (uint32_t record = 0; record < batch->count; record++, lens += columns->width) {
        *blamed = record;
        Slice fields[COLUMNS];
        for (size_t position = 0; position < columns->width; position++) {
            // The length is compared with the bytes that are left, because a sum could overflow.
            if (lens[position] > batch->fields.len - at) {
                text_add(wrong, "its fields are longer than the batch");
                return false;
            }
            for (int column = 0; column < COLUMNS; column++) {
                if (columns->positions[column] == position) {
                    fields[column] = (Slice){batch->fields.ptr + at, lens[position]};
                }
            }
            at += lens[position];
        }
        if (!read_flight(fields, &flights[record], wrong)) return false;
    }
    *blamed = NO_RECORD;
    if (at == batch->fields.len) return true;
    text_add(wrong, "the batch has %zu bytes after its last field", batch->fields.len - at);
    return false;
}
