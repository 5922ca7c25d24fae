// Makes elements. What comes from files is only ever set as text, and never as HTML.

export function make<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Record<string, string> = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

let tables = 0;

/** Makes a table in a region that scrolls. A head that begins with # is of a column of numbers. */
export function table(name: string, heads: string[], lines: (Node | string)[][]): HTMLElement {
  const isNumber = heads.map((head) => head.startsWith("#"));
  const side = (at: number): Record<string, string> => (isNumber[at] ? { class: "number" } : {});
  const cells = (line: (Node | string)[]) => line.map((of, at) => (at === 0 ? make("th", { scope: "row", ...side(0) }, of) : make("td", side(at), of)));
  const head = heads.map((text, at) => make("th", { scope: "col", ...side(at) }, text.replace(/^#/, "")));
  const whole = make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...lines.map((line) => make("tr", {}, ...cells(line)))));
  return make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": name, id: `table-${++tables}` }, whole);
}

/** Makes a control with a label. */
export function labelled<E extends HTMLElement>(text: string, control: E): HTMLLabelElement {
  return make("label", {}, `${text} `, control);
}

export function choice(options: [value: string, text: string][]): HTMLSelectElement {
  return make("select", {}, ...options.map(([value, text]) => make("option", { value }, text)));
}
