// The plugin `board`. It answers which flights left an airport last before a time.
//
// Departures come as columns, and questions as lines of JSON: {"origin":"JFK","at":"2013-01-05T12:00:00Z","last":3}.
// A question is answered when the watermark reaches its time, so the answer is complete. The parameter `hours` says how
// far back an answer goes. Departures are kept in the order of their times. Those that no later answer can show are
// deleted, all of them at once. The results show what the engine has added up by airport.
#include <alluvium_plugin.h>

// The inputs by number.
enum { DEPARTURES, QUESTIONS };

// The namespace of the times at which questions are answered.
#define DUE "due"

// Of an airport there is a code of three letters.
typedef struct {
    alluvium_text origin, dest, carrier;
    uint64_t flight;
    alluvium_time time_hour;
} departure;
static const alluvium_row DEPARTURE = ALLUVIUM_ROW(
    departure, ALLUVIUM_CODE_COLUMN(departure, origin, 3), ALLUVIUM_COLUMN(departure, dest),
    ALLUVIUM_COLUMN(departure, carrier), ALLUVIUM_COLUMN(departure, flight), ALLUVIUM_COLUMN(departure, time_hour));

// Flights by airport, and then by time, carrier and number. Two of one carrier may leave within an hour.
static const alluvium_row BY_TIME =
    ALLUVIUM_ROW_AS(ALLUVIUM_TUPLE, departure, ALLUVIUM_COLUMN(departure, time_hour),
                    ALLUVIUM_COLUMN(departure, carrier), ALLUVIUM_COLUMN(departure, flight));
// What is kept of a departure, and what an answer shows of it.
static const alluvium_row FLIGHT =
    ALLUVIUM_ROW(departure, ALLUVIUM_COLUMN(departure, carrier), ALLUVIUM_COLUMN_AS(departure, flight, "number"),
                 ALLUVIUM_COLUMN(departure, dest));
static const alluvium_ordered BOARD = {
    .name = "departures", .owner = ALLUVIUM_CODE_COLUMN(departure, origin, 3), .key = &BY_TIME, .value = &FLIGHT};

typedef struct {
    alluvium_text origin;
    alluvium_time at;
    uint64_t last;
} question;
static const alluvium_row QUESTION =
    ALLUVIUM_ROW_AS(ALLUVIUM_EXACT_OBJECT, question, ALLUVIUM_CODE_COLUMN(question, origin, 3),
                    ALLUVIUM_COLUMN(question, at), ALLUVIUM_COLUMN(question, last));
static const alluvium_list ASKED = {.name = "asked", .value = &QUESTION};

// What the engine adds up of an airport.
typedef struct {
    alluvium_text origin;
    int64_t flights;
    alluvium_time latest;
    alluvium_text destination;
} airport;
static const alluvium_row ORIGIN = ALLUVIUM_ROW_AS(ALLUVIUM_SCALAR, airport, ALLUVIUM_CODE_COLUMN(airport, origin, 3));
static const alluvium_row COUNT = ALLUVIUM_ROW_AS(ALLUVIUM_SCALAR, airport, ALLUVIUM_COLUMN(airport, flights));
static const alluvium_row TIME = ALLUVIUM_ROW_AS(ALLUVIUM_SCALAR, airport, ALLUVIUM_COLUMN(airport, latest));
static const alluvium_row DEST = ALLUVIUM_ROW_AS(ALLUVIUM_SCALAR, airport, ALLUVIUM_COLUMN(airport, destination));
static const alluvium_merged FLIGHTS = {
    .name = "flights", .merge = ALLUVIUM_MERGE_ADD, .key = &ORIGIN, .value = &COUNT};
static const alluvium_merged LATEST = {.name = "latest", .merge = ALLUVIUM_MERGE_MAX, .key = &ORIGIN, .value = &TIME};
static const alluvium_merged DESTINATIONS = {
    .name = "destinations", .merge = ALLUVIUM_MERGE_SET_UNION, .key = &ORIGIN, .value = &DEST};

