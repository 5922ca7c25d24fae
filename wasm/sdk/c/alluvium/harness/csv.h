// Reads CSV for tests: fields with commas between them, and quotation marks around what has commas or line breaks
// within.
#ifndef ALLUVIUM_HARNESS_CSV_H
#define ALLUVIUM_HARNESS_CSV_H

#include "../operator.h"

// What a text of CSV has. Its first line names the columns.
typedef struct {
    alluvium_text *names;
    size_t width;
    uint32_t count;
    // The fields of the records, as a batch has them.
    uint32_t *lens;
    size_t len_count;
    alluvium_bytes bytes;
} alluvium_csv;

// Takes a field from the front, and what stands behind it: a comma, a line break, or the end. Returns whether the line
// ends there.
static inline bool alluvium_csv_field(alluvium_bytes *rest, alluvium_buffer *field) {
    size_t at = 0;
    bool is_quoted = rest->len && rest->at[0] == '"', is_open = is_quoted;
    for (at = is_quoted; at < rest->len; at++) {
        char byte = rest->at[at];
        if (is_open && byte == '"') {
            // Two of them are one.
            is_open = at + 1 < rest->len && rest->at[at + 1] == '"';
            if (!is_open) continue;
            at++;
        } else if (!is_open && strchr(",\r\n", byte) && byte) {
            break;
        }
        alluvium_add_byte(field, byte);
    }
    bool ends = at == rest->len || rest->at[at] != ',';
    if (at + 1 < rest->len && rest->at[at] == '\r' && rest->at[at + 1] == '\n') at++;
    if (at < rest->len) at++;
    *rest = (alluvium_bytes){rest->at + at, rest->len - at};
    return ends;
}

// Reads a text. Returns what is wrong with it, or null.
static inline const char *alluvium_csv_read(alluvium_arena *arena, alluvium_bytes text, alluvium_csv *csv) {
    alluvium_buffer bytes = alluvium_buffer_in(arena);
    size_t capacity = 0, lens = 0, names = 0, in_line = 0;
    *csv = (alluvium_csv){0};
    while (text.len > 0) {
        // A line without anything is none.
        if (in_line == 0 && (text.at[0] == '\n' || text.at[0] == '\r')) {
            text = (alluvium_bytes){text.at + 1, text.len - 1};
            continue;
        }
        alluvium_buffer field = alluvium_buffer_in(arena);
        bool is_last = alluvium_csv_field(&text, &field);
        // A comma at the very end has an empty field behind it.
        bool adds_empty = !is_last && text.len == 0;
        for (int twice = 0; twice <= adds_empty; twice++, field.len = 0, in_line++) {
            if (csv->width == 0) {
                csv->names = alluvium_grown(arena, csv->names, in_line, &names, sizeof *csv->names);
                csv->names[in_line] = alluvium_copy(arena, alluvium_buffer_bytes(&field));
                continue;
            }
            if (field.len > UINT32_MAX) return "a field that is too long";
            csv->lens = alluvium_grown(arena, csv->lens, lens, &capacity, sizeof *csv->lens);
            csv->lens[lens++] = (uint32_t)field.len;
            alluvium_add_text(&bytes, alluvium_buffer_bytes(&field));
        }
        if (!is_last && !adds_empty) continue;
        if (csv->width == 0) csv->width = in_line;
        else if (csv->width != in_line) return "a line of the CSV has another number of fields than the first one";
        else csv->count += 1;
        in_line = 0;
    }
    if (csv->width == 0) return "the CSV has no line with the names of the columns";
    csv->len_count = lens;
    csv->bytes = alluvium_buffer_bytes(&bytes);
    return NULL;
}

#endif
