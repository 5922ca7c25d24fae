// JSON of what the engine returns. `JSON.stringify` refuses a `bigint` and writes a `Map` as an empty object.

/** What has a JSON form. */
export interface WithJson {
  /**
   * Returns the same as plain JSON, so that `JSON.stringify` can write it: a `bigint` becomes its digits in a string,
   * which keeps all of them, and a `Map` becomes an object.
   */
  toJSON(): Record<string, unknown>;
}

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, of]) => [String(name), plain(of)]));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, plain(of)]));
}

/** Adds the method `toJSON` to an object, and to what it holds by name. It is not among the members that are enumerated. */
export function withJson<T extends object>(of: T): T & WithJson {
  Object.defineProperty(of, "toJSON", { value: () => plain(of), enumerable: false, configurable: true });
  for (const member of Object.values(of)) {
    if (Object.getPrototypeOf(member ?? 0) === Object.prototype) withJson(member as object);
  }
  return of as T & WithJson;
}
