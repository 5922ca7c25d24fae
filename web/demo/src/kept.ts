// Lists the checkpoints that are kept.

import { AlluviumError, type Checkpoints } from "alluvium";
import type { FromWorker, Row } from "./protocol.js";
import { INPUT } from "./source.js";

const LISTING_TRIES = 20;

export class Kept {
  #listing: Promise<void> | undefined;
  #isListingStale = false;
  readonly #statistics = new Map<string, Row["statistics"] & object>();

  constructor(
    readonly checkpoints: Checkpoints,
    readonly say: (message: FromWorker) => void,
    readonly fail: (thrown: unknown) => void,
  ) {}

  /** Remembers what a checkpoint cost. Returns its row. */
  measured(metadata: Metadata, { freezeUs, writeUs }: Row["statistics"] & object): Row {
    this.#statistics.set(String(metadata.id), { freezeUs, writeUs });
    return { ...rowOf(metadata), statistics: { freezeUs, writeUs } };
  }

  /** Lists the kept checkpoints. One listing runs at a time. If something changes meanwhile, another one follows. */
  tell(): Promise<void> {
    this.#isListingStale = true;
    this.#listing ??= (async () => {
      try {
        for (let failures = 0; this.#isListingStale; ) {
          this.#isListingStale = false;
          try {
            await this.#listKept();
          } catch (thrown) {
            // Files come and go during a listing, so it is tried again before its error is reported.
            const mayPass = thrown instanceof AlluviumError && (thrown.kind === "io" || thrown.kind === "not-found");
            if (!mayPass || ++failures === LISTING_TRIES) throw thrown;
            this.#isListingStale = true;
            await new Promise((resolve) => setTimeout(resolve, 100));
          }
        }
      } catch (thrown) {
        this.fail(thrown);
      } finally {
        this.#listing = undefined;
      }
    })();
    return this.#listing;
  }

  async #listKept(): Promise<void> {
    let listed = await this.checkpoints.list();
    if (listed.some(({ damage }) => damage !== undefined)) {
      // Maintenance runs while the listing reads. A checkpoint that is being deleted looks damaged once.
      const before = new Set(listed.filter(({ damage }) => damage !== undefined).map(({ id }) => id));
      listed = (await this.checkpoints.list()).filter(({ id, damage }) => damage === undefined || before.has(id));
    }
    const rows = listed.map(({ id, metadata, damage }) => {
      if (metadata === undefined) return damagedRow(String(id), damage ?? "");
      const statistics = this.#statistics.get(String(id));
      return { ...rowOf(metadata), ...(statistics && { statistics }) };
    });
    this.say({ type: "kept", rows });
  }
}

type Metadata = Awaited<ReturnType<Checkpoints["restore"]>>;

function rowOf(metadata: Metadata): Row {
  const { id, timestampMs, sourceOffsets, keyCount, keysChanged, bytesWritten, stateBytes, sizeBytes } = metadata;
  const records = Number(sourceOffsets.get(INPUT) ?? 0n);
  return { id: String(id), timestampMs, records, keys: keyCount, keysChanged, bytesWritten, stateBytes, sizeBytes };
}

function damagedRow(id: string, damage: string): Row {
  const none = { keysChanged: null, bytesWritten: null, stateBytes: null };
  return { id, timestampMs: 0, records: 0, keys: 0, sizeBytes: 0, ...none, damage };
}
