// Refusals: errors that an operator answers a call with. Every other exception is a bug.

/**
 * The refusal of a call. The host undoes what the call did, and shows the text.
 *
 * Throw it from an operator if the input is to blame, and name the record if one of a batch is. All other exceptions
 * are bugs: they end the plugin, which loses nothing, because it continues from its last checkpoint.
 */
export class Refusal extends Error {
  /**
   * @param {string} text What is wrong, in words.
   * @param {{ record?: number }} [about] The record that is to blame, counted from 0 in the batch.
   */
  constructor(text, { record } = {}) {
    super(record === undefined ? text : `record ${record}: ${text}`);
    this.name = "Refusal";
    /** What is wrong, without the number of the record. */
    this.text = text;
    /** The record that is to blame, if one of the batch is. */
    this.record = record;
  }
}

/**
 * Runs `work`, and says of a refusal without a record that this record is to blame.
 *
 * @template T
 * @param {number} record
 * @param {() => T} work
 * @returns {T}
 */
export function blaming(record, work) {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal && error.record === undefined) throw new Refusal(error.text, { record });
    throw error;
  }
}
