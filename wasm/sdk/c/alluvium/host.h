// What an operator can ask of its host: the interfaces that a component imports, and their like in the harness.
#ifndef ALLUVIUM_HOST_H
#define ALLUVIUM_HOST_H

#include "description.h"
#include "time.h"

typedef struct alluvium_context alluvium_context;

// Bytes, or none.
typedef struct {
    bool is_some;
    alluvium_bytes value;
} alluvium_optional_bytes;

typedef enum {
    ALLUVIUM_PUT,
    ALLUVIUM_DELETE,
    ALLUVIUM_MERGE,
} alluvium_operation;

// A change of a key. A key that is deleted has no value.
typedef struct {
    alluvium_operation operation;
    alluvium_bytes key, value;
} alluvium_change;

typedef struct {
    alluvium_bytes key, value;
} alluvium_entry;

// Entries in the order of their keys.
typedef struct {
    alluvium_entry *at;
    size_t count;
} alluvium_entries;

// The keys from one up to another, which is not included. Without the other, up to the last one.
typedef struct {
    alluvium_bytes from;
    alluvium_optional_bytes to;
    // At most so many, and from the end of the range with `reverse`. Deleting takes all of them.
    bool reverse;
    uint32_t limit;
} alluvium_range;

// How important a message is.
typedef enum {
    ALLUVIUM_DEBUG,
    ALLUVIUM_INFO,
    ALLUVIUM_WARN,
    ALLUVIUM_ERROR,
} alluvium_level;

// What a host can do. A function that returns false has changed nothing, and has told the context what was wrong.
// Operators call the functions of context.h instead.
typedef struct {
    bool (*namespace_number)(alluvium_context *, const char *name, uint32_t *number);
    // Finds the values of keys, in their order. They stay until the end of the call.
    bool (*get_many)(alluvium_context *, uint32_t space, const alluvium_bytes *keys, size_t count,
                     alluvium_optional_bytes *values);
    bool (*apply)(alluvium_context *, uint32_t space, const alluvium_change *changes, size_t count);
    bool (*scan)(alluvium_context *, uint32_t space, const alluvium_range *range, alluvium_entries *found);
    bool (*delete_range)(alluvium_context *, uint32_t space, const alluvium_range *range, uint64_t *count);
    // Finds the next entries of a namespace of any kind, and from the first one with `start`.
    bool (*page)(alluvium_context *, uint32_t space, bool start, uint32_t limit, alluvium_entries *found);
    bool (*set_timer)(alluvium_context *, uint32_t space, int64_t at_ms, alluvium_bytes key);
    bool (*delete_timer)(alluvium_context *, uint32_t space, int64_t at_ms, alluvium_bytes key, bool *was_set);
    alluvium_optional_time (*watermark)(alluvium_context *);
    alluvium_optional_time (*processing_time)(alluvium_context *);
    bool (*emit)(alluvium_context *, uint32_t output, alluvium_bytes record);
    void (*log)(alluvium_context *, alluvium_level level, alluvium_text message);
} alluvium_host;

#endif
