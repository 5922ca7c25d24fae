// The interval join as an operator.
#ifndef ALLUVIUM_JOINS_INTERVAL_H
#define ALLUVIUM_JOINS_INTERVAL_H

#include "interval_open.h"

// Plans what the join does, once for each instance.
static inline bool alluvium_interval_plan(alluvium_interval_instance *self, alluvium_context *context) {
    if (self->is_planned) return true;
    const alluvium_interval_join *declared = context->plugin->declared;
    const alluvium_placing *sides[] = {&declared->left, &declared->right};
    self->before_ms = declared->before_ms;
    self->after_ms = declared->after_ms;
    self->lateness_ms = declared->lateness_ms;
    self->is_outer = declared->outer;
    if (self->before_ms < 0 || self->after_ms < 0 || self->lateness_ms < 0) {
        return alluvium_misdeclared(context, "a length is less than 0");
    }
    for (size_t input = 0; input < 2; input++) {
        if (!alluvium_plan_placing(&self->placers[input], sides[input], context)) return false;
        if (!alluvium_plan_kept_rows(&self->placers[input], context)) return false;
    }
    const alluvium_key_plan *left = &self->placers[ALLUVIUM_LEFT].key, *right = &self->placers[ALLUVIUM_RIGHT].key;
    if (left->count != right->count || memcmp(left->types, right->types, sizeof left->types) != 0) {
        return alluvium_misdeclared(context, "the keys of both inputs are of the same types");
    }
    return self->is_planned = true;
}

static inline bool alluvium_is_pair(const alluvium_interval_instance *self, int64_t left_ms, int64_t right_ms) {
    return right_ms >= alluvium_saturating_sub(left_ms, self->before_ms) &&
           right_ms <= alluvium_saturating_add(left_ms, self->after_ms);
}

// When nothing more may join a record of an input: the watermark has passed the last time of the other one.
static inline int64_t alluvium_interval_closes(const alluvium_interval_instance *self, size_t input, int64_t at_ms) {
    int64_t span_ms = input == ALLUVIUM_LEFT ? self->after_ms : self->before_ms;
    at_ms = alluvium_saturating_add(alluvium_saturating_add(at_ms, span_ms), self->lateness_ms);
    return alluvium_saturating_add(at_ms, 1);
}

// Emits a pair, or a left record alone.
static inline bool alluvium_emit_pair(const alluvium_interval_instance *self, alluvium_bytes key, const void *left,
                                      const void *right, alluvium_context *context) {
    const alluvium_placer *lefts = &self->placers[ALLUVIUM_LEFT], *rights = &self->placers[ALLUVIUM_RIGHT];
    alluvium_json json = alluvium_json_in(context->arena);
    alluvium_json_object(&json);
    alluvium_json_member(&json, "key");
    alluvium_key_json(&json, lefts->key.types, lefts->key.count, key);
    alluvium_json_member(&json, "left");
    alluvium_json_row(&json, &lefts->row, left);
    alluvium_json_member(&json, "right");
    if (right) alluvium_json_row(&json, &rights->row, right);
    else alluvium_json_null(&json);
    alluvium_json_object_end(&json);
    return alluvium_emit_json(context, ALLUVIUM_OUTPUT_JOINED, &json);
}

// Joins a record with those of the other input that are open, and opens it.
static inline bool alluvium_meet(const alluvium_interval_instance *self, size_t input, const alluvium_place *place,
                                 alluvium_meeting *meeting, alluvium_context *context) {
    alluvium_met met = {.at_ms = place->time.ms, .row = place->row};
    for (size_t at = 0; at < meeting->sides[1 - input].count; at++) {
        alluvium_met *other = &meeting->sides[1 - input].at[at];
        const alluvium_met *left = input == ALLUVIUM_LEFT ? &met : other, *right = left == &met ? other : &met;
        if (!alluvium_is_pair(self, left->at_ms, right->at_ms)) continue;
        met.is_joined = other->is_joined = true;
        if (!alluvium_emit_pair(self, place->key, left->row, right->row, context)) return false;
    }
    alluvium_meeting_add(meeting, input, met, context->arena);
    return true;
}

