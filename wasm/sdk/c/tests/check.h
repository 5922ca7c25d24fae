// What the tests share: checks that name their line, and numbers that are the same for the same seed.
#ifndef ALLUVIUM_TESTS_CHECK_H
#define ALLUVIUM_TESTS_CHECK_H

#include <alluvium/harness.h>
#include <inttypes.h>

#define CHECK(is_so, ...)                                                                                              \
    do {                                                                                                               \
        if (is_so) break;                                                                                              \
        fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #is_so);                                                    \
        fprintf(stderr, __VA_ARGS__);                                                                                  \
        fputc('\n', stderr);                                                                                           \
        exit(1);                                                                                                       \
    } while (0)

// Checks that bytes are those of a literal, which may have zeroes within.
#define CHECK_BYTES(bytes, literal)                                                                                    \
    do {                                                                                                               \
        alluvium_bytes is = bytes;                                                                                     \
        CHECK(alluvium_equal(is, ALLUVIUM_LITERAL(literal)), "%.*s", (int)is.len, is.at);                              \
    } while (0)

// Runs a test, and says that it has passed.
#define TEST(test)                                                                                                     \
    do {                                                                                                               \
        test();                                                                                                        \
        printf("  ok    " #test "\n");                                                                                 \
    } while (0)

// A sequence of numbers that follows from its seed (SplitMix64).
typedef struct {
    uint64_t state;
} rng;

static inline uint64_t next(rng *rng) {
    uint64_t mixed = rng->state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

// Returns a number from 0 up to `below`, which is not included.
static inline int64_t below(rng *rng, int64_t below) {
    return (int64_t)(next(rng) % (uint64_t)below);
}

// Writes a text as printf does. It stays until the arena goes away.
__attribute__((format(printf, 2, 3))) static inline const char *text(alluvium_arena *arena, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    alluvium_text formatted = alluvium_formatted(arena, format, arguments);
    va_end(arguments);
    return formatted.at;
}

#endif
