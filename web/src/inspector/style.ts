// The style of the inspector. It is in a shadow tree, and inherits nothing but the colour scheme, so the page's style does
// not reach it.

const STYLE = `
:host { display: block; }
.inspector {
  all: initial; display: block; color-scheme: inherit;
  --card: light-dark(#fffefb, #1b2123); --ink: light-dark(#1d2326, #e4e6e3); --soft: light-dark(#586268, #a2acb0);
  --line: light-dark(#d8d5cb, #353e41); --accent: light-dark(#1a6570, #63b9c2); --bad: light-dark(#a8201f, #ff9a8f);
  color: var(--ink); font: 0.9375rem/1.5 system-ui, "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums;
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
h2 { margin: 0 0 0.6rem; font-size: 1.25rem; font-weight: 400; line-height: 1.2; font-family: "Iowan Old Style", Palatino, Georgia, "DejaVu Serif", serif; overflow-wrap: anywhere; }
section { margin: 0 0 1rem; padding: 1rem clamp(0.75rem, 1.5vw, 1.25rem); background: var(--card); border: 1px solid var(--line); border-radius: 4px; }
section section { margin: 1rem 0 0; padding: 1rem 0 0; border-width: 1px 0 0; border-radius: 0; }
.row { display: flex; flex-wrap: wrap; gap: 0.75rem 1.25rem; align-items: end; margin-bottom: 0.75rem; }
label { display: grid; gap: 0.2rem; font-size: 0.8125rem; color: var(--soft); max-width: 100%; }
button, select, input { font: inherit; font-size: 0.9375rem; color: var(--ink); max-width: 100%; min-height: 2.25rem; }
button, select, input[type="search"] { padding: 0.2rem 0.6rem; border: 1px solid var(--soft); border-radius: 3px; background: var(--card); }
td button { min-height: 1.75rem; font-size: 0.8125rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.scroll { overflow: auto; max-height: 28rem; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; white-space: pre-wrap; overflow-wrap: anywhere; min-width: 9rem; }
thead th { font-weight: 400; font-size: 0.8125rem; color: var(--soft); vertical-align: bottom; }
tbody th { font-weight: 500; }
.number { text-align: right; white-space: nowrap; min-width: 3rem; }
.facts { display: flex; flex-wrap: wrap; gap: 0.5rem 2rem; margin: 0 0 0.75rem; }
.facts dt { font-size: 0.8125rem; color: var(--soft); }
.facts dd { margin: 0; font-size: 1.125rem; }
.note { color: var(--soft); font-size: 0.875rem; }
#status { padding: 0.6rem 0.8rem; border-left: 4px solid var(--accent); background: var(--card); overflow-wrap: anywhere; }
#status.bad { border-color: var(--bad); }
.bad { color: var(--bad); }
`;

/** Returns the style, as something that no security policy of a page forbids. */
export function styleSheet(): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  return sheet;
}
