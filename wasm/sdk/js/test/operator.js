// Operators that do with each record what a test says, for tests of state.

import { Rows, number, optional, row, text } from "../src/index.js";

const Event = row({ key: text, what: text, number: optional(number) });

/** An operator that does with each row what a test says. */
export function operator(namespaces, work, more = {}) {
  return class {
    rows = new Rows(Event);
    describe() {
      return { name: "test", inputs: ["events"], outputs: ["lines"], namespaces };
    }
    begin(_input, header) {
      this.rows.begin(header);
    }
    process(_input, batch, context) {
      for (const it of this.rows.read(batch)) work(it, context);
    }
    static {
      Object.assign(this.prototype, more);
    }
  };
}

export const feed = (harness, ...lines) => harness.feed(`key,what,number\n${lines.join("\n")}\n`);

export const ascii = (bytes) => String.fromCharCode(...bytes);
export const entries = (harness, namespace) => harness.entries(namespace).map((entry) => entry.map(ascii));

/** Notes the calls that a context makes of its host from now on: the name, the namespace, and the keys. */
export function watched(context, calls) {
  const { host } = context;
  // A merge of this host reads and writes by its own calls, which are not those of the context.
  let depth = 0;
  for (const name of ["getMany", "apply", "merge"]) {
    const of = host[name].bind(host);
    host[name] = (namespace, items) => {
      const keys = items.map((item) => ascii(name === "getMany" ? item : item[0]));
      if (depth === 0) calls.push([name, namespace, keys.join()]);
      depth += 1;
      try {
        return of(namespace, items);
      } finally {
        depth -= 1;
      }
    };
  }
}
