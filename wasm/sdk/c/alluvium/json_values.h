// Texts within JSON that have a form of their own: times and codes.
#ifndef ALLUVIUM_JSON_VALUES_H
#define ALLUVIUM_JSON_VALUES_H

#include "column.h"
#include "json_reader.h"

// Refuses a text that was read, and quotes it. serde_json reads to the end of the object, if it is there, before it
// says where the error is.
static inline void alluvium_json_refuse_text(alluvium_json_reader *reader, alluvium_text text, const char *what) {
    alluvium_buffer wrong = alluvium_buffer_in(reader->arena);
    if (reader->wrong) return;
    alluvium_json_take(reader, '}');
    alluvium_add_quoted(&wrong, text);
    alluvium_add(&wrong, what);
    alluvium_json_refuse_with(reader, &wrong);
}

static inline alluvium_time alluvium_json_read_time(alluvium_json_reader *reader) {
    alluvium_time time = {0};
    alluvium_text text = alluvium_json_read_text(reader);
    if (!alluvium_read_time(text, &time)) {
        alluvium_json_refuse_text(reader, text, " is no time, as 2013-01-01T05:00:00Z");
    }
    return reader->wrong ? (alluvium_time){0} : time;
}

// Reads a text of a fixed length.
static inline alluvium_text alluvium_json_read_code(alluvium_json_reader *reader, int type) {
    alluvium_text code = alluvium_json_read_text(reader);
    const char *wrong = reader->wrong ? NULL : alluvium_code_wrong(reader->arena, type, code);
    if (wrong) alluvium_json_refuse_text(reader, code, wrong);
    return wrong ? (alluvium_text){"", 0} : code;
}

#endif
