// Records: named values of different types.

import { quoted } from "./json.js";
import { Refusal } from "./refusal.js";
import { Type, mistaken, other, typed } from "./types.js";

/**
 * Named values of different types: an object, whose members are written in this order. Each must be there, but for
 * the value of one that is optional.
 *
 * @param {Record<string, Type<any>>} members
 * @param {{ isClosed?: boolean }} [more] Whether JSON of an input that has other members is refused.
 * @returns {Type<Record<string, any>>}
 */
export function record(members, { isClosed = false } = {}) {
  const types = Object.entries(members).map(([member, type]) => ({
    member,
    type: typed(type),
    lead: `${quoted(member)}:`,
  }));
  const names = types.map(({ member }) => member);
  const name = `a record of ${names.join(", ")}`;
  return new Type({
    name,
    sample: Object.fromEntries(types.map(({ member, type }) => [member, type.sample])),
    isExact: types.some(({ type }) => type.isExact),
    write(value) {
      if (value === null || typeof value !== "object") throw mistaken(name, value);
      const written = types.map(({ member, type, lead }) => {
        // A name that is written wrong must not become a null.
        if (!(member in value)) throw new TypeError(`a record has no ${member}: it must have one, which may be null`);
        return lead + type.write(value[member]);
      });
      return `{${written.join()}}`;
    },
    parse(json, isInput) {
      if (json === null || typeof json !== "object" || Array.isArray(json)) throw other(name, json);
      if (isClosed && isInput) refuseOthers(json, names);
      return Object.fromEntries(types.map(({ member, type }) => [member, parseMember(json, member, type, isInput)]));
    },
  });
}

/**
 * Reads a member, which is named in a refusal.
 *
 * @param {object} json
 * @param {string} member
 * @param {Type<any>} type
 * @param {boolean} [isInput]
 */
function parseMember(json, member, type, isInput) {
  const isThere = Object.hasOwn(json, member);
  try {
    return type.parse(isThere ? /** @type {any} */ (json)[member] : null, isInput);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(isThere ? `${member}: ${error.text}` : `${member} is missing`);
  }
}

/** @param {object} json @param {string[]} names */
function refuseOthers(json, names) {
  const unknown = Object.keys(json).find((member) => !names.includes(member));
  if (unknown !== undefined) {
    throw new Refusal(`there is no member ${JSON.stringify(unknown)}: the members are ${names.join(", ")}`);
  }
}
