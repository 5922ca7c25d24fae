// A host that notes what it is asked for.
#ifndef ALLUVIUM_TESTS_SPY_H
#define ALLUVIUM_TESTS_SPY_H

#include "check.h"

// What the host was asked for, in a few words.
static alluvium_arena asked_arena;
static alluvium_buffer asked;

static bool spy_get_many(alluvium_context *context, uint32_t space, const alluvium_bytes *keys, size_t count,
                         alluvium_optional_bytes *values) {
    alluvium_add(&asked, text(&asked_arena, "get %u:", space));
    for (size_t at = 0; at < count; at++)
        alluvium_add(&asked, text(&asked_arena, " %.*s", (int)keys[at].len, keys[at].at));
    alluvium_add(&asked, "; ");
    return alluvium_host_get_many(context, space, keys, count, values);
}

static bool spy_apply(alluvium_context *context, uint32_t space, const alluvium_change *changes, size_t count) {
    alluvium_add(&asked, text(&asked_arena, "apply %u:", space));
    for (size_t at = 0; at < count; at++) {
        const alluvium_change *change = &changes[at];
        const char *sign = &"+\0-\0*"[2 * change->operation];
        alluvium_add(&asked, text(&asked_arena, " %s%.*s", sign, (int)change->key.len, change->key.at));
    }
    alluvium_add(&asked, "; ");
    return alluvium_host_apply(context, space, changes, count);
}

static bool spy_scan(alluvium_context *context, uint32_t space, const alluvium_range *range, alluvium_entries *found) {
    alluvium_add(&asked, text(&asked_arena, "scan %u: %u; ", space, range->limit));
    return alluvium_host_scan(context, space, range, found);
}

static bool spy_delete_range(alluvium_context *context, uint32_t space, const alluvium_range *range, uint64_t *count) {
    alluvium_add(&asked, text(&asked_arena, "delete range %u; ", space));
    return alluvium_host_delete_range(context, space, range, count);
}

// Has a call ask this host.
static void spy_on(alluvium_context *context) {
    static alluvium_host spy;
    spy = alluvium_harness_host;
    spy.get_many = spy_get_many;
    spy.apply = spy_apply;
    spy.scan = spy_scan;
    spy.delete_range = spy_delete_range;
    asked = alluvium_buffer_in(&asked_arena);
    context->host = &spy;
}

#endif