static inline bool alluvium_interval_open(void *self, alluvium_context *context) {
    return alluvium_interval_plan(self, context);
}

static inline bool alluvium_interval_begin(void *instance, uint32_t input, const alluvium_header *header,
                                           alluvium_context *context) {
    alluvium_interval_instance *self = instance;
    return alluvium_interval_plan(self, context) && alluvium_placer_begin(&self->placers[input], header, context);
}

static inline bool alluvium_interval_process(void *instance, uint32_t input, const alluvium_batch *batch,
                                             alluvium_context *context) {
    const alluvium_interval_instance *self = instance;
    const alluvium_placer *placer = &self->placers[input];
    alluvium_places places;
    if (!alluvium_place_records(placer, batch, &places, context)) return false;
    const alluvium_index *keys = &places.keys;
    if (!alluvium_prefetch(context, ALLUVIUM_INTERVAL_OPEN, keys->keys, keys->count)) return false;
    alluvium_meeting *all = alluvium_new(context->arena, keys->count, sizeof *all);
    alluvium_optional_time watermark = alluvium_watermark(context);
    for (uint32_t record = 0; record < places.count; record++) {
        const alluvium_place *place = &places.at[record];
        alluvium_meeting *meeting = &all[place->number];
        int64_t latest_ms = alluvium_saturating_add(place->time.ms, self->lateness_ms);
        if (watermark.is_some && latest_ms < watermark.value.ms) {
            alluvium_emit_place(placer, ALLUVIUM_OUTPUT_UNJOINED, place->key, place->time, context);
            continue;
        }
        alluvium_time closes = {alluvium_interval_closes(self, input, place->time.ms)};
        if (!alluvium_set_timer(context, ALLUVIUM_INTERVAL_ENDS, closes, place->key)) return false;
        if (!alluvium_meeting_read(self, meeting, place->key, context)) return false;
        if (!alluvium_meet(self, input, place, meeting, context)) return false;
    }
    return alluvium_meetings_write(self, all, keys->keys, keys->count, context);
}

static inline bool alluvium_interval_route(void *instance, uint32_t input, const alluvium_batch *batch,
                                           alluvium_bytes *keys, alluvium_context *context) {
    const alluvium_interval_instance *self = instance;
    return alluvium_place_route(&self->placers[input], batch, keys, context);
}

// Takes away the records of a key that nothing can join any more.
static inline bool alluvium_interval_end(const alluvium_interval_instance *self, int64_t at_ms, alluvium_bytes key,
                                         alluvium_meeting *meeting, alluvium_context *context) {
    for (size_t input = 0; input < 2; input++) {
        size_t left = 0;
        for (size_t at = 0; at < meeting->sides[input].count; at++) {
            alluvium_met met = meeting->sides[input].at[at];
            if (alluvium_interval_closes(self, input, met.at_ms) > at_ms) {
                meeting->sides[input].at[left++] = met;
            } else if (input == ALLUVIUM_LEFT && self->is_outer && !met.is_joined) {
                if (!alluvium_emit_pair(self, key, met.row, NULL, context)) return false;
            }
        }
        meeting->sides[input].count = left;
    }
    return meeting->is_changed = true;
}

static inline bool alluvium_interval_on_timers(void *instance, const char *name, alluvium_time at,
                                               const alluvium_bytes *keys, size_t count, alluvium_context *context) {
    (void)name;
    alluvium_interval_instance *self = instance;
    if (!alluvium_interval_plan(self, context)) return false;
    if (!alluvium_check_timers(&self->placers[ALLUVIUM_LEFT], keys, count, context)) return false;
    if (!alluvium_prefetch(context, ALLUVIUM_INTERVAL_OPEN, keys, count)) return false;
    alluvium_meeting *all = alluvium_new(context->arena, count, sizeof *all);
    for (size_t key = 0; key < count; key++) {
        if (!alluvium_meeting_read(self, &all[key], keys[key], context)) return false;
        if (!alluvium_interval_end(self, at.ms, keys[key], &all[key], context)) return false;
    }
    return alluvium_meetings_write(self, all, keys, count, context);
}

#endif
