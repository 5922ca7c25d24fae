// Memory: an arena that lives for one call, and the end of a plugin that has a bug.
#ifndef ALLUVIUM_MEMORY_H
#define ALLUVIUM_MEMORY_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef __wasm__
#include <stdio.h>
#endif

// Ends the plugin, because it has a bug or there is no memory. The host starts another instance from the last
// checkpoint, so no data is lost. In a component there is no place for the text: a trap is all that the host sees.
static inline _Noreturn void alluvium_bug(const char *what) {
#ifdef __wasm__
    (void)what;
    __builtin_trap();
#else
    fprintf(stderr, "alluvium: %s\n", what);
    abort();
#endif
}

// Adds and multiplies sizes. Lengths come from the input, so an overflow must not make a small number of them.
static inline size_t alluvium_plus(size_t a, size_t b) {
    size_t sum;
    if (__builtin_add_overflow(a, b, &sum)) alluvium_bug("a length is too large");
    return sum;
}

static inline size_t alluvium_times(size_t a, size_t b) {
    size_t product;
    if (__builtin_mul_overflow(a, b, &product)) alluvium_bug("a length is too large");
    return product;
}

// A piece of memory from malloc, of which an arena gives out parts.
typedef struct alluvium_chunk {
    struct alluvium_chunk *before;
    size_t bytes;
    max_align_t memory[];
} alluvium_chunk;

// Memory from malloc that others have allocated, and that goes away with the arena.
typedef struct alluvium_adopted {
    struct alluvium_adopted *before;
    void *memory;
} alluvium_adopted;

// Gives out memory that is freed all at once: at the end of a call. Nothing in it is freed alone.
// An arena of all zeroes is empty.
typedef struct {
    alluvium_chunk *last;
    size_t used;
    alluvium_adopted *adopted;
} alluvium_arena;

#if defined __has_feature
#if __has_feature(address_sanitizer) && !defined __SANITIZE_ADDRESS__
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

// A chunk has at least so many bytes. With the address sanitizer each allocation has a chunk of its own, so that a
// step beyond its end is found.
enum {
#ifdef __SANITIZE_ADDRESS__
    ALLUVIUM_CHUNK_BYTES = 0,
#else
    ALLUVIUM_CHUNK_BYTES = 128 << 10,
#endif
    ALLUVIUM_ALIGNMENT = alignof(max_align_t),
};

// Returns memory whose bytes are not set. It is never null, not even for no bytes.
static inline void *alluvium_take(alluvium_arena *arena, size_t count, size_t size) {
    size_t bytes = alluvium_times(count, size);
    bytes = alluvium_plus(bytes ? bytes : 1, ALLUVIUM_ALIGNMENT - 1) / ALLUVIUM_ALIGNMENT * ALLUVIUM_ALIGNMENT;
    if (!arena->last || arena->last->bytes - arena->used < bytes) {
        size_t wanted = bytes > ALLUVIUM_CHUNK_BYTES ? bytes : ALLUVIUM_CHUNK_BYTES;
        alluvium_chunk *chunk = malloc(alluvium_plus(sizeof *chunk, wanted));
        if (!chunk) alluvium_bug("there is no memory");
        *chunk = (alluvium_chunk){.before = arena->last, .bytes = wanted};
        arena->last = chunk;
        arena->used = 0;
    }
    void *taken = (char *)arena->last->memory + arena->used;
    arena->used += bytes;
    return taken;
}

// Returns memory of zeroes.
static inline void *alluvium_new(alluvium_arena *arena, size_t count, size_t size) {
    return memset(alluvium_take(arena, count, size), 0, alluvium_times(count, size));
}

// Has the arena free memory from malloc.
static inline void alluvium_adopt(alluvium_arena *arena, void *memory) {
    alluvium_adopted *adopted = alluvium_take(arena, 1, sizeof *adopted);
    *adopted = (alluvium_adopted){.before = arena->adopted, .memory = memory};
    arena->adopted = adopted;
}

// Frees everything, but keeps one chunk of the usual length for the next call.
static inline void alluvium_arena_reset(alluvium_arena *arena) {
    for (alluvium_adopted *adopted = arena->adopted; adopted; adopted = adopted->before) free(adopted->memory);
    alluvium_chunk *kept = NULL;
    for (alluvium_chunk *chunk = arena->last, *before; chunk; chunk = before) {
        before = chunk->before;
        if (!kept && ALLUVIUM_CHUNK_BYTES > 0 && chunk->bytes == ALLUVIUM_CHUNK_BYTES) {
            kept = chunk;
            kept->before = NULL;
        } else {
            free(chunk);
        }
    }
    *arena = (alluvium_arena){.last = kept};
}

// Frees everything.
static inline void alluvium_arena_free(alluvium_arena *arena) {
    alluvium_arena_reset(arena);
    free(arena->last);
    *arena = (alluvium_arena){0};
}

#endif