typedef struct {
    alluvium_rows rows;
    // How far an answer goes back.
    int64_t back_ms;
} board;

static bool open(void *self, alluvium_context *context) {
    alluvium_text hours = alluvium_get_parameter(context, "hours").value;
    alluvium_optional_bytes before = alluvium_get_previous_parameter(context, "hours");
    int64_t count;
    if (!alluvium_read_integer(hours, &count) || count < 1 || count > 168) {
        return alluvium_fail(context, "the parameter hours: %s is no number of hours from 1 to 168",
                             alluvium_quoted(context, hours));
    }
    ((board *)self)->back_ms = ALLUVIUM_HOURS(count);
    if (before.is_some && !alluvium_equal(before.value, hours)) {
        // Departures that the shorter time has left behind are gone.
        alluvium_log(context, ALLUVIUM_WARN, "answers go back %.*s hours, and went back %.*s before", (int)hours.len,
                     hours.at, (int)before.value.len, before.value.at);
    }
    return true;
}

static bool begin(void *self, uint32_t input, const alluvium_header *header, alluvium_context *context) {
    (void)input;
    return alluvium_rows_begin(&((board *)self)->rows, &DEPARTURE, header, context);
}

// Reads questions. No answer has more departures than 16 bits can say.
static const question *read_questions(const alluvium_batch *batch, alluvium_context *context) {
    const question *questions = alluvium_json_rows_read(&QUESTION, batch, context);
    for (uint32_t at = 0; questions && at < batch->count; at++) {
        if (questions[at].last <= UINT16_MAX) continue;
        alluvium_fail(context, "no JSON of a record here: last: %llu is more than 65535",
                      (unsigned long long)questions[at].last);
        alluvium_blame(context, at);
        return NULL;
    }
    return questions;
}

static bool process_questions(const alluvium_batch *batch, alluvium_context *context) {
    const question *questions = read_questions(batch, context);
    for (uint32_t at = 0; questions && at < batch->count; at++) {
        alluvium_list_push(&ASKED, questions[at].origin, &questions[at], context);
        alluvium_set_timer(context, DUE, questions[at].at, questions[at].origin);
    }
    return questions;
}

static bool process(void *self, uint32_t input, const alluvium_batch *batch, alluvium_context *context) {
    if (input == QUESTIONS) return process_questions(batch, context);
    const departure *departures = alluvium_rows_read(&((board *)self)->rows, batch, context);
    for (uint32_t at = 0; departures && at < batch->count; at++) {
        const departure *one = &departures[at];
        const airport airport = {
            .origin = one->origin, .flights = 1, .latest = one->time_hour, .destination = one->dest};
        alluvium_merged_merge(&FLIGHTS, &airport, context);
        alluvium_merged_merge(&LATEST, &airport, context);
        alluvium_merged_merge(&DESTINATIONS, &airport, context);
        alluvium_ordered_set(&BOARD, one, context);
    }
    return departures;
}

static bool route(void *self, uint32_t input, const alluvium_batch *batch, alluvium_bytes *keys,
                  alluvium_context *context) {
    if (input == QUESTIONS) {
        const question *questions = read_questions(batch, context);
        for (uint32_t at = 0; questions && at < batch->count; at++) keys[at] = questions[at].origin;
        return questions;
    }
    const departure *departures = alluvium_rows_read(&((board *)self)->rows, batch, context);
    for (uint32_t at = 0; departures && at < batch->count; at++) keys[at] = departures[at].origin;
    return departures;
}

// Emits the last departures of an airport from `first` on and before `now`.
static bool answer(const question *asked, const departure *first, const departure *now, alluvium_context *context) {
    const alluvium_bounds bounds = {.from = first, .to = now};
    alluvium_json line = alluvium_json_in(context->arena);
    size_t count;
    const departure *found = alluvium_ordered_range_reversed(&BOARD, now, bounds, asked->last, &count, context);
    alluvium_json_object(&line);
    alluvium_json_member(&line, "origin");
    alluvium_json_text(&line, now->origin);
    alluvium_json_member(&line, "before");
    alluvium_json_time(&line, now->time_hour);
    alluvium_json_member(&line, "departures");
    alluvium_json_array(&line);
    for (size_t at = 0; at < count; at++) {
        alluvium_json_object(&line);
        alluvium_json_member(&line, "at");
        alluvium_json_time(&line, found[at].time_hour);
        alluvium_json_member(&line, "flight");
        alluvium_json_row(&line, &FLIGHT, &found[at]);
        alluvium_json_object_end(&line);
    }
    alluvium_json_array_end(&line);
    alluvium_json_object_end(&line);
    return alluvium_emit_json(context, 0, &line);
}

