// Records of JSON, as rows.
#ifndef ALLUVIUM_JSON_ROWS_H
#define ALLUVIUM_JSON_ROWS_H

#include "row_json.h"

// Says what is wrong with a record, and where: its line and its column, both counted from 1 as serde_json does.
static inline bool alluvium_fail_json(const alluvium_json_reader *reader, alluvium_bytes record,
                                      alluvium_context *context) {
    size_t line = 1, column = 0;
    for (const char *at = record.at; record.len && at < reader->wrong_at; at++) {
        column += 1;
        if (*at != '\n') continue;
        line += 1;
        column = 0;
    }
    return alluvium_fail(context, "no JSON of a record here: %s at line %zu column %zu", reader->wrong, line, column);
}

// Reads a batch of an input of records, each of which is JSON. Returns an array of as many rows as the batch has
// records, or null if the call has failed. Texts of the rows stay as long as the batch.
static inline void *alluvium_json_rows_read(const alluvium_row *row, const alluvium_batch *batch,
                                            alluvium_context *context) {
    const alluvium_bytes *records = alluvium_records(batch, context);
    if (!records) return NULL;
    char *rows = alluvium_new(context->arena, batch->count, row->bytes);
    for (uint32_t record = 0; record < batch->count; record++) {
        alluvium_json_reader reader = alluvium_json_reader_of(context->arena, records[record]);
        alluvium_json_read_row(&reader, row, rows + record * row->bytes);
        if (alluvium_json_end(&reader)) continue;
        alluvium_fail_json(&reader, records[record], context);
        alluvium_blame(context, record);
        return NULL;
    }
    return rows;
}

#endif
