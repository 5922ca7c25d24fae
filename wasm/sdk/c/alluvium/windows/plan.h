// What a declaration of windows means for a record: its columns, and what is done with them.
#ifndef ALLUVIUM_WINDOWS_PLAN_H
#define ALLUVIUM_WINDOWS_PLAN_H

#include "declare.h"

// The instance of an operator of windows.
typedef struct {
    bool is_planned;
    // The columns that are read: those of the declared row, and behind them those that are only named.
    alluvium_column columns[ALLUVIUM_COLUMNS_MAX];
    alluvium_row row;
    alluvium_rows rows;
    // The parts of the key, which are columns unless a function writes it.
    const alluvium_column *key[ALLUVIUM_KEY_PARTS_MAX];
    int key_types[ALLUVIUM_KEY_PARTS_MAX];
    size_t key_count;
    const alluvium_column *time, *number;
    alluvium_computing by;
    // How windows lie: one of a length begins after each step. Or they end after a gap, and those that touch are one.
    int64_t length_ms, step_ms, lateness_ms;
    bool are_sessions;
} alluvium_windows_instance;

// Fails with what is wrong with a declaration.
static inline bool alluvium_misdeclared(alluvium_context *context, const char *what) {
    return alluvium_fail(context, "the windows %s: %s", context->plugin->ident, what);
}

// Returns the type of a column of the declared row, or that of texts.
static inline int alluvium_declared_type(const alluvium_windows_instance *self, const char *name) {
    for (size_t at = 0; at < self->row.count; at++) {
        if (strcmp(self->columns[at].name, name) == 0) return self->columns[at].type;
    }
    return ALLUVIUM_TEXT;
}

// Returns the column of a name and a type, optional or not, and adds one if there is none.
static inline const alluvium_column *alluvium_plan_column(alluvium_windows_instance *self, const char *name, int type) {
    alluvium_row *row = &self->row;
    for (size_t at = 0; at < row->count; at++) {
        bool has_type = (self->columns[at].type | ALLUVIUM_OPTIONAL) == (type | ALLUVIUM_OPTIONAL);
        if (has_type && strcmp(self->columns[at].name, name) == 0) return &self->columns[at];
    }
    if (row->count == ALLUVIUM_COLUMNS_MAX) alluvium_bug("a row has too many columns");
    size_t offset = (row->bytes + ALLUVIUM_ALIGNMENT - 1) / ALLUVIUM_ALIGNMENT * ALLUVIUM_ALIGNMENT;
    self->columns[row->count] = (alluvium_column){name, type, offset};
    row->bytes = offset + (sizeof(alluvium_optional_text) + 7) / 8 * 8;
    return &self->columns[row->count++];
}

static inline bool alluvium_plan_key(alluvium_windows_instance *self, const alluvium_windows *windows,
                                     alluvium_context *context) {
    bool has_names = windows->key[0] != NULL;
    if (has_names == (windows->key_of != NULL)) return alluvium_misdeclared(context, "there is either .key or .key_of");
    for (size_t part = 0; part < ALLUVIUM_KEY_PARTS_MAX; part++) {
        const char *name = windows->key[part];
        int type = windows->key_types[part];
        if (has_names ? !name : !type) break;
        if (!type) type = alluvium_declared_type(self, name);
        if (type != ALLUVIUM_TEXT && type != ALLUVIUM_INTEGER && type != ALLUVIUM_UNSIGNED) {
            return alluvium_misdeclared(context, "a key is of texts and whole numbers");
        }
        if (has_names) self->key[part] = alluvium_plan_column(self, name, type);
        self->key_types[self->key_count++] = type;
    }
    if (self->key_count == 0) self->key_types[self->key_count++] = ALLUVIUM_TEXT;
    return true;
}

static inline bool alluvium_plan_time(alluvium_windows_instance *self, const alluvium_windows *windows,
                                      alluvium_context *context) {
    if (windows->time && windows->time_of) return alluvium_misdeclared(context, "there is either .time or .time_of");
    if (windows->time_of) return true;
    size_t times = 0;
    for (size_t at = 0; !windows->time && at < self->row.count; at++) {
        if ((self->columns[at].type & ~ALLUVIUM_OPTIONAL) != ALLUVIUM_TIME) continue;
        self->time = &self->columns[at];
        times += 1;
    }
    if (windows->time) self->time = alluvium_plan_column(self, windows->time, ALLUVIUM_TIME);
    // Which of several is meant, only the author knows.
    return windows->time || times == 1 || alluvium_misdeclared(context, "there is no .time");
}

static inline bool alluvium_plan_aggregate(alluvium_windows_instance *self, const alluvium_windows *windows,
                                           alluvium_context *context) {
    const struct {
        alluvium_aggregate_kind kind;
        const char *column;
    } numbers[] = {{ALLUVIUM_SUM, windows->sum},
                   {ALLUVIUM_MEAN, windows->mean},
                   {ALLUVIUM_LEAST, windows->min},
                   {ALLUVIUM_GREATEST, windows->max}};
    int declared = windows->count + (windows->aggregate != NULL);
    const char *column = NULL;
    if (windows->count) self->by.kind = ALLUVIUM_COUNT;
    self->by.own = windows->aggregate;
    for (size_t at = 0; at < sizeof numbers / sizeof *numbers; at++) {
        if (!numbers[at].column) continue;
        declared += 1;
        column = numbers[at].column;
        self->by.kind = numbers[at].kind;
    }
    if (declared != 1)
        return alluvium_misdeclared(context, "there is one of .count, .sum, .mean, .min, .max, .aggregate");
    if (column) self->number = alluvium_plan_column(self, column, ALLUVIUM_NUMBER + ALLUVIUM_OPTIONAL);
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
    const alluvium_windows *windows = context->plugin->windows;
    self->row.columns = self->columns;
    if (windows->row) {
        if (windows->row->count > ALLUVIUM_COLUMNS_MAX) alluvium_bug("a row has too many columns");
        memcpy(self->columns, windows->row->columns, windows->row->count * sizeof *self->columns);
        self->row.count = windows->row->count;
        self->row.bytes = windows->row->bytes;
    }
    self->is_planned = alluvium_plan_lengths(self, windows, context) && alluvium_plan_key(self, windows, context) &&
                       alluvium_plan_time(self, windows, context) && alluvium_plan_aggregate(self, windows, context);
    return self->is_planned;
}

#endif