static bool on_timers(void *self, const char *name, alluvium_time at, const alluvium_bytes *keys, size_t count,
                      alluvium_context *context) {
    (void)name;
    departure now = {.time_hour = at};
    const departure first = {.time_hour = {alluvium_saturating_add(at.ms, -((board *)self)->back_ms)}};
    for (size_t key = 0; key < count; key++) {
        size_t asked_count;
        uint64_t gone;
        airport airport;
        if (!alluvium_read_row_key(context->arena, &ORIGIN, keys[key], &airport)) {
            return alluvium_fail(context, "a timer for what is no airport");
        }
        now.origin = airport.origin;
        const question *asked = alluvium_list_take(&ASKED, now.origin, &asked_count, context);
        for (size_t one = 0; asked && one < asked_count; one++) {
            if (asked[one].at.ms == at.ms) answer(&asked[one], &first, &now, context);
        }
        for (size_t one = 0; asked && one < asked_count; one++) {
            if (asked[one].at.ms != at.ms) alluvium_list_push(&ASKED, now.origin, &asked[one], context);
        }
        // Timers fire in the order of their times, so no answer goes back further any more.
        alluvium_ordered_delete_range(&BOARD, &now, (alluvium_bounds){.to = &first}, &gone, context);
    }
    return !context->has_failed;
}

static bool results(void *self, bool start, uint32_t limit, alluvium_lines *lines, alluvium_context *context) {
    (void)self;
    size_t count, destination_count;
    bool is_some;
    airport *airports = alluvium_merged_page(&FLIGHTS, start, limit, &count, context);
    for (airport *one = airports; airports && one < airports + count; one++) {
        alluvium_json line = alluvium_json_in(context->arena);
        alluvium_merged_get(&LATEST, one, &is_some, context);
        const airport *destinations = alluvium_merged_elements(&DESTINATIONS, one, &destination_count, context);
        alluvium_json_object(&line);
        alluvium_json_member(&line, "key");
        alluvium_json_text(&line, one->origin);
        alluvium_json_member(&line, "flights");
        alluvium_json_integer(&line, one->flights);
        alluvium_json_member(&line, "latest");
        if (is_some) alluvium_json_time(&line, one->latest);
        else alluvium_json_null(&line);
        alluvium_json_member(&line, "destinations");
        if (destination_count) alluvium_json_array(&line);
        else alluvium_json_null(&line);
        for (size_t at = 0; at < destination_count; at++) alluvium_json_text(&line, destinations[at].destination);
        if (destination_count) alluvium_json_array_end(&line);
        alluvium_json_object_end(&line);
        alluvium_add_line(lines, &line, context);
    }
    return !context->has_failed;
}

ALLUVIUM_OPERATOR(board, .instance_bytes = sizeof(board), .open = open, .begin = begin, .process = process,
                  .route = route, .on_timers = on_timers, .results = results,
                  .describe = {
                      .inputs = {{.name = "departures"}, {.name = "questions", .format = ALLUVIUM_RECORDS}},
                      .outputs = {{.name = "answers"}},
                      .namespaces = {{.ordered = &BOARD},
                                     {.map = &ASKED},
                                     {.merged = &FLIGHTS},
                                     {.merged = &LATEST},
                                     {.merged = &DESTINATIONS},
                                     {.name = DUE, .kind = ALLUVIUM_EVENT_TIMERS}},
                      .parameters = {{.name = "hours", .value = "24", .doc = "how many hours an answer goes back"}}})
