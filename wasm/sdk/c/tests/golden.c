// Deduplication, top-N, joins and lists: what they emit and keep is what it is in Rust, whose test writes the files.
#include "check.h"

typedef struct {
    alluvium_text id;
    alluvium_time at;
    double price;
    int64_t big;
    alluvium_optional_text note;
} order;
static const alluvium_row ORDER =
    ALLUVIUM_ROW(order, ALLUVIUM_COLUMN(order, id), ALLUVIUM_COLUMN(order, at), ALLUVIUM_COLUMN(order, price),
                 ALLUVIUM_COLUMN(order, big), ALLUVIUM_COLUMN(order, note));

typedef struct {
    alluvium_text id;
    alluvium_time at;
    bool ok;
} payment;
static const alluvium_row PAYMENT =
    ALLUVIUM_ROW(payment, ALLUVIUM_COLUMN(payment, id), ALLUVIUM_COLUMN(payment, at), ALLUVIUM_COLUMN(payment, ok));

ALLUVIUM_INTERVAL_JOIN(interval, .left = {.row = &ORDER, .key = {"id"}}, .right = {.row = &PAYMENT, .key = {"id"}},
                       .before_ms = 3, .after_ms = 5, .lateness_ms = 2, .outer = true)
ALLUVIUM_DEDUPLICATE(deduplicate, .row = &ORDER, .key = {"id", "big"}, .within_ms = 10, .lateness_ms = 3)
ALLUVIUM_WINDOWS(top, .tumbling_ms = 10, .lateness_ms = 5, .row = &ORDER, .key = {"id"},
                 .top = {.limit = 2, .item = {"big"}})

typedef struct {
    int64_t big;
    alluvium_optional_number price;
} price;
static const alluvium_row PRICE = ALLUVIUM_ROW(price, ALLUVIUM_COLUMN(price, big), ALLUVIUM_COLUMN(price, price));

static void emit_all(const void *record, const void *const *found, alluvium_json *line) {
    alluvium_json_array(line);
    alluvium_json_row(line, &ORDER, record);
    if (found[0]) alluvium_json_row(line, &PAYMENT, found[0]);
    else alluvium_json_null(line);
    if (found[1]) alluvium_json_row(line, &PRICE, found[1]);
    else alluvium_json_null(line);
    alluvium_json_array_end(line);
}
ALLUVIUM_TABLE_JOIN(table, .input = "orders", .row = &ORDER, .key = {"id", "big"}, .wait_ms = 4, .emit = emit_all,
                    .tables = {{.input = "payments", .row = &PAYMENT, .key = {"id"}, .lookup = {"id"}},
                               {.input = "prices", .row = &PRICE, .key = {"big"}, .lookup = {"big"}}})

// Pushes each order to three lists, and takes the orders of a key when there are three.
static const alluvium_row TIME = ALLUVIUM_ROW_AS(ALLUVIUM_SCALAR, order, ALLUVIUM_COLUMN(order, at));
static const alluvium_row PAIR =
    ALLUVIUM_ROW_AS(ALLUVIUM_TUPLE, order, ALLUVIUM_COLUMN(order, big), ALLUVIUM_COLUMN(order, note));
static const alluvium_list ORDERS = {.name = "orders", .value = &ORDER};
static const alluvium_list TIMES = {.name = "times", .value = &TIME};
static const alluvium_list PAIRS = {.name = "pairs", .value = &PAIR};

static bool begin_lists(void *self, uint32_t input, const alluvium_header *header, alluvium_context *context) {
    (void)input;
    return alluvium_rows_begin(self, &ORDER, header, context);
}

static bool process_lists(void *self, uint32_t input, const alluvium_batch *batch, alluvium_context *context) {
    (void)input;
    const order *orders = alluvium_rows_read(self, batch, context);
    for (uint32_t record = 0; orders && record < batch->count; record++) {
        alluvium_bytes id = orders[record].id;
        alluvium_json line = alluvium_json_in(context->arena);
        size_t count = alluvium_list_push(&ORDERS, id, &orders[record], context);
        alluvium_list_push(&TIMES, id, &orders[record], context);
        alluvium_list_push(&PAIRS, id, &orders[record], context);
        if (count < 3) {
            alluvium_json_unsigned(&line, count);
        } else {
            const order *taken = alluvium_list_take(&ORDERS, id, &count, context);
            alluvium_json_array(&line);
            for (size_t at = 0; taken && at < count; at++) alluvium_json_row(&line, &ORDER, &taken[at]);
            alluvium_json_array_end(&line);
        }
        if (!alluvium_emit_json(context, 0, &line)) return false;
    }
    return orders;
}

ALLUVIUM_OPERATOR(lists, .instance_bytes = sizeof(alluvium_rows), .begin = begin_lists, .process = process_lists,
                  .describe = {.inputs = {{.name = "orders"}},
                               .outputs = {{.name = "counts"}},
                               .namespaces = {{.map = &ORDERS}, {.map = &TIMES}, {.map = &PAIRS}}})

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

static void an_interval_join_emits_and_keeps_the_same_as_in_rust(void) {
    golden("interval", ALLUVIUM_OPERATOR_OF(interval));
}

static void a_deduplication_emits_and_keeps_the_same_as_in_rust(void) {
    golden("deduplicate", ALLUVIUM_OPERATOR_OF(deduplicate));
}

static void the_most_frequent_items_are_the_same_as_in_rust(void) {
    golden("top", ALLUVIUM_OPERATOR_OF(top));
}

static void a_table_join_emits_and_keeps_the_same_as_in_rust(void) {
    golden("table", ALLUVIUM_OPERATOR_OF(table));
}

static void lists_are_the_same_as_in_javascript_and_python(void) {
    golden("lists", ALLUVIUM_OPERATOR_OF(lists));
}

int main(void) {
    TEST(lists_are_the_same_as_in_javascript_and_python);
    TEST(a_table_join_emits_and_keeps_the_same_as_in_rust);
    TEST(an_interval_join_emits_and_keeps_the_same_as_in_rust);
    TEST(a_deduplication_emits_and_keeps_the_same_as_in_rust);
    TEST(the_most_frequent_items_are_the_same_as_in_rust);
    alluvium_arena_free(&arena);
}
