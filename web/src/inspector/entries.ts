// Shows the entries of one namespace: those whose keys have a prefix, page by page.

import { choice, labelled, make, table } from "./dom.js";
import { type Part, titleOf } from "./spaces.js";
import { type Form, count, shown } from "./values.js";

const PAGE = 200;

/** Returns a section with the entries of the parts. */
export function entriesOf(parts: Part[]): HTMLElement {
  const space = choice(parts.map(({ name, size }, at) => [String(at), `${titleOf(name)}: ${count(size)} keys`]));
  const prefix = make("input", { type: "search", spellcheck: "false" });
  const form = choice([["auto", "what fits"], ["json", "JSON"], ["text", "text"], ["hex", "hex"]]);
  const host = make("div");
  const more = make("button", { type: "button" }, "Show more");
  const note = make("p", { role: "status", class: "note" });
  let wanted = PAGE;
  const show = () => {
    const part = parts[Number(space.value)]!;
    const lines: string[][] = [];
    let isMore = false;
    for (const [key, value] of part.entries(prefix.value)) {
      if ((isMore = lines.length === wanted)) break;
      const how = form.value as Form;
      lines.push([shown(key, how === "json" ? "auto" : how), shown(value, how), count(key.length + value.length)]);
    }
    host.replaceChildren(table("Keys and values", ["key", "value", "#bytes"], lines));
    note.textContent = `${count(lines.length)}${isMore ? " of more" : ""} entries are shown.`;
    more.hidden = !isMore;
  };
  const begin = () => {
    wanted = PAGE;
    show();
  };
  for (const control of [space, form]) control.addEventListener("change", begin);
  prefix.addEventListener("input", begin);
  more.addEventListener("click", () => {
    wanted += PAGE;
    show();
  });
  show();
  const controls = make("div", { class: "row" }, labelled("Namespace", space), labelled("Keys that begin with", prefix), labelled("Shown as", form));
  return make("section", { class: "entries" }, make("h2", {}, "Keys"), controls, host, note, make("p", {}, more));
}
