// A page with the inspector: it shows an exported checkpoint, and removes what shows it.

import { Checkpoints } from "alluvium";
import { mountInspector } from "alluvium/inspector";

async function main() {
  const checkpoints = await Checkpoints.open({ name: "inspected", storage: "memory" });
  checkpoints.put("anna", "12");
  await checkpoints.checkpoint();
  const file = await checkpoints.exportCheckpoint();
  await checkpoints.close();
  const before = document.body.innerHTML;
  const inspector = mountInspector(document.body, { choosing: false });
  await inspector.open(file);
  const keys = document.body.lastElementChild.shadowRoot.querySelector('[aria-label="Keys and values"] tbody').textContent;
  await inspector.remove();
  return `${keys}, ${document.body.innerHTML === before ? "nothing is left" : document.body.innerHTML}`;
}

main()
  .catch((error) => String(error.stack))
  .then((body) => fetch("/reported/inspector", { method: "POST", body }));
