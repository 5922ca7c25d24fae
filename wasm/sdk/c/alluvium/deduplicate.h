// Deduplication: the first record of a key passes, and others of the key only when a time has gone by.
#ifndef ALLUVIUM_DEDUPLICATE_H
#define ALLUVIUM_DEDUPLICATE_H

#include "place.h"

// An operator that lets a record pass if no other one of its key has passed within a duration of event time:
//
//     ALLUVIUM_DEDUPLICATE(unique, .row = &FLIGHT, .key = {"tailnum", "dest"}, .within_ms = ALLUVIUM_DAYS(7))
//
// It has the input `records`. A record that passes is a line of the output `unique`, as its row is in JSON. Any other
// is a line {"key":…,"time":…} of the output `duplicates`. One that comes later than the watermark by more than the
// lateness is such a line of the output `late`, because what was before it may be forgotten.
//
// For each key it keeps the times of what has passed, of eight bytes each, little-endian, in their order. Each has a
// timer for when no record can be its duplicate any more.
typedef struct {
    // The row, the key and the time of the records: see alluvium_placing.
    ALLUVIUM_PLACED_BY

    // Within which time another record of a key is a duplicate. Without it, that is one day.
    int64_t within_ms;
    // Records may come so much later than the watermark.
    int64_t lateness_ms;
} alluvium_deduplicate;

// The namespace of the times of what has passed, and that of when these can be forgotten.
#define ALLUVIUM_DEDUPLICATE_PASSED "passed"
#define ALLUVIUM_DEDUPLICATE_ENDS "ends"

// The outputs by number.
enum { ALLUVIUM_OUTPUT_UNIQUE, ALLUVIUM_OUTPUT_DUPLICATES, ALLUVIUM_OUTPUT_TOO_LATE };

// Declares a deduplication as an operator, by the members of alluvium_deduplicate. The first argument is the name of
// the operator.
#define ALLUVIUM_DEDUPLICATE(called, ...)                                                                              \
    static const alluvium_deduplicate called##_alluvium_deduplicate = {__VA_ARGS__};                                   \
    ALLUVIUM_OPERATOR(called, .describe = ALLUVIUM_DEDUPLICATE_DESCRIBED, .declared_as = "deduplication",              \
                      .declared = &called##_alluvium_deduplicate,                                                      \
                      .instance_bytes = sizeof(alluvium_deduplicate_instance), .open = alluvium_deduplicate_open,      \
                      .begin = alluvium_deduplicate_begin, .process = alluvium_deduplicate_process,                    \
                      .route = alluvium_deduplicate_route, .on_timers = alluvium_deduplicate_on_timers)

#define ALLUVIUM_DEDUPLICATE_DESCRIBED                                                                                 \
    {                                                                                                                  \
        .inputs = {{.name = "records"}},                                                                               \
        .outputs = {{.name = "unique"}, {.name = "duplicates"}, {.name = "late"}},                                     \
        .namespaces = {{.name = ALLUVIUM_DEDUPLICATE_PASSED},                                                          \
                       {.name = ALLUVIUM_DEDUPLICATE_ENDS, .kind = ALLUVIUM_EVENT_TIMERS}},                            \
    }

// The instance of a deduplication.
typedef struct {
    bool is_planned;
    alluvium_placer placer;
    int64_t within_ms, lateness_ms;
} alluvium_deduplicate_instance;

// The times of what has passed of a key, in their order.
typedef struct {
    bool is_read, is_changed;
    int64_t *at;
    size_t count, capacity;
} alluvium_passed;

// Plans what the deduplication does, once for each instance.
static inline bool alluvium_deduplicate_plan(alluvium_deduplicate_instance *self, alluvium_context *context) {
    if (self->is_planned) return true;
    const alluvium_deduplicate *declared = context->plugin->declared;
    self->within_ms = declared->within_ms ? declared->within_ms : ALLUVIUM_DAYS(1);
    self->lateness_ms = declared->lateness_ms;
    if (self->within_ms < 0 || self->lateness_ms < 0) {
        return alluvium_misdeclared(context, "a length is less than a millisecond");
    }
    self->is_planned = alluvium_plan_placing(&self->placer, &declared->placing, context) &&
                       alluvium_plan_kept_rows(&self->placer, context);
    return self->is_planned;
}

// When what has passed at a time can be forgotten.
static inline int64_t alluvium_passed_forgets(const alluvium_deduplicate_instance *self, int64_t at_ms) {
    return alluvium_saturating_add(alluvium_saturating_add(at_ms, self->within_ms), self->lateness_ms);
}

// Reads the times of a key, unless this call has read them.
static inline bool alluvium_passed_read(alluvium_passed *passed, alluvium_bytes key, alluvium_context *context) {
    alluvium_optional_bytes found;
    if (passed->is_read) return true;
    if (!alluvium_get(context, ALLUVIUM_DEDUPLICATE_PASSED, key, &found)) return false;
    if (found.value.len % 8) return alluvium_fail(context, "passed: an entry of the times is none");
    passed->is_read = true;
    passed->count = passed->capacity = found.value.len / 8;
    passed->at = alluvium_take(context->arena, passed->count, sizeof *passed->at);
    for (size_t at = 0; at < passed->count; at++) {
        passed->at[at] = (int64_t)alluvium_little(found.value.at + 8 * at, 8);
    }
    return true;
}

