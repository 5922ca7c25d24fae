// The page: starts the worker, shows what it tells, and kills it when asked.

import { destroy, persist } from "../dist/index.js";

const $ = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");
const one = new Intl.NumberFormat("en", { maximumFractionDigits: 1, minimumFractionDigits: 1 });

function bytes(count) {
  if (count === undefined || count === null) return "–";
  if (count < 1e3) return `${count} B`;
  return count < 1e6 ? `${one.format(count / 1e3)} kB` : `${one.format(count / 1e6)} MB`;
}

const carriersByCode = {
  "9E": "Endeavor", AA: "American", AS: "Alaska", B6: "JetBlue", DL: "Delta", EV: "ExpressJet", F9: "Frontier",
  FL: "AirTran", HA: "Hawaiian", MQ: "Envoy", OO: "SkyWest", UA: "United", US: "US Airways", VX: "Virgin", WN: "Southwest", YV: "Mesa",
};

let worker;
/** What each checkpoint cost, as far as this page saw it. */
const costs = new Map();
let kept = [];

function note(text) {
  const item = document.createElement("li");
  const time = document.createElement("time");
  time.textContent = new Date().toLocaleTimeString("en-GB");
  item.append(time, text);
  $("log").prepend(item);
  while ($("log").children.length > 40) $("log").lastChild.remove();
}

function verdict(kind, title, text) {
  $("verdict").className = `verdict ${kind}`;
  $("verdict-title").textContent = title;
  $("verdict-text").textContent = text;
}

const told = {
  figures({ position, total, keys, stateBytes, isPaused, carriers }) {
    $("records").textContent = `${number.format(position)} of ${number.format(total)}`;
    $("keys").textContent = number.format(keys);
    $("state-bytes").textContent = bytes(stateBytes);
    $("progress").value = position / total;
    $("pause").setAttribute("aria-pressed", String(isPaused));
    $("pause").textContent = isPaused ? "Go on" : "Pause";
    showCarriers(carriers);
  },
  recovered({ how, position, proof }) {
    const figures = `${number.format(proof.flights)} flights in ${number.format(proof.keys)} keys`;
    if (proof.isExact) {
      const same = `State after ${number.format(position)} records: ${figures}, equal to that of an uninterrupted run over the same records, key by key.`;
      verdict("good", position === 0 ? "Ready" : "Exactly once", position === 0 ? "Nothing is stored yet: the stream begins at its first record." : same);
    } else {
      verdict("bad", "Not exactly once", `${proof.different} keys differ from the uninterrupted run; ${figures}, ${number.format(proof.expectedFlights)} expected.`);
    }
    note(`The worker ${how}. ${position === 0 ? "" : proof.isExact ? `Exactly once: ${figures}, no key differs.` : `${proof.different} keys differ.`}`);
  },
  checkpoint(cost) {
    costs.set(cost.id, cost);
    $("checkpoint-bytes").textContent = bytes(cost.bytes);
    $("durable").textContent = `${one.format(cost.durableMs)} ms`;
    $("stall").textContent = `${number.format(cost.freezeUs)} µs`;
  },
  checkpoints({ kept: listed, storage }) {
    kept = listed;
    $("storage").textContent = bytes(storage.usageBytes);
    $("persistent").textContent = storage.isPersistent ? "always" : "until space is short";
    showTimeline();
  },
  file({ id, blob }) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `checkpoint-${id}.tar`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    note(`Checkpoint ${id} was saved as ${link.download}, ${bytes(blob.size)}.`);
  },
  note({ text, isBad }) {
    note(text);
    if (isBad) verdict("bad", "Damage", text);
  },
  error({ kind, text, isFatal }) {
    note(`Error (${kind ?? "page"}): ${text}`);
    verdict("bad", kind === "fenced" ? "Taken over elsewhere" : "Error", `${text}${isFatal ? " The stream has stopped; what is stored is whole." : ""}`);
  },
};

function cell(row, text, className = "") {
  const cell = row.insertCell();
  cell.className = className;
  cell.textContent = text;
  return cell;
}

