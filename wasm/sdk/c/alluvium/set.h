// Sets as the engine has them: elements in the order of their bytes, each behind its length as LEB128.
#ifndef ALLUVIUM_SET_H
#define ALLUVIUM_SET_H

#include "batch.h"

// Takes an element from the front of a set: a length as LEB128, and so many bytes. Returns whether there is one.
static inline bool alluvium_set_take(alluvium_bytes *rest, alluvium_bytes *element) {
    uint64_t len = 0;
    for (unsigned shift = 0; shift < 35 && rest->len > 0; shift += 7) {
        unsigned char byte = (unsigned char)rest->at[0];
        *rest = (alluvium_bytes){rest->at + 1, rest->len - 1};
        len |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return len <= rest->len && alluvium_split(rest, (size_t)len, element);
    }
    return false;
}

// Adds an element behind those that come before it.
static inline void alluvium_set_add(alluvium_buffer *set, alluvium_bytes element) {
    size_t len = element.len;
    for (; len >= 0x80; len >>= 7) alluvium_add_byte(set, (char)((len & 0x7f) | 0x80));
    alluvium_add_byte(set, (char)len);
    alluvium_add_text(set, element);
}

#endif
