// Windows as an operator.
#ifndef ALLUVIUM_WINDOWS_OPERATOR_H
#define ALLUVIUM_WINDOWS_OPERATOR_H

#include "open.h"

// A record with its key and its time, and what all records of a call share.
typedef struct {
    alluvium_windows_instance *self;
    alluvium_context *context;
    alluvium_optional_time watermark;
    uint32_t ends;
    const void *row;
    alluvium_bytes key;
    int64_t at_ms;
} alluvium_placed;

static inline bool alluvium_windows_open(void *self, alluvium_context *context) {
    return alluvium_windows_plan(self, context);
}

static inline bool alluvium_windows_begin(void *instance, uint32_t input, const alluvium_header *header,
                                          alluvium_context *context) {
    alluvium_windows_instance *self = instance;
    (void)input;
    return alluvium_windows_plan(self, context) && alluvium_placer_begin(&self->placer, header, context);
}

static inline alluvium_optional_number alluvium_windows_number(const alluvium_windows_instance *self, const void *row) {
    if (!self->number) return (alluvium_optional_number){0};
    bool *is_some;
    const double *number = alluvium_value_of(self->number, row, &is_some);
    return (alluvium_optional_number){!is_some || *is_some, *number};
}

// Whether an open window takes in a window of a record. Those of sessions do if they touch.
static inline bool alluvium_touches(const alluvium_windows_instance *self, alluvium_window open,
                                    alluvium_window window) {
    if (!self->are_sessions) return alluvium_same_window(open, window);
    return open.from <= window.to && window.from <= open.to;
}

// Whether an open window that a window of a record does not touch has a timer at a time.
static inline bool alluvium_others_need(const alluvium_windows_instance *self, const alluvium_opens *opens,
                                        alluvium_window window, int64_t at_ms) {
    for (size_t at = 0; at < opens->count; at++) {
        alluvium_window open = opens->at[at].window;
        if (alluvium_touches(self, open, window)) continue;
        if (open.to == at_ms || alluvium_window_closes(self, open) == at_ms) return true;
    }
    return false;
}

// Deletes the timers of the windows that are parts of a joined one now, but none that another open window of the key
// has, too. A timer is a time and a key, so one timer stands for both windows if one closes when the other ends.
static inline bool alluvium_delete_timers(const alluvium_placed *placed, const alluvium_opens *opens,
                                          alluvium_window window, alluvium_window joined) {
    const alluvium_windows_instance *self = placed->self;
    alluvium_context *context = placed->context;
    for (size_t at = 0; at < opens->count; at++) {
        alluvium_window open = opens->at[at].window;
        if (!alluvium_touches(self, open, window) || alluvium_same_window(open, joined)) continue;
        const int64_t times[] = {open.to, alluvium_window_closes(self, open)};
        for (size_t time = 0; time < sizeof times / sizeof *times; time++) {
            bool was_set;
            if (alluvium_others_need(self, opens, window, times[time])) continue;
            if (!context->host->delete_timer(context, placed->ends, times[time], placed->key, &was_set)) return false;
        }
    }
    return true;
}

// Sets the timers of a window: for its end, and for when it is closed.
static inline bool alluvium_set_timers(const alluvium_placed *placed, alluvium_window window) {
    alluvium_context *context = placed->context;
    int64_t closes = alluvium_window_closes(placed->self, window);
    return context->host->set_timer(context, placed->ends, window.to, placed->key) &&
           (placed->self->lateness_ms == 0 || context->host->set_timer(context, placed->ends, closes, placed->key));
}

// Adds a record to one window, unless it comes too late for it. Returns false if the call has failed.
static inline bool alluvium_add_to(const alluvium_placed *placed, alluvium_window window, alluvium_opens *opens,
                                   bool *is_in_time) {
    alluvium_windows_instance *self = placed->self;
    alluvium_context *context = placed->context;
    // A session that was joined is in time if the whole is.
    alluvium_window joined = window;
    for (size_t at = 0; at < opens->count; at++) {
        alluvium_window open = opens->at[at].window;
        if (!alluvium_touches(self, open, window)) continue;
        if (open.from < joined.from) joined.from = open.from;
        if (open.to > joined.to) joined.to = open.to;
    }
    int64_t watermark = placed->watermark.value.ms;
    if (placed->watermark.is_some && alluvium_window_closes(self, joined) <= watermark) return true;
    *is_in_time = true;
    if (!alluvium_delete_timers(placed, opens, window, joined)) return false;
    alluvium_open taken = {.window = joined};
    bool was_there = false;
    size_t left = 0;
    for (size_t at = 0; at < opens->count; at++) {
        alluvium_open open = opens->at[at];
        if (!alluvium_touches(self, open.window, window)) {
            opens->at[left++] = open;
            continue;
        }
        if (alluvium_same_window(open.window, joined)) was_there = true;
        if (taken.kept) alluvium_kept_join(self->by, taken.kept, open.kept, context);
        else taken.kept = open.kept;
    }
    opens->count = left;
    // One that has ended is emitted again.
    bool has_ended = placed->watermark.is_some && joined.to <= watermark;
    if ((has_ended || !was_there) && !alluvium_set_timers(placed, joined)) return false;
    if (!taken.kept) taken.kept = alluvium_new(context->arena, 1, alluvium_kept_bytes(self->by));
    alluvium_kept_add(self->by, taken.kept, placed->row, alluvium_windows_number(self, placed->row), context);
    alluvium_opens_insert(opens, taken, context->arena);
    return !context->has_failed;
}

