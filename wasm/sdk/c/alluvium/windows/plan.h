// What a declaration of windows means for a record: its columns, and what is done with them.
#ifndef ALLUVIUM_WINDOWS_PLAN_H
#define ALLUVIUM_WINDOWS_PLAN_H

#include "declare.h"

// The instance of an operator of windows.
typedef struct {
    bool is_planned;
    alluvium_placer placer;
    const alluvium_column *number;
    alluvium_computing by;
    alluvium_top_plan top;
    // How windows lie: one of a length begins after each step. Or they end after a gap, and those that touch are one.
    int64_t length_ms, step_ms, lateness_ms;
    bool are_sessions;
} alluvium_windows_instance;

static inline bool alluvium_plan_aggregate(alluvium_windows_instance *self, const alluvium_windows *windows,
                                           alluvium_context *context) {
    const struct {
        alluvium_aggregate_kind kind;
        const char *column;
    } numbers[] = {{ALLUVIUM_SUM, windows->sum},
                   {ALLUVIUM_MEAN, windows->mean},
                   {ALLUVIUM_LEAST, windows->min},
                   {ALLUVIUM_GREATEST, windows->max}};
    bool is_top = windows->top.item[0] || windows->top.item_of || windows->top.limit;
    int declared = windows->count + (windows->aggregate != NULL) + is_top;
    const char *column = NULL;
    if (windows->count) self->by.kind = ALLUVIUM_COUNT;
    if (is_top) self->by.kind = ALLUVIUM_TOP;
    self->by.own = windows->aggregate;
    self->by.top = &self->top;
    for (size_t at = 0; at < sizeof numbers / sizeof *numbers; at++) {
        if (!numbers[at].column) continue;
        declared += 1;
        column = numbers[at].column;
        self->by.kind = numbers[at].kind;
    }
    if (declared != 1)
        return alluvium_misdeclared(context, "there is one of .count, .sum, .mean, .min, .max, .top, .aggregate");
    if (is_top && !alluvium_plan_top(&self->top, &windows->top, &self->placer, context)) return false;
    if (column) self->number = alluvium_plan_column(&self->placer, column, ALLUVIUM_NUMBER + ALLUVIUM_OPTIONAL);
    return true;
}

static inline bool alluvium_plan_lengths(alluvium_windows_instance *self, const alluvium_windows *windows,
                                         alluvium_context *context) {
    int64_t length_ms = windows->sliding.length_ms, step_ms = windows->sliding.step_ms;
    bool slides = length_ms != 0 || step_ms != 0;
    if ((windows->tumbling_ms != 0) + slides + (windows->session_gap_ms != 0) != 1) {
        return alluvium_misdeclared(context, "there is one of .tumbling_ms, .sliding and .session_gap_ms");
    }
    self->are_sessions = windows->session_gap_ms != 0;
    self->length_ms = slides ? length_ms : windows->tumbling_ms + windows->session_gap_ms;
    self->step_ms = slides ? step_ms : self->length_ms;
    self->lateness_ms = windows->lateness_ms;
    if (self->length_ms < 1 || self->step_ms < 0 || self->lateness_ms < 0) {
        return alluvium_misdeclared(context, "a length is less than a millisecond");
    }
    if (self->step_ms < self->length_ms / 1000) self->step_ms = self->length_ms / 1000;
    if (self->step_ms < 1) self->step_ms = 1;
    return true;
}

// Plans what the windows of this operator do, once for each instance.
static inline bool alluvium_windows_plan(alluvium_windows_instance *self, alluvium_context *context) {
    if (self->is_planned) return true;
    const alluvium_windows *windows = context->plugin->declared;
    self->is_planned = alluvium_plan_lengths(self, windows, context) &&
                       alluvium_plan_placing(&self->placer, &windows->placing, context) &&
                       alluvium_plan_aggregate(self, windows, context);
    return self->is_planned;
}

#endif
