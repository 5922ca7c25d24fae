// The plugin `board`. It answers which flights left an airport last before a time.
//
// Departures come as columns, and questions as lines of JSON: `{"origin":"JFK","at":"2013-01-05T12:00:00Z","last":3}`. A
// question is answered when the watermark reaches its time, so the answer is complete. The parameter `hours` says how far
// back an answer goes. Departures are kept in the order of their times. Those that no later answer can show are deleted,
// all of them at once. The results show what the engine has added up by airport.

import {
  add,
  bigint,
  code,
  greatest,
  hours,
  integer,
  key,
  list,
  ListState,
  Merged,
  optional,
  OrderedMap,
  readJson,
  record,
  Refusal,
  row,
  Rows,
  text,
  time,
  timers,
  union,
  unsigned,
} from "alluvium-plugin";

// The number of the input of questions; that of the departures is 0.
const QUESTIONS = 1;
// The namespace of the times at which questions are answered.
const DUE = "due";
// The most departures that a question may ask for.
const LAST_MAX = 65535;

const Airport = code(3);

const Departure = row({ origin: Airport, dest: text, carrier: text, flight: unsigned, time_hour: time });

// What is kept of a departure, and what an answer shows of it.
const Flight = record({ carrier: text, number: unsigned, dest: text });

const Question = record({ origin: Airport, at: time, last: integer }, { isClosed: true });
const Answer = record({ origin: Airport, before: time, departures: list(record({ at: time, flight: Flight })) });
const Result = record({
  key: Airport,
  flights: bigint,
  latest: optional(time),
  destinations: optional(list(text)),
});

export default class Board {
  rows = new Rows(Departure);
  // Flights by airport, and then by time, carrier and number. Two of one carrier may leave within an hour.
  departures = new OrderedMap("departures", Airport, key(time, text, unsigned), Flight);
  asked = new ListState("asked", Airport, Question);
  flights = new Merged("flights", Airport, add);
  latest = new Merged("latest", Airport, greatest(time));
  destinations = new Merged("destinations", Airport, union(text));
  // How far an answer goes back, in milliseconds.
  back = 0;

  describe() {
    return {
      name: "board",
      inputs: ["departures", { name: "questions", format: "records" }],
      outputs: ["answers"],
      namespaces: [this.departures, this.asked, this.flights, this.latest, this.destinations, timers(DUE)],
      parameters: [{ name: "hours", default: "24", doc: "how many hours an answer goes back" }],
    };
  }

  open(context) {
    const given = context.parameter("hours") ?? "";
    const count = /^[+-]?[0-9]+$/.test(given) ? Number(given) : 0;
    if (count < 1 || count > 168) {
      throw new Refusal(`the parameter hours: ${text.write(given)} is no number of hours from 1 to 168`);
    }
    this.back = hours(count);
    const before = context.previousParameter("hours");
    if (before !== undefined && before !== given) {
      // Departures that the shorter time has left behind are gone.
      context.log("warn", `answers go back ${given} hours, and went back ${before} before`);
    }
  }

  begin(_input, header) {
    this.rows.begin(header);
  }

  process(input, batch, context) {
    if (input === QUESTIONS) {
      for (const question of questions(batch)) {
        this.asked.push(question.origin, question, context);
        context.setTimer(DUE, question.at, Airport.bytes(question.origin));
      }
      return;
    }
    for (const { origin, dest, carrier, flight, time_hour } of this.rows.read(batch)) {
      this.flights.merge(origin, 1, context);
      this.latest.merge(origin, time_hour, context);
      this.destinations.merge(origin, dest, context);
      this.departures.set(origin, [time_hour, carrier, flight], { carrier, number: flight, dest }, context);
    }
  }

  route(input, batch) {
    const records = input === QUESTIONS ? questions(batch) : this.rows.read(batch);
    return records.map(({ origin }) => Airport.bytes(origin));
  }

  onTimers(_namespace, now, keys, context) {
    if (typeof now !== "number") throw new Refusal(`a question for ${now}, which is beyond the times of a Date`);
    /** @type {[number, string, bigint]} */
    const first = [now - this.back, "", 0n];
    /** @type {[number, string, bigint]} */
    const end = [now, "", 0n];
    for (const origin of keys.map((name) => Airport.of(name))) {
      for (const question of this.asked.take(origin, context)) {
        if (question.at === now) this.answer(question, { from: first, to: end }, context);
        else this.asked.push(origin, question, context);
      }
      // Timers fire in the order of their times, so no answer goes back further any more.
      this.departures.deleteRange(origin, { to: first }, context);
    }
  }

  answer({ origin, at, last }, range, context) {
    const found = this.departures.range(origin, { ...range, limit: last, reverse: true }, context);
    const departures = found.map(([[at], flight]) => ({ at, flight }));
    context.emit(0, Answer, { origin, before: at, departures });
  }

  results(start, limit, context) {
    return this.flights.page(start, limit, context).map(([origin, flights]) => {
      const latest = this.latest.get(origin, context) ?? null;
      const destinations = this.destinations.get(origin, context) ?? null;
      return Result.write({ key: origin, flights, latest, destinations });
    });
  }
}

/** Reads the questions of a batch. */
function questions(batch) {
  const read = readJson(batch, Question);
  read.forEach(({ last }, number) => {
    if (last < 0 || last > LAST_MAX) {
      throw new Refusal(`no JSON of a record here: last: ${last} is not from 0 to ${LAST_MAX}`, { record: number });
    }
  });
  return read;
}
