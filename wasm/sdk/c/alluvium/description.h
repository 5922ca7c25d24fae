// What an operator says of itself: its inputs and outputs, its namespaces and its parameters.
#ifndef ALLUVIUM_DESCRIPTION_H
#define ALLUVIUM_DESCRIPTION_H

#include "text.h"

// So many inputs, outputs, namespaces and parameters an operator has at most, and a row so many columns.
enum {
    ALLUVIUM_PORTS_MAX = 8,
    ALLUVIUM_NAMESPACES_MAX = 16,
    ALLUVIUM_PARAMETERS_MAX = 16,
    ALLUVIUM_COLUMNS_MAX = 64,
    ALLUVIUM_KEY_PARTS_MAX = 4,
};

// What the records of an input or an output are.
typedef enum {
    // Of an input: fields, which a header names. Of an output: lines of text.
    ALLUVIUM_LINES,
    // Bytes, as the source has them or as the sink takes them.
    ALLUVIUM_RECORDS,
} alluvium_format;

// An input or an output.
typedef struct {
    // The name, by which the host connects a source or a sink.
    const char *name;
    alluvium_format format;
    // Or where the name is, for what a declaration names. If there is none, the list ends here.
    const char *const *name_at;
} alluvium_port;

// A clock.
typedef enum {
    // None.
    ALLUVIUM_NO_CLOCK,
    // The time in the records, which the watermark follows.
    ALLUVIUM_EVENT_TIME,
    // The time of the machine.
    ALLUVIUM_PROCESSING_TIME,
} alluvium_clock;

// How the keys of a namespace are kept.
typedef enum {
    // By their hash.
    ALLUVIUM_HASHED,
    // In the order of their bytes.
    ALLUVIUM_ORDERED,
    // As timers of event time.
    ALLUVIUM_EVENT_TIMERS,
    // As timers of processing time.
    ALLUVIUM_PROCESSING_TIMERS,
} alluvium_kind;

// How values are merged.
typedef enum {
    // They are not.
    ALLUVIUM_NO_MERGE,
    // The sum of two numbers of 64 bits, little-endian.
    ALLUVIUM_MERGE_ADD,
    // The lesser value in the order of the bytes.
    ALLUVIUM_MERGE_MIN,
    // The greater value in the order of the bytes.
    ALLUVIUM_MERGE_MAX,
    // One value behind the other.
    ALLUVIUM_MERGE_APPEND,
    // The union of two sets, whose elements stand in ascending order, each behind its length as LEB128.
    ALLUVIUM_MERGE_SET_UNION,
} alluvium_merge_operator;

// When an entry goes away by itself: so many milliseconds of a clock after its last change.
typedef struct {
    alluvium_clock clock;
    uint64_t after_ms;
} alluvium_expiry;

struct alluvium_map;
struct alluvium_ordered;
struct alluvium_merged;

// A part of the state with keys of its own.
typedef struct {
    // The name, by which checkpoints know it.
    const char *name;
    alluvium_kind kind;
    // Of an ordered namespace: how many bytes at the start of a key say who owns the key.
    uint32_t route_bytes;
    alluvium_expiry expires;
    alluvium_merge_operator merge;
    // The namespace of typed state, instead of all of the above.
    const struct alluvium_map *map;
    const struct alluvium_ordered *ordered;
    const struct alluvium_merged *merged;
    // Or where the name is, as that of a port.
    const char *const *name_at;
} alluvium_namespace;

// What the user of an operator can set.
typedef struct {
    const char *name;
    // The value if the user sets none. Null: the user must set one.
    const char *value;
    // What it does, in one sentence.
    const char *doc;
} alluvium_parameter;

// What an operator says of itself. A list ends where a name is missing.
typedef struct {
    // The name, to which the state belongs. Without it, it is the name that the operator has in the code.
    const char *name;
    // The version of what the operator keeps in its state. 0 is 1.
    uint32_t schema_version;
    alluvium_port inputs[ALLUVIUM_PORTS_MAX];
    alluvium_port outputs[ALLUVIUM_PORTS_MAX];
    alluvium_namespace namespaces[ALLUVIUM_NAMESPACES_MAX];
    alluvium_parameter parameters[ALLUVIUM_PARAMETERS_MAX];
} alluvium_description;

static inline const char *alluvium_port_name(const alluvium_port *port) {
    return port->name_at ? *port->name_at : port->name;
}

static inline size_t alluvium_port_count(const alluvium_port *ports) {
    size_t count = 0;
    while (count < ALLUVIUM_PORTS_MAX && alluvium_port_name(&ports[count])) count++;
    return count;
}

static inline size_t alluvium_parameter_count(const alluvium_description *description) {
    size_t count = 0;
    while (count < ALLUVIUM_PARAMETERS_MAX && description->parameters[count].name) count++;
    return count;
}

#endif