function barCell(row, share, text) {
  const cell = row.insertCell();
  cell.className = "bar";
  const [fill, value] = [document.createElement("span"), document.createElement("span")];
  fill.className = "fill";
  fill.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  value.className = "value";
  value.textContent = text;
  cell.append(fill, value);
}

function showCarriers(carriers) {
  const rows = carriers.map(([code, sum]) => ({ code, ...sum, mean: sum.delay / Math.max(1, sum.flights - sum.cancelled) }));
  rows.sort((a, b) => b.flights - a.flights);
  const most = Math.max(15, ...rows.map(({ mean }) => mean));
  const body = document.createElement("tbody");
  for (const { code, flights, mean } of rows) {
    const row = body.insertRow();
    const name = cell(row, `${code} `);
    const full = document.createElement("span");
    full.className = "soft";
    full.textContent = carriersByCode[code] ?? "";
    name.append(full);
    cell(row, number.format(flights));
    barCell(row, mean / most, one.format(mean));
  }
  $("carriers").replaceChildren(...body.children);
}

let shownTimeline = "";

function showTimeline() {
  const shown = JSON.stringify([kept, [...costs.keys()].at(-1)]);
  // Buttons must not go away beneath a finger or a focus for nothing.
  if (shown === shownTimeline) return;
  shownTimeline = shown;
  const focused = document.activeElement?.dataset?.action;
  const most = Math.max(1, ...kept.map(({ id, bytes }) => costs.get(id)?.bytes ?? bytes));
  const body = document.createElement("tbody");
  for (const { id, records, bytes: written, stateBytes } of kept) {
    const cost = costs.get(id);
    const row = body.insertRow();
    cell(row, id);
    cell(row, number.format(records));
    const size = cost?.bytes ?? written;
    barCell(row, size / most, `${bytes(size)} of ${bytes(stateBytes)}`);
    cell(row, cost ? `${one.format(cost.durableMs)} ms, ${number.format(cost.freezeUs)} µs` : "before this visit", "soft narrow-out");
    const actions = cell(row, "", "actions");
    for (const [action, label, what] of [["restore", "Go back", "Go back to"], ["export", "Save", "Save"]]) {
      const button = document.createElement("button");
      button.textContent = label;
      button.dataset.action = `${action} ${id}`;
      button.setAttribute("aria-label", `${what} checkpoint ${id}, after ${number.format(records)} records`);
      button.onclick = () => send({ command: action, id });
      actions.append(button, " ");
    }
  }
  $("timeline").replaceChildren(...body.children);
  if (focused) document.querySelector(`[data-action="${focused}"]`)?.focus();
}

const send = (message) => worker.postMessage(message);

function start() {
  worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  worker.onmessage = ({ data: { type, ...detail } }) => told[type](detail);
  worker.onerror = (event) => told.error({ text: event.message || "the worker could not be started", isFatal: true });
  send({ command: "rate", value: Number($("rate").value) });
}

$("kill").onclick = () => {
  // Nothing is told to it: wherever it is, even within a write, it ends.
  worker.terminate();
  verdict("", "Killed", "The worker was ended without a word. A new one opens what it left.");
  note("The worker was killed.");
  start();
};
$("crash").onclick = () => {
  worker.terminate();
  location.reload();
};
$("pause").onclick = () => send({ command: "pause", value: $("pause").getAttribute("aria-pressed") !== "true" });
$("verify").onclick = () => send({ command: "verify" });
$("rate").onchange = () => send({ command: "rate", value: Number($("rate").value) });
$("reset").onclick = async () => {
  if (!confirm("Delete all checkpoints of this page and begin at the first record?")) return;
  worker.terminate();
  costs.clear();
  await destroy("demo");
  note("All checkpoints were deleted.");
  start();
};

function take(file) {
  if (file) send({ command: "import", file });
}
$("file").onchange = () => {
  take($("file").files[0]);
  $("file").value = "";
};
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
addEventListener("dragleave", () => document.body.classList.remove("dropping"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  take(event.dataTransfer.files[0]);
});

persist().catch(() => {});
start();
