// What callers give that is of a wrong type. Each is an error that names it, and every open state is as it was.

import { refused, same } from "./common.mjs";
import { ends } from "./ports.mjs";

const namespaces = { log: { kind: "ordered", bytes: 4 }, ends: { kind: "timers" } };

/** A name that is no text is refused, here and from a client. */
export async function names({ Checkpoints }, { client: { connect, serve } }) {
  const other = await Checkpoints.open({ name: "other", storage: "memory" });
  other.put("a", "1");
  const checkpoints = await Checkpoints.open({ name: "names", storage: "memory", namespaces });
  const [one, side] = ends();
  serve(checkpoints, side);
  const client = connect(one, { timeoutMs: 5000 });
  const calls = {
    partition: [(name) => checkpoints.setPosition("clicks", 17n, name), (name) => checkpoints.setPosition("clicks", "text", name)],
    source: [(name) => checkpoints.setPosition(name, 17n), (name) => checkpoints.setSourceOffset(name, 1), (name) => checkpoints.sourceOffset(name), (name) => checkpoints.position(name)],
    name: [(name) => checkpoints.annotation(name), (name) => checkpoints.setAnnotation(name, "text")],
    value: [(value) => checkpoints.setAnnotation("build", value)],
    "the name of a namespace": [(name) => checkpoints.namespace(name), (name) => checkpoints.timers(name), (name) => client.namespace(name).get("a"), (name) => client.namespace(name).changes("a").next()],
    "option name": [(name) => Checkpoints.open({ name, storage: "memory" })],
    "option clock: its unixMs": [(unixMs) => Checkpoints.open({ name: "clock", storage: "memory", clock: { unixMs, monotonicUs: () => 0 } })],
    "offset of a source": [(name) => checkpoints.checkpointWithState(new Uint8Array(1), { sourceOffsets: [[name, 1]] })],
  };
  for (const [named, each] of Object.entries(calls)) {
    for (const call of each) for (const wrong of [0, 17, null, {}, ["a"], new URL("http://a")]) await refused(`${named}: ${call}`, () => call(wrong), new RegExp(`^invalid-input: ${named}: .* is not a (string|function)`));
  }
  same("every state is there", [other.getText("a"), checkpoints.size, [...checkpoints.positions], checkpoints.annotation("build")], ["1", 0, [], undefined]);
  client.close();
  await other.close();
  await checkpoints.close();
}
