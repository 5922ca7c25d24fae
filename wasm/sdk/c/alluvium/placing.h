// Where records belong: the key and the time of each, as a declaration says it.
#ifndef ALLUVIUM_PLACING_H
#define ALLUVIUM_PLACING_H

#include "operator.h"

// The members of a declaration that say what the records of an input have, and where they belong:
//
// | member                      | says                                                                              |
// |-----------------------------|-----------------------------------------------------------------------------------|
// | .row                        | what the functions get: the columns that are read into a struct; the columns that |
// |                             | are named in other members are added                                              |
// | .key, .key_types            | the columns of the key, and their types: ALLUVIUM_TEXT unless `.row` has another  |
// |                             | one, or it is said otherwise                                                      |
// | .key_of                     | or a function that writes the key of a row: parts of `.key_types`, or one text    |
// | .time, .time_of             | the column of the time, or a function that returns it; the only time of `.row`    |
// |                             | needs neither; a record without a time is refused                                 |
#define ALLUVIUM_PLACING_MEMBERS                                                                                       \
    const alluvium_row *row;                                                                                           \
    const char *key[ALLUVIUM_KEY_PARTS_MAX];                                                                           \
    int key_types[ALLUVIUM_KEY_PARTS_MAX];                                                                             \
    void (*key_of)(const void *row, alluvium_key *key);                                                                \
    const char *time;                                                                                                  \
    alluvium_optional_time (*time_of)(const void *row);

typedef struct {
    ALLUVIUM_PLACING_MEMBERS
} alluvium_placing;

// The members again, within another declaration: by themselves, and all together as `placing`.
#define ALLUVIUM_PLACED_BY                                                                                             \
    union {                                                                                                            \
        struct {                                                                                                       \
            ALLUVIUM_PLACING_MEMBERS                                                                                   \
        };                                                                                                             \
        alluvium_placing placing;                                                                                      \
    };

// What a key is made of: columns, unless a function writes it.
typedef struct {
    const alluvium_column *columns[ALLUVIUM_KEY_PARTS_MAX];
    int types[ALLUVIUM_KEY_PARTS_MAX];
    size_t count;
    void (*of)(const void *row, alluvium_key *key);
} alluvium_key_plan;

// What a placing means for a record. It belongs in the struct of the operator's instance.
typedef struct {
    // The columns that are read: those of the declared row, and behind them those that are only named.
    alluvium_column columns[ALLUVIUM_COLUMNS_MAX];
    alluvium_row row;
    alluvium_rows rows;
    alluvium_key_plan key;
    const alluvium_column *time;
    alluvium_optional_time (*time_of)(const void *row);
} alluvium_placer;

// Fails with what is wrong with a declaration.
static inline bool alluvium_misdeclared(alluvium_context *context, const char *what) {
    return alluvium_fail(context, "the %s %s: %s", context->plugin->declared_as, context->plugin->ident, what);
}

// Begins with the columns of the declared row.
static inline void alluvium_plan_row(alluvium_placer *placer, const alluvium_row *row) {
    placer->row.columns = placer->columns;
    if (!row) return;
    if (row->count > ALLUVIUM_COLUMNS_MAX) alluvium_bug("a row has too many columns");
    memcpy(placer->columns, row->columns, row->count * sizeof *placer->columns);
    placer->row.count = row->count;
    placer->row.bytes = row->bytes;
    placer->row.shape = row->shape;
}

// Returns the type of a column of the declared row, or that of texts.
static inline int alluvium_declared_type(const alluvium_placer *placer, const char *name) {
    for (size_t at = 0; at < placer->row.count; at++) {
        if (strcmp(placer->columns[at].name, name) == 0) return placer->columns[at].type;
    }
    return ALLUVIUM_TEXT;
}

