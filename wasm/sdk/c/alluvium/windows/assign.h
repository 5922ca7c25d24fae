// Which windows a time is in.
#ifndef ALLUVIUM_WINDOWS_ASSIGN_H
#define ALLUVIUM_WINDOWS_ASSIGN_H

#include "plan.h"

// A window: from a time up to another, which is not included.
typedef struct {
    int64_t from, to;
} alluvium_window;

static inline bool alluvium_same_window(alluvium_window a, alluvium_window b) {
    return a.from == b.from && a.to == b.to;
}

// Whether a window comes before another: by where it begins, and then by where it ends.
static inline bool alluvium_window_before(alluvium_window a, alluvium_window b) {
    return a.from < b.from || (a.from == b.from && a.to < b.to);
}

// The windows of a time: so many from the first one on, one after each step.
typedef struct {
    int64_t first, count;
} alluvium_assigned;

static inline alluvium_assigned alluvium_windows_at(const alluvium_windows_instance *self, int64_t at) {
    // That of a session is the session of this time alone.
    if (self->are_sessions) return (alluvium_assigned){at, 1};
    int64_t since = at % self->step_ms + (at % self->step_ms < 0 ? self->step_ms : 0);
    int64_t last = alluvium_saturating_sub(at, since);
    // How many begin at the last step before the time, or at one before that, and still have it.
    int64_t left = self->length_ms - 1 - (at - last);
    int64_t count = alluvium_saturating_add(alluvium_floor_div(left, self->step_ms), 1);
    int64_t before = alluvium_saturating_mul(self->step_ms, count - 1);
    return (alluvium_assigned){alluvium_saturating_sub(last, before), count};
}

static inline alluvium_window alluvium_assigned_window(const alluvium_windows_instance *self,
                                                       alluvium_assigned assigned, int64_t number) {
    int64_t from = alluvium_saturating_add(assigned.first, alluvium_saturating_mul(self->step_ms, number));
    return (alluvium_window){from, alluvium_saturating_add(from, self->length_ms)};
}

// When nothing more may come for a window.
static inline int64_t alluvium_window_closes(const alluvium_windows_instance *self, alluvium_window window) {
    return alluvium_saturating_add(window.to, self->lateness_ms);
}

#endif
