// The plugin `joined`. It emits each flight with the weather at its airport in that hour, and with its plane.
//
// A flight waits in the state until the watermark has passed its hour. Then its weather has come, if there is any, and
// it is emitted. So the order of the inputs among each other does not matter, and the lines come in the order of the
// hours and of the flights.

import {
  bigint,
  column,
  hours,
  integer,
  key,
  MapState,
  number,
  optional,
  record,
  row,
  Rows,
  text,
  time,
  timers,
  tuple,
} from "alluvium-plugin";

// The inputs by number, and the output.
const FLIGHTS = 0;
const WEATHER = 1;
const OUTPUT = 0;

// The namespace of the hours at which flights are due.
const DUE = "due";

const Flight = row({
  carrier: text,
  number: column("flight", bigint),
  tailnum: text,
  origin: text,
  dest: text,
  time_hour: time,
});
const Weather = row({ origin: text, time_hour: time, temp: optional(number), visib: optional(number) });
const Plane = row({ tailnum: text, manufacturer: text, seats: optional(bigint) });

// The carrier, the number and the hour of a flight.
const Name = key(text, bigint, integer);

// What is kept of a flight, beside its name.
const kept = { tailnum: text, origin: text, dest: text };

const Joined = record({
  carrier: text,
  flight: bigint,
  hour: time,
  ...kept,
  temp: optional(number),
  visib: optional(number),
  manufacturer: optional(text),
  seats: optional(bigint),
});

export default class Join {
  flightRows = new Rows(Flight);
  weatherRows = new Rows(Weather);
  planeRows = new Rows(Plane);
  waiting = new MapState("waiting", Name, record(kept));
  weather = new MapState("weather", key(text, integer), tuple(optional(number), optional(number)));
  planes = new MapState("planes", text, tuple(text, optional(bigint)));

  describe() {
    return {
      name: "joined",
      inputs: ["flights", "weather", "planes"],
      outputs: ["flights"],
      namespaces: [this.waiting, this.weather, this.planes, timers(DUE)],
    };
  }

  begin(input, header) {
    [this.flightRows, this.weatherRows, this.planeRows][input].begin(header);
  }

  process(input, batch, context) {
    if (input === FLIGHTS) {
      for (const { carrier, number, tailnum, origin, dest, time_hour } of this.flightRows.read(batch)) {
        /** @type {[string, bigint, number]} */
        const name = [carrier, number, time_hour];
        context.setTimer(DUE, time_hour + hours(1), Name.bytes(name));
        this.waiting.set(name, { tailnum, origin, dest }, context);
      }
    } else if (input === WEATHER) {
      for (const { origin, time_hour, temp, visib } of this.weatherRows.read(batch)) {
        this.weather.set([origin, time_hour], [temp, visib], context);
      }
    } else {
      for (const { tailnum, manufacturer, seats } of this.planeRows.read(batch)) {
        this.planes.set(tailnum, [manufacturer, seats], context);
      }
    }
  }

  onTimers(_namespace, _at, keys, context) {
    const names = keys.map((key) => Name.of(key));
    this.waiting.prefetch(names, context);
    const due = [];
    for (const name of names) {
      const flight = this.waiting.get(name, context);
      if (flight === undefined) continue;
      this.waiting.delete(name, context);
      due.push({ name, flight, place: [flight.origin, name[2]] });
    }
    this.weather.prefetch(
      due.map(({ place }) => place),
      context,
    );
    this.planes.prefetch(
      due.map(({ flight }) => flight.tailnum),
      context,
    );
    for (const { name, flight, place } of due) {
      const [carrier, number, hour] = name;
      const [temp, visib] = this.weather.get(place, context) ?? [null, null];
      const [manufacturer, seats] = this.planes.get(flight.tailnum, context) ?? [null, null];
      const line = { carrier, flight: number, hour, ...flight, temp, visib, manufacturer, seats };
      context.emit(OUTPUT, Joined, line);
    }
  }
}