// Returns the column of a name and a type, optional or not, and adds one if there is none.
static inline const alluvium_column *alluvium_plan_column(alluvium_placer *placer, const char *name, int type) {
    alluvium_row *row = &placer->row;
    for (size_t at = 0; at < row->count; at++) {
        bool has_type = (placer->columns[at].type | ALLUVIUM_OPTIONAL) == (type | ALLUVIUM_OPTIONAL);
        if (has_type && strcmp(placer->columns[at].name, name) == 0) return &placer->columns[at];
    }
    if (row->count == ALLUVIUM_COLUMNS_MAX) alluvium_bug("a row has too many columns");
    size_t offset = (row->bytes + ALLUVIUM_ALIGNMENT - 1) / ALLUVIUM_ALIGNMENT * ALLUVIUM_ALIGNMENT;
    placer->columns[row->count] = (alluvium_column){name, type, offset};
    row->bytes = offset + (sizeof(alluvium_optional_text) + 7) / 8 * 8;
    return &placer->columns[row->count++];
}

// Plans what a key is made of: of the columns of these names, or of what a function writes. `member` is what the
// declaration calls it.
static inline bool alluvium_plan_key(alluvium_placer *placer, alluvium_key_plan *plan, const char *member,
                                     const char *const *names, const int *types,
                                     void (*of)(const void *row, alluvium_key *key), alluvium_context *context) {
    *plan = (alluvium_key_plan){.of = of};
    if ((names[0] != NULL) == (of != NULL)) {
        return alluvium_fail(context, "the %s %s: there is either .%s or .%s_of", context->plugin->declared_as,
                             context->plugin->ident, member, member);
    }
    for (size_t part = 0; part < ALLUVIUM_KEY_PARTS_MAX; part++) {
        const char *name = names[part];
        int type = types[part];
        if (of ? !type : !name) break;
        if (!type) type = alluvium_declared_type(placer, name);
        bool is_key_type = alluvium_is_key_type(type);
        if (is_key_type && name) plan->columns[part] = alluvium_plan_column(placer, name, type);
        // One that may be none is no part of a key, whatever type the declaration gives it.
        if (!is_key_type || (name && plan->columns[part]->type != type)) {
            return alluvium_misdeclared(context, "a key is of texts, whole numbers and times");
        }
        plan->types[plan->count++] = type;
    }
    if (plan->count == 0) plan->types[plan->count++] = ALLUVIUM_TEXT;
    return true;
}

static inline bool alluvium_plan_time(alluvium_placer *placer, const alluvium_placing *placing,
                                      alluvium_context *context) {
    placer->time_of = placing->time_of;
    if (placing->time && placing->time_of) return alluvium_misdeclared(context, "there is either .time or .time_of");
    if (placing->time_of) return true;
    size_t times = 0;
    for (size_t at = 0; !placing->time && at < placer->row.count; at++) {
        if (alluvium_base_type(placer->columns[at].type) != ALLUVIUM_TIME) continue;
        placer->time = &placer->columns[at];
        times += 1;
    }
    if (placing->time) placer->time = alluvium_plan_column(placer, placing->time, ALLUVIUM_TIME);
    // Which of several is meant, only the author knows.
    return placing->time || times == 1 || alluvium_misdeclared(context, "there is no .time");
}

// Plans where the records of an input belong.
static inline bool alluvium_plan_placing(alluvium_placer *placer, const alluvium_placing *placing,
                                         alluvium_context *context) {
    alluvium_plan_row(placer, placing->row);
    return alluvium_plan_key(placer, &placer->key, "key", placing->key, placing->key_types, placing->key_of, context) &&
           alluvium_plan_time(placer, placing, context);
}

// Checks that the rows can be kept and emitted as they are: each of their members has a name of its own.
static inline bool alluvium_plan_kept_rows(const alluvium_placer *placer, alluvium_context *context) {
    for (size_t at = 0; at < placer->row.count; at++) {
        for (size_t other = 0; other < at; other++) {
            if (strcmp(placer->columns[at].name, placer->columns[other].name) == 0) {
                return alluvium_misdeclared(context, "a column has two types");
            }
        }
    }
    return true;
}

#endif