// Adds a record to the windows of its key. `is_in_time` says whether it was in time for one of them.
static inline bool alluvium_add_to_all(const alluvium_placed *placed, alluvium_opens *opens, bool *is_in_time) {
    alluvium_assigned assigned = alluvium_windows_at(placed->self, placed->at_ms);
    *is_in_time = false;
    for (int64_t number = 0; number < assigned.count; number++) {
        alluvium_window window = alluvium_assigned_window(placed->self, assigned, number);
        if (!alluvium_add_to(placed, window, opens, is_in_time)) return false;
    }
    return true;
}

static inline bool alluvium_windows_process(void *instance, uint32_t input, const alluvium_batch *batch,
                                            alluvium_context *context) {
    (void)input;
    alluvium_windows_instance *self = instance;
    alluvium_places places;
    if (!alluvium_place_records(&self->placer, batch, &places, context)) return false;
    const alluvium_index *keys = &places.keys;
    alluvium_opens *all = alluvium_read_all(self, keys->keys, keys->count, context);
    alluvium_placed placed = {.self = self, .context = context};
    if (!all || !alluvium_number_of(context, ALLUVIUM_WINDOWS_ENDS, &placed.ends)) return false;
    placed.watermark = alluvium_watermark(context);
    uint32_t late = 0;
    for (uint32_t record = 0; record < places.count; record++) {
        alluvium_place place = places.at[record];
        bool is_in_time;
        placed.row = place.row;
        placed.key = place.key;
        placed.at_ms = place.time.ms;
        if (!alluvium_add_to_all(&placed, &all[place.number], &is_in_time)) return false;
        if (!is_in_time) places.at[late++] = place;
    }
    if (!alluvium_write_all(self, keys->keys, all, keys->count, context)) return false;
    for (uint32_t at = 0; at < late; at++) {
        alluvium_place place = places.at[at];
        if (!alluvium_emit_place(&self->placer, ALLUVIUM_OUTPUT_LATE, place.key, place.time, context)) return false;
    }
    return true;
}

static inline bool alluvium_windows_route(void *instance, uint32_t input, const alluvium_batch *batch,
                                          alluvium_bytes *keys, alluvium_context *context) {
    (void)input;
    return alluvium_place_route(&((alluvium_windows_instance *)instance)->placer, batch, keys, context);
}

// Emits the windows of a key that end at a time, and keeps those for which more may come.
static inline bool alluvium_emit_ended(const alluvium_windows_instance *self, int64_t at_ms, alluvium_bytes key,
                                       alluvium_opens *opens, alluvium_context *context) {
    alluvium_json name = alluvium_json_in(context->arena);
    if (!alluvium_key_json(&name, self->placer.key.types, self->placer.key.count, key)) {
        return alluvium_fail(context, "a timer for a key that is none");
    }
    size_t left = 0;
    for (size_t at = 0; at < opens->count; at++) {
        alluvium_open open = opens->at[at];
        if (open.window.to == at_ms) {
            alluvium_json json = alluvium_json_in(context->arena);
            alluvium_json_object(&json);
            alluvium_json_member(&json, "key");
            alluvium_add_text(&json.buffer, alluvium_json_bytes(&name));
            alluvium_json_member(&json, "from");
            alluvium_json_time(&json, (alluvium_time){open.window.from});
            alluvium_json_member(&json, "to");
            alluvium_json_time(&json, (alluvium_time){open.window.to});
            alluvium_json_member(&json, "value");
            alluvium_kept_value(self->by, open.kept, &json);
            alluvium_json_object_end(&json);
            if (!alluvium_emit_json(context, ALLUVIUM_OUTPUT_WINDOWS, &json)) return false;
        }
        if (alluvium_window_closes(self, open.window) > at_ms) opens->at[left++] = open;
    }
    opens->count = left;
    return true;
}

static inline bool alluvium_windows_on_timers(void *instance, const char *name, alluvium_time at,
                                              const alluvium_bytes *keys, size_t count, alluvium_context *context) {
    (void)name;
    alluvium_windows_instance *self = instance;
    if (!alluvium_windows_plan(self, context)) return false;
    alluvium_opens *all = alluvium_read_all(self, keys, count, context);
    for (size_t key = 0; all && key < count; key++) {
        if (!alluvium_emit_ended(self, at.ms, keys[key], &all[key], context)) return false;
    }
    return all && alluvium_write_all(self, keys, all, count, context);
}

#endif
