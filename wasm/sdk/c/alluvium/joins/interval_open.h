// The records of a key that others may still join, as one value of the state.
#ifndef ALLUVIUM_JOINS_INTERVAL_OPEN_H
#define ALLUVIUM_JOINS_INTERVAL_OPEN_H

#include "interval_declare.h"

// The instance of an interval join.
typedef struct {
    bool is_planned, is_outer;
    alluvium_placer placers[2];
    int64_t before_ms, after_ms, lateness_ms;
} alluvium_interval_instance;

// A record that others may still join.
typedef struct {
    int64_t at_ms;
    bool is_joined;
    const void *row;
} alluvium_met;

// The records of a key, of each input in the order in which they came.
typedef struct {
    bool is_read, is_changed;
    struct {
        alluvium_met *at;
        size_t count, capacity;
    } sides[2];
} alluvium_meeting;

// Adds a record to those of its input.
static inline void alluvium_meeting_add(alluvium_meeting *meeting, size_t input, alluvium_met met,
                                        alluvium_arena *arena) {
    alluvium_met *at = meeting->sides[input].at;
    size_t count = meeting->sides[input].count++;
    meeting->sides[input].at = alluvium_grown(arena, at, count, &meeting->sides[input].capacity, sizeof *at);
    meeting->sides[input].at[count] = met;
    meeting->is_changed = true;
}

// Reads {"at_ms":…,"is_joined":…,"row":…}.
static inline alluvium_met alluvium_read_met(alluvium_json_reader *reader, const alluvium_row *row) {
    bool has_time = false, has_joined = false;
    void *read = NULL;
    alluvium_met met = {0};
    alluvium_text name;
    alluvium_json_enter(reader, '{');
    while (alluvium_json_next_member(reader, &name)) {
        bool is_time = alluvium_text_is(name, "at_ms"), is_joined = alluvium_text_is(name, "is_joined");
        bool is_row = alluvium_text_is(name, "row");
        if ((is_time && has_time) || (is_joined && has_joined) || (is_row && read)) {
            alluvium_json_refuse(reader, "a member that is there twice");
        } else if (is_time) {
            met.at_ms = alluvium_json_read_integer(reader);
        } else if (is_joined) {
            met.is_joined = alluvium_json_read_boolean(reader);
        } else if (is_row) {
            read = alluvium_new(reader->arena, 1, row->bytes);
            alluvium_json_read_row(reader, row, read);
        } else {
            alluvium_json_skip(reader);
        }
        has_time = has_time || is_time;
        has_joined = has_joined || is_joined;
    }
    if (!has_time || !has_joined || !read) alluvium_json_refuse(reader, "a member is missing");
    met.row = read;
    return met;
}

// Reads the records of a key, unless this call has read them: an array for each input.
static inline bool alluvium_meeting_read(const alluvium_interval_instance *self, alluvium_meeting *meeting,
                                         alluvium_bytes key, alluvium_context *context) {
    alluvium_optional_bytes found;
    if (meeting->is_read) return true;
    if (!alluvium_get(context, ALLUVIUM_INTERVAL_OPEN, key, &found)) return false;
    meeting->is_read = true;
    if (!found.is_some) return true;
    alluvium_json_reader reader = alluvium_json_reader_of(context->arena, found.value);
    alluvium_json_enter(&reader, '[');
    for (size_t input = 0; input < 2; input++) {
        if (!alluvium_json_next_element(&reader)) alluvium_json_refuse(&reader, "too few elements");
        alluvium_json_enter(&reader, '[');
        while (alluvium_json_next_element(&reader)) {
            alluvium_met met = alluvium_read_met(&reader, &self->placers[input].row);
            alluvium_meeting_add(meeting, input, met, context->arena);
        }
    }
    if (alluvium_json_next_element(&reader)) alluvium_json_refuse(&reader, "too many elements");
    meeting->is_changed = false;
    return alluvium_json_end(&reader) ||
           alluvium_fail(context, ALLUVIUM_INTERVAL_OPEN ": a value of another type: %s", reader.wrong);
}

static inline alluvium_bytes alluvium_meeting_bytes(const alluvium_interval_instance *self,
                                                    const alluvium_meeting *meeting, alluvium_arena *arena) {
    alluvium_json json = alluvium_json_in(arena);
    alluvium_json_array(&json);
    for (size_t input = 0; input < 2; input++) {
        alluvium_json_array(&json);
        for (size_t at = 0; at < meeting->sides[input].count; at++) {
            const alluvium_met *met = &meeting->sides[input].at[at];
            alluvium_json_object(&json);
            alluvium_json_member(&json, "at_ms");
            alluvium_json_integer(&json, met->at_ms);
            alluvium_json_member(&json, "is_joined");
            alluvium_json_boolean(&json, met->is_joined);
            alluvium_json_member(&json, "row");
            alluvium_json_row(&json, &self->placers[input].row, met->row);
            alluvium_json_object_end(&json);
        }
        alluvium_json_array_end(&json);
    }
    alluvium_json_array_end(&json);
    return alluvium_json_bytes(&json);
}

// Writes the records of keys that have changed. A key without records goes away.
static inline bool alluvium_meetings_write(const alluvium_interval_instance *self, const alluvium_meeting *all,
                                           const alluvium_bytes *keys, size_t count, alluvium_context *context) {
    for (size_t key = 0; key < count; key++) {
        const alluvium_meeting *meeting = &all[key];
        if (!meeting->is_changed) continue;
        alluvium_optional_bytes value = {.is_some = meeting->sides[0].count + meeting->sides[1].count > 0};
        if (value.is_some) value.value = alluvium_meeting_bytes(self, meeting, context->arena);
        if (!alluvium_put(context, ALLUVIUM_INTERVAL_OPEN, keys[key], value)) return false;
    }
    return true;
}

#endif