// Writes the times of keys that have changed. A key without times goes away.
static inline bool alluvium_passed_write(const alluvium_passed *all, const alluvium_bytes *keys, size_t count,
                                         alluvium_context *context) {
    for (size_t key = 0; key < count; key++) {
        if (!all[key].is_changed) continue;
        alluvium_buffer bytes = alluvium_buffer_in(context->arena);
        for (size_t at = 0; at < all[key].count; at++) alluvium_add_little(&bytes, (uint64_t)all[key].at[at], 8);
        alluvium_optional_bytes value = {all[key].count > 0, alluvium_buffer_bytes(&bytes)};
        if (!alluvium_put(context, ALLUVIUM_DEDUPLICATE_PASSED, keys[key], value)) return false;
    }
    return true;
}

// Whether two times are nearer than a duration. Their distance may be beyond the numbers that have a sign.
static inline bool alluvium_are_within(int64_t earlier, int64_t later, int64_t within_ms) {
    return (uint64_t)later - (uint64_t)earlier < (uint64_t)within_ms;
}

// Adds a time, unless another one is too near.
static inline bool alluvium_passed_add(alluvium_passed *passed, int64_t at_ms, int64_t within_ms,
                                       alluvium_context *context) {
    size_t place = 0, end = passed->count;
    while (place < end) {
        size_t middle = place + (end - place) / 2;
        if (passed->at[middle] < at_ms) place = middle + 1;
        else end = middle;
    }
    if (place > 0 && alluvium_are_within(passed->at[place - 1], at_ms, within_ms)) return false;
    if (place < passed->count && alluvium_are_within(at_ms, passed->at[place], within_ms)) return false;
    passed->at = alluvium_grown(context->arena, passed->at, passed->count, &passed->capacity, sizeof *passed->at);
    memmove(passed->at + place + 1, passed->at + place, (passed->count - place) * sizeof *passed->at);
    passed->at[place] = at_ms;
    passed->count += 1;
    return passed->is_changed = true;
}

static inline bool alluvium_deduplicate_open(void *self, alluvium_context *context) {
    return alluvium_deduplicate_plan(self, context);
}

static inline bool alluvium_deduplicate_begin(void *instance, uint32_t input, const alluvium_header *header,
                                              alluvium_context *context) {
    alluvium_deduplicate_instance *self = instance;
    (void)input;
    return alluvium_deduplicate_plan(self, context) && alluvium_placer_begin(&self->placer, header, context);
}

static inline bool alluvium_deduplicate_process(void *instance, uint32_t input, const alluvium_batch *batch,
                                                alluvium_context *context) {
    (void)input;
    const alluvium_deduplicate_instance *self = instance;
    const alluvium_placer *placer = &self->placer;
    alluvium_places places;
    if (!alluvium_place_records(placer, batch, &places, context)) return false;
    const alluvium_index *keys = &places.keys;
    if (!alluvium_prefetch(context, ALLUVIUM_DEDUPLICATE_PASSED, keys->keys, keys->count)) return false;
    alluvium_passed *all = alluvium_new(context->arena, keys->count, sizeof *all);
    alluvium_optional_time watermark = alluvium_watermark(context);
    for (uint32_t record = 0; record < places.count; record++) {
        const alluvium_place *place = &places.at[record];
        alluvium_passed *passed = &all[place->number];
        int64_t at_ms = place->time.ms;
        if (watermark.is_some && alluvium_saturating_add(at_ms, self->lateness_ms) < watermark.value.ms) {
            alluvium_emit_place(placer, ALLUVIUM_OUTPUT_TOO_LATE, place->key, place->time, context);
        } else if (!alluvium_passed_read(passed, place->key, context)) {
            return false;
        } else if (alluvium_passed_add(passed, at_ms, self->within_ms, context)) {
            alluvium_time forgets = {alluvium_passed_forgets(self, at_ms)};
            alluvium_set_timer(context, ALLUVIUM_DEDUPLICATE_ENDS, forgets, place->key);
            alluvium_emit_row(context, ALLUVIUM_OUTPUT_UNIQUE, &placer->row, place->row);
        } else {
            alluvium_emit_place(placer, ALLUVIUM_OUTPUT_DUPLICATES, place->key, place->time, context);
        }
    }
    return alluvium_passed_write(all, keys->keys, keys->count, context);
}

static inline bool alluvium_deduplicate_route(void *instance, uint32_t input, const alluvium_batch *batch,
                                              alluvium_bytes *keys, alluvium_context *context) {
    (void)input;
    return alluvium_place_route(&((alluvium_deduplicate_instance *)instance)->placer, batch, keys, context);
}

static inline bool alluvium_deduplicate_on_timers(void *instance, const char *name, alluvium_time at,
                                                  const alluvium_bytes *keys, size_t count, alluvium_context *context) {
    (void)name;
    alluvium_deduplicate_instance *self = instance;
    if (!alluvium_deduplicate_plan(self, context)) return false;
    if (!alluvium_check_timers(&self->placer, keys, count, context)) return false;
    if (!alluvium_prefetch(context, ALLUVIUM_DEDUPLICATE_PASSED, keys, count)) return false;
    alluvium_passed *all = alluvium_new(context->arena, count, sizeof *all);
    for (size_t key = 0; key < count; key++) {
        alluvium_passed *passed = &all[key];
        if (!alluvium_passed_read(passed, keys[key], context)) return false;
        size_t left = 0;
        for (size_t time = 0; time < passed->count; time++) {
            if (alluvium_passed_forgets(self, passed->at[time]) > at.ms) passed->at[left++] = passed->at[time];
        }
        passed->count = left;
        passed->is_changed = true;
    }
    return alluvium_passed_write(all, keys, count, context);
}

#endif
