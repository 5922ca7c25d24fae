import { Checkpoints } from "alluvium";

const records = ["anna", "bert", "anna"]; // your stream
const checkpoints = await Checkpoints.open({ name: "visits" });
let next = Number(checkpoints.sourceOffset("log"));
for (const name of records.slice(next)) {
  const count = Number(checkpoints.getJson(name) ?? 0);
  checkpoints.putJson(name, count + 1);
  checkpoints.setSourceOffset("log", ++next);
}
await checkpoints.checkpoint(); // durable together
export const anna = checkpoints.getJson("anna"); // always 2
await checkpoints.close();
