// Reads flight records: it finds the columns that matter, and converts the fields of a batch to flights.
//
// It accepts and refuses the same input with the same messages as wasm/plugins/flights in Rust.

const COLUMNS = ["carrier", "origin", "dest", "dep_time", "arr_delay"];
const I64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

// Text that is not UTF-8 is an error. With replacement characters, two keys could become one.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Finds the needed columns in `header`, an array of names. */
export function findColumns(header) {
  const missing = COLUMNS.filter((column) => !header.includes(column));
  // If two columns have the same name, choosing one of them would be a guess.
  const doubled = COLUMNS.find((column) => header.indexOf(column) !== header.lastIndexOf(column));
  if (doubled) throw `the input has more than one column ${doubled}`;
  if (missing.length > 0) {
    throw `the input has no column ${missing.join(", ")}; it has ${header.join(", ")}`;
  }
  return { width: header.length, positions: COLUMNS.map((column) => header.indexOf(column)) };
}

/** Calls `each` for every flight of the batch, in order, and stops at the first error. An error that one record is to
 *  blame for is thrown as a `failure` with the record's number. */
export function eachFlight({ width, positions }, { count, fieldLens, fields }, each) {
  if (fieldLens.length !== count * width) {
    throw `${count} records with ${fieldLens.length} fields where the header has ${width} columns`;
  }
  const starts = new Array(width);
  let at = 0;
  for (let record = 0; record < count; record += 1) {
    for (let column = 0; column < width; column += 1) {
      starts[column] = at;
      at += fieldLens[record * width + column];
      if (at > fields.length) throw { record, text: "its fields are longer than the batch" };
    }
    const field = (column) => {
      const position = positions[column];
      return fields.subarray(starts[position], starts[position] + fieldLens[record * width + position]);
    };
    try {
      each(flight(field));
    } catch (text) {
      throw typeof text === "string" ? { record, text } : text;
    }
  }
  if (at !== fields.length) throw `the batch has ${fields.length - at} bytes after its last field`;
}

function flight(field) {
  const wrong = (column, what) => `column ${COLUMNS[column]}: ${what}`;
  const text = (column) => {
    const bytes = field(column);
    try {
      return utf8.decode(bytes);
    } catch {
      throw wrong(column, `${escaped(bytes)} is not UTF-8`);
    }
  };
  // With a separator inside a name, two routes could have the same key.
  const name = (column, separator) => {
    const found = text(column);
    if (isMissing(found)) throw wrong(column, "is missing");
    if (found.includes(separator)) throw wrong(column, `${JSON.stringify(found)} contains "${separator}"`);
    return found;
  };
  const delay = () => {
    const found = text(4);
    if (isMissing(found)) return null;
    // The number is a BigInt, because a Number is exact only up to 2^53.
    const minutes = /^[+-]?[0-9]+$/.test(found) ? BigInt(found.replace("+", "")) : null;
    if (minutes === null || minutes < I64.min || minutes > I64.max) {
      throw wrong(4, `${JSON.stringify(found)} is not a whole number of minutes`);
    }
    return minutes;
  };
  // The fields are checked in this order, so that every language reports the same one of two mistakes in a record.
  const delayMinutes = delay();
  const [carrier, origin, dest] = [name(0, ":"), name(1, "-"), name(2, "-")];
  return { key: `${carrier}:${origin}-${dest}`, cancelled: isMissing(text(3)), delayMinutes };
}

function isMissing(text) {
  return text === "" || text === "NA";
}

function escaped(bytes) {
  const hex = (byte) => `\\x${byte.toString(16).padStart(2, "0")}`;
  return Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : hex(byte))).join("");
}
