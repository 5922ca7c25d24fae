// What the package for JavaScript has at run time, as code for the compiler to compare with the declarations.
//
// build.sh and types.mjs leave it in a folder where the package is found, beside the samples, which are compiled.
import { build } from "esbuild";
import { fileURLToPath } from "node:url";

import * as sdk from "alluvium-plugin";
import { objects } from "./out/own.js";

/** Methods that the parts of the package have for each other. They are not declared. */
const INTERNAL = {
  Context: ["getName", "mergeName", "prefetchNames", "setName"],
  Rows: ["one", "timed"],
  keys: ["nameOf", "ofName"],
};
const internal = (name) => INTERNAL[name] ?? (name in sdk && "nameOf" in objects[name] ? INTERNAL.keys : []);

/** Returns an object and its prototypes, without those of the language. */
function layers(of) {
  const isOurs = of !== null && of !== Object.prototype && of !== Error.prototype;
  return isOurs ? [of, ...layers(Object.getPrototypeOf(of))] : [];
}

const members = (object) => layers(object).flatMap((it) => Object.getOwnPropertyNames(it));
const isMethod = (name) => name !== "constructor" && !name.startsWith("_");
const methods = (name, object) =>
  members(layers(object)[1]).filter((it) => isMethod(it) && !internal(name).includes(it));
const isClass = (value) => typeof value === "function" && /^class\b/.test(String(value));
const statics = (of) => Object.getOwnPropertyNames(of).filter((it) => !["length", "name", "prototype"].includes(it));

/** The names that a module exports which only a component can load. */
async function exportsOf(path) {
  const { metafile } = await build({ entryPoints: [path], metafile: true, write: false });
  return Object.values(metafile.outputs)[0].exports;
}

const union = (names) => names.map((name) => JSON.stringify(name)).join(" | ") || "never";
const component = await exportsOf(fileURLToPath(new URL("../sdk/js/src/component.js", import.meta.url)));
const classes = Object.entries(sdk).filter(([, value]) => isClass(value));

/**
 * Code that the compiler refuses where the declarations and the package differ. Each of them has the names of the other:
 * of exports, of static methods, and of methods. Members that are no methods are only there if they are declared.
 */
export const code = `import * as sdk from "alluvium-plugin";
import * as inside from "alluvium-plugin/component";

import { objects } from "./own.js";

type Compared<Declared, There> = [onlyDeclared: Exclude<Declared, There>, onlyThere: Exclude<There, Declared>];
type Same<Both extends [onlyDeclared: never, onlyThere: never]> = Both;
type Of<Name extends keyof typeof objects> = Exclude<keyof (typeof objects)[Name], symbol | keyof Error>;

export type Exports = Same<Compared<keyof typeof sdk, ${union(Object.keys(sdk))}>>;
export type InComponent = Same<Compared<keyof typeof inside, ${union(component)}>>;
${classes
  .map(
    ([name, value]) =>
      `export type StaticOf_${name} = Same<Compared<Exclude<keyof typeof sdk.${name}, "prototype">, ${union(statics(value))}>>;`,
  )
  .join("\n")}
${Object.entries(objects)
  .map(([name, object]) => {
    const there = union([...new Set(methods(name, object))]);
    return `export type Of_${name} = Same<Compared<Of<"${name}">, ${there} | Extract<Of<"${name}">, ${union(members(object))}>>>;`;
  })
  .join("\n")}
`;

/** What a sample must use: each export, and each method. */
export const used = new Set([
  ...Object.keys(sdk),
  ...classes.flatMap(([, value]) => statics(value)),
  ...Object.entries(objects).flatMap(([name, object]) => methods(name, object)),
]);

/** Classes of which the samples make no object to compare. */
export const missing = classes.map(([name]) => name).filter((name) => !(name in objects));
