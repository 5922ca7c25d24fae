// A page with the hooks of the package, in React's development build, where StrictMode mounts every component twice.

import { Component, StrictMode, createElement, memo, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

import { Checkpoints, json } from "alluvium";
import { connect, serve } from "alluvium/client";
import { useRange, useStatus, useValue } from "alluvium/react";

const counts = { renders: 0, rows: 0, mounts: 0, others: 0 };
const errors = [];
let setKey;

const Row = memo(({ entry: [key, { n }] }) => {
  counts.rows++;
  return createElement("li", null, `${key}=${n}`);
});

function Orders({ client }) {
  counts.renders++;
  const [key, set] = useState("k1");
  setKey = set;
  useEffect(() => void counts.mounts++, []);
  // Keys and ranges that are new objects each time, as people write them.
  const order = useValue(client, new TextEncoder().encode(key));
  const rows = useRange(client, { prefix: "k", limit: 10 });
  const status = useStatus(client);
  return createElement("div", null, createElement("b", null, `${status} ${key} ${order?.n ?? "none"}`), createElement("ul", null, rows.map((entry) => createElement(Row, { key: entry[0], entry }))));
}

function Other({ client }) {
  counts.others++;
  return createElement("i", null, useValue(client, "other")?.n ?? "none");
}

const Undeclared = ({ client }) => createElement("p", null, useValue(client.namespace("nothing"), "a"));

class Boundary extends Component {
  state = {};
  static getDerivedStateFromError = (error) => ({ error });
  render() {
    return this.state.error ? createElement("p", null, this.state.error.kind) : this.props.children;
  }
}

async function until(what, condition) {
  for (const end = Date.now() + 60_000; !condition(); ) {
    if (Date.now() > end) throw new Error(`a minute passed before ${what}: ${document.body.textContent} ${JSON.stringify(counts)}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function same(what, found, expected) {
  if (JSON.stringify(found) !== JSON.stringify(expected)) throw new Error(`${what}: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}

const shown = () => document.querySelector("#root").textContent;

async function main() {
  const checkpoints = await Checkpoints.open({ name: "react", storage: "memory", codec: json() });
  checkpoints.put("k1", { n: 1 });
  checkpoints.put("k2", { n: 2 });
  const { port1, port2 } = new MessageChannel();
  const served = serve(checkpoints, port2);
  const client = connect(port1, { codec: json() });
  const root = createRoot(document.querySelector("#root"), { onCaughtError: (error) => errors.push(error.kind) });
  const page = (...children) => createElement(StrictMode, null, ...children);
  root.render(page(createElement(Orders, { key: "a", client }), createElement(Other, { key: "b", client })));
  await until("it is shown", () => shown() === "connected k1 1k1=1k2=2none");
  same("StrictMode mounts twice", counts.mounts, 2);
  same("watches", served.watches, 3);

  let { renders, rows, others } = counts;
  checkpoints.put("k2", { n: 20 });
  await until("a change is shown", () => shown() === "connected k1 1k1=1k2=20none");
  // StrictMode calls a component twice for each time that it is rendered.
  same("one render, and one row", [counts.renders - renders, counts.rows - rows, counts.others - others], [2, 2, 0]);
  ({ renders, others } = counts);
  checkpoints.put("other", { n: 7 });
  await until("another key is shown", () => shown().endsWith("k2=207"));
  checkpoints.put("unwatched", { n: 1 });
  await client.get("unwatched");
  same("those who do not read it are not rendered", [counts.renders - renders, counts.others - others], [0, 2]);

  setKey("k2");
  await until("another key is chosen", () => shown().startsWith("connected k2 20"));
  await client.get("k2");
  same("watches after another key was chosen", served.watches, 3);
  checkpoints.delete("k2");
  await until("it is gone", () => shown() === "connected k2 nonek1=17");

  root.render(page(createElement(Boundary, { key: "c" }, createElement(Undeclared, { client }))));
  await until("the boundary shows the error", () => shown() === "not-found");
  same("errors", errors, ["not-found"]);
  root.render(page());
  await until("nothing is shown", () => shown() === "");
  await until("nothing is watched", () => served.watches === 0);
  root.unmount();
  client.close();
  await checkpoints.close();
  return "the hooks work";
}

document.body.append(Object.assign(document.createElement("div"), { id: "root" }));
main()
  .catch((error) => String(error.stack))
  .then((body) => fetch("/reported/react", { method: "POST", body }));
