// Before anything else: a browser may call its language what no formatter accepts. WebKitGTK says "C" where
// the system's locale is that one, and the chart library, which formats in the browser's language as soon as
// it is loaded, would take the whole page down with it.

try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en", configurable: true });
}
