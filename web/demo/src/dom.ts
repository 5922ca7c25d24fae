// Finds and makes elements of the page.

/** Returns the element with an id. Throws if the page has none. */
export function by<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as T;
}

/** Sets the text of an element if it differs, so that an unchanged text causes no repaint and no announcement. */
export function setText(id: string, text: string): void {
  const element = by(id);
  if (element.textContent !== text) element.textContent = text;
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export const cell = (text: string, className = "") => make("td", className ? { class: className } : {}, text);

/** Returns a function that calls `draw` in the next frame, at most once a frame however often it is called. */
export function oncePerFrame(draw: () => void): () => void {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      draw();
    });
  };
}

/** Adds a line to the log. A screen reader announces it. */
export function log(text: string, kind: "plain" | "good" | "bad" = "plain"): void {
  const now = new Date();
  const time = make("time", { datetime: now.toISOString() }, now.toLocaleTimeString("en-GB"));
  const list = by("log");
  list.prepend(make("li", {}, time, make("span", { class: kind }, text)));
  while (list.children.length > 100) list.lastElementChild?.remove();
}
