// Operators that emit and keep what they do in Rust, whose test writes the files that are read here.
#ifndef ALLUVIUM_TESTS_GOLDEN_H
#define ALLUVIUM_TESTS_GOLDEN_H

#include "check.h"

static alluvium_arena arena;

// Reads a file beside the tests in Rust, or returns nothing if it is not there, as outside of a checkout.
static alluvium_optional_bytes golden_file(const char *name) {
    const char *slash = strrchr(__FILE__, '/');
    int folder = slash ? (int)(slash - __FILE__ + 1) : 0;
    FILE *file = fopen(text(&arena, "%.*s../../tests/golden/%s.txt", folder, __FILE__, name), "rb");
    if (!file) return (alluvium_optional_bytes){0};
    alluvium_buffer all = alluvium_buffer_in(&arena);
    for (int byte; (byte = fgetc(file)) != EOF;) alluvium_add_byte(&all, (char)byte);
    fclose(file);
    return (alluvium_optional_bytes){true, alluvium_buffer_bytes(&all)};
}

// Shows bytes: as text what is text, and everything else in hexadecimal.
static void add_shown(alluvium_buffer *shown, alluvium_bytes bytes) {
    bool is_text = true;
    for (size_t at = 0; at < bytes.len; at++) is_text = is_text && bytes.at[at] >= ' ' && bytes.at[at] <= '~';
    if (!is_text) alluvium_add(shown, "x");
    for (size_t at = 0; at < bytes.len; at++) {
        if (is_text) alluvium_add_byte(shown, bytes.at[at]);
        else alluvium_add(shown, text(&arena, "%02x", (unsigned char)bytes.at[at]));
    }
}

// Does a step, and adds what the file says of it then. `head` is what to do and of what, and `body` what is fed.
static void do_step(alluvium_harness *harness, const char *head, alluvium_bytes body, alluvium_buffer *found) {
    const char *space = strchr(head, ' ');
    const char *of = space ? space + 1 : "";
    size_t len = space ? (size_t)(space - head) : strlen(head);
    alluvium_text what = {head, len};
    alluvium_add(found, text(&arena, "# %s\n", head));
    if (alluvium_text_is(what, "feed")) {
        ALLUVIUM_OK(alluvium_harness_feed_to(harness, (uint32_t)atoi(of), body));
        alluvium_add_text(found, body);
    } else if (alluvium_text_is(what, "watermark")) {
        ALLUVIUM_OK(alluvium_harness_watermark(harness, of));
    } else if (alluvium_text_is(what, "finish")) {
        ALLUVIUM_OK(alluvium_harness_finish(harness));
    } else if (alluvium_text_is(what, "emitted")) {
        const alluvium_emitted *emitted = alluvium_harness_emitted(harness, (size_t)atoi(of));
        for (size_t at = 0; at < emitted->count; at++) {
            alluvium_add_text(found, emitted->at[at]);
            alluvium_add(found, "\n");
        }
    } else {
        CHECK(alluvium_text_is(what, "entries"), "%s", head);
        const alluvium_table *table = alluvium_harness_entries(harness, of);
        for (size_t at = 0; at < table->count; at++) {
            add_shown(found, table->at[at].key);
            if (table->at[at].value.len) alluvium_add(found, " ");
            add_shown(found, table->at[at].value);
            alluvium_add(found, "\n");
        }
    }
}

// Does the steps of a file, and checks what it says of them.
static void golden(const char *name, const alluvium_operator *plugin) {
    alluvium_optional_bytes file = golden_file(name);
    if (!file.is_some) {
        printf("  SKIPPED: %s.txt is only in a checkout\n", name);
        return;
    }
    alluvium_harness *harness = alluvium_harness_new(plugin);
    alluvium_buffer found = alluvium_buffer_in(&arena);
    // A zero at the end ends the search for the next step.
    const char *at = alluvium_copy(&arena, file.value).at;
    while (*at) {
        const char *line = strchr(at, '\n'), *next = strstr(line, "\n# ");
        CHECK(at[0] == '#' && at[1] == ' ', "%s: no step: %.20s", name, at);
        next = next ? next + 1 : line + strlen(line);
        do_step(harness, text(&arena, "%.*s", (int)(line - at - 2), at + 2),
                (alluvium_bytes){line + 1, (size_t)(next - line - 1)}, &found);
        at = next;
    }
    alluvium_bytes is = alluvium_buffer_bytes(&found);
    CHECK(is.len > 1000 && alluvium_equal(is, file.value), "%s:\n%.*s", name, (int)is.len, is.at);
    alluvium_harness_free(harness);
}

#endif
