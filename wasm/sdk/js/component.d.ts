// The types of alluvium-plugin/component, which only a component can load.

import type { Exported } from "./index.js";

/**
 * Returns the exports of a component with this operator. `alluvium-plugin build` writes a module that calls it, and that
 * exports `migration` only if the operator has the method `migrate`.
 */
export function component(
  exported: Exported,
  name: string,
): { operator: object; migration: object; timed: object; keyed: object };
