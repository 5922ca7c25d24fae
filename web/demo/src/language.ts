// Replaces a browser language that no formatter accepts. This module must be loaded before the others.
// WebKitGTK reports the language "C" if that is the system's locale. The chart library formats in the browser's
// language as soon as it is loaded, and its error would stop the whole page.

try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en", configurable: true });
}
