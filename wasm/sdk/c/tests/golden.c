// Deduplication, top-N, joins and lists: what they emit and keep is what it is in Rust.
#include "golden.h"

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
