// The stores of a client in libraries that know the contract of stores: Svelte, Solid, Vue, and React on a server. And what
// a page downloads for them.

import { entries, loaded } from "../../size.mjs";
import { same, until } from "../harness.mjs";

const { Checkpoints, json } = await import("../../dist/node.js");
const { connect, serve } = await import("../../dist/client/index.js");

/** Runs a test with a client, and checks at its end that nothing is watched any more. */
async function withClient(use) {
  const checkpoints = await Checkpoints.open({ name: "frameworks", storage: "memory", codec: json() });
  checkpoints.put("a", 1);
  const { port1, port2 } = new MessageChannel();
  const served = serve(checkpoints, port2);
  const client = connect(port1, { codec: json() });
  try {
    await use(client, (value) => checkpoints.put("a", value));
    await until("nothing is watched", () => served.watches === 0);
  } finally {
    client.close();
    await checkpoints.close();
    port1.close();
  }
}

export const svelte = () =>
  withClient(async (client, put) => {
    const { derived, get } = await import("svelte/store");
    const live = client.liveValue("a");
    const [values, doubled] = [[], derived([live, client.status], ([value, status]) => `${status} ${2 * (value ?? 0)}`)];
    const stop = doubled.subscribe((value) => values.push(value));
    await until("it is loaded", () => values.at(-1) === "connected 2");
    put(5);
    await until("it is told", () => values.at(-1) === "connected 10");
    same("get", get(live), 5);
    stop();
  });

export const solid = () =>
  withClient(async (client, put) => {
    // In Node, the package would give the build for servers, in which nothing changes.
    const { createEffect, createRoot, from } = await import("solid-js/dist/solid.js");
    const seen = [];
    const dispose = createRoot((dispose) => {
      const value = from(client.liveValue("a"));
      createEffect(() => seen.push(value()));
      return dispose;
    });
    await until("it is loaded", () => seen.at(-1) === 1);
    put(5);
    await until("it is told", () => seen.at(-1) === 5);
    dispose();
  });

export const vue = () =>
  withClient(async (client, put) => {
    const { effect, effectScope, onScopeDispose, shallowRef } = await import("@vue/reactivity");
    const useStore = (store) => {
      const value = shallowRef(store.getSnapshot());
      onScopeDispose(store.subscribe((next) => (value.value = next)));
      return value;
    };
    const [seen, scope] = [[], effectScope()];
    scope.run(() => {
      const value = useStore(client.liveValue("a"));
      effect(() => seen.push(value.value));
    });
    await until("it is loaded", () => seen.at(-1) === 1);
    put(5);
    await until("it is told", () => seen.at(-1) === 5);
    scope.stop();
  });

/** A page that is rendered on a server is empty, and watches nothing. */
export const reactOnServer = () =>
  withClient(async (client) => {
    const { createElement } = await import("react");
    const { renderToString } = await import("react-dom/server");
    const { useRange, useStatus, useValue } = await import("../../dist/react/index.js");
    const Page = () => createElement("p", null, `${useStatus(client)} ${useValue(client, "a")} ${useRange(client, { prefix: "a" }).length}`);
    await client.get("a");
    same("rendered", renderToString(createElement(Page)), "<p>connected undefined 0</p>");
  });

/** What only reads from elsewhere downloads no engine. */
export function withoutEngine() {
  for (const [name, path] of Object.entries(entries)) {
    const modules = [...loaded(path)];
    if (!modules.includes("error.js")) throw new Error(`${name}: the modules were not found: ${modules}`);
    same(`the engine in ${name}`, modules.filter((module) => /wasm|engine/.test(module)), []);
  }
}
