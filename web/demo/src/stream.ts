// The stream. It adds records to the state in batches, and takes a checkpoint after a set number of records.
// The stream continues while a checkpoint is being written.

import { AlluviumError, BatchWriter, Checkpoints } from "alluvium";
import type { FromWorker, RouteRow, Row, Settings } from "./protocol.js";
import { type Route, add, decode, encode, merge } from "./route.js";
import { INPUT, type Source } from "./source.js";

/** How many checkpoints are kept. */
export const MAX_RETAINED = 8;
const BATCH_RECORDS = 2_000;
/** How long the stream runs before it handles messages. */
const SLICE_MS = 12;
const PROGRESS_INTERVAL_MS = 200;
/** The largest part of the time that scanning all routes may take. */
const SCAN_SHARE = 0.05;
const SHOWN_ROUTES = 14;
/** How many checkpoints may be in progress before the stream waits for the storage. */
const MAX_PENDING = 3;
const LISTING_TRIES = 20;

export class Stream {
  consumed: number;
  #checkpointed: number;
  #watermark: number | null;
  #pending = 0;
  #isRunning = false;
  /** The number of the current start. Ticks that belong to an earlier start do nothing. */
  #life = 0;
  #isComplete = false;
  #owed = 0;
  #lastTick = 0;
  #lastProgress = { at: 0, consumed: 0 };
  #nextScan = 0;
  #listing: Promise<void> | undefined;
  #isListingStale = false;
  #statistics = new Map<string, Row["statistics"] & object>();
  readonly #writer = new BatchWriter();
  readonly #ticks = new MessageChannel();

  constructor(
    readonly checkpoints: Checkpoints,
    readonly source: Source,
    public settings: Settings,
    readonly tell: (message: FromWorker) => void,
    readonly fail: (thrown: unknown) => void,
  ) {
    this.consumed = this.#checkpointed = Number(checkpoints.sourceOffset(INPUT));
    this.#watermark = checkpoints.watermark === undefined ? null : Number(checkpoints.watermark);
    this.#ticks.port1.onmessage = ({ data }) => this.#tick(data as number);
    checkpoints.on("maintenance", () => void this.tellKept());
    checkpoints.on("fenced", ({ reason }) => this.fail(new AlluviumError("fenced", reason)));
  }

  /** Whether the stream is at its end: every record is in the state, and the last checkpoint has been taken. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Continues from the offset of the current state, after a restore or an import. */
  rewind(): void {
    this.consumed = this.#checkpointed = Number(this.checkpoints.sourceOffset(INPUT));
    this.#watermark = this.checkpoints.watermark === undefined ? null : Number(this.checkpoints.watermark);
    this.#isComplete = false;
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#lastTick = performance.now();
    this.#lastProgress = { at: this.#lastTick, consumed: this.consumed };
    this.#owed = 0;
    this.#ticks.port2.postMessage(++this.#life);
  }

  stop(): void {
    this.#isRunning = false;
  }

  #tick(life: number): void {
    if (!this.#isRunning || life !== this.#life) return;
    try {
      const wasWaiting = this.#run();
      const now = performance.now();
      if (now - this.#lastProgress.at >= PROGRESS_INTERVAL_MS) this.tellProgress(wasWaiting);
      if (now >= this.#nextScan) this.tellRoutes();
      if (this.#isComplete || this.settings.isPaused) {
        this.#isRunning = false;
        this.tellProgress(false);
        this.tellRoutes();
      } else if (!wasWaiting && this.#owed >= 1) {
        // A timer would wait at least 4 ms.
        this.#ticks.port2.postMessage(life);
      } else {
        setTimeout(() => this.#tick(life), 8);
      }
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  /** Runs one slice of the stream. Returns whether it waits for the storage. */
  #run(): boolean {
    const { rate, every, isPaused } = this.settings;
    const now = performance.now();
    // At most a quarter of a second of records is made up for.
    this.#owed = Math.min(this.#owed + (rate * (now - this.#lastTick)) / 1000, Math.max(1, rate / 4));
    this.#lastTick = now;
    if (isPaused) return false;
    while (performance.now() - now < SLICE_MS) {
      if (this.#pending >= MAX_PENDING) return true;
      const boundary = (Math.floor(this.consumed / every) + 1) * every;
      const end = Math.min(this.consumed + Math.min(this.#owed, BATCH_RECORDS), boundary, this.source.total);
      const to = Math.floor(end);
      if (to > this.consumed) {
        this.#owed -= to - this.consumed;
        this.#process(this.consumed, to);
      }
      if (this.consumed === boundary) this.#checkpoint();
      if (this.consumed >= this.source.total) {
        if (this.consumed > this.#checkpointed) this.#checkpoint();
        this.#isComplete = true;
        if (this.#pending === 0) this.tell({ type: "complete", records: this.consumed });
        return false;
      }
      if (this.#owed < 1) return false;
    }
    return false;
  }

  /** Processes one batch, with one read and one write of the state. */
  #process(from: number, to: number): void {
    const changes = new Map<string, Route>();
    this.source.each(from, to, (key, isCancelled, delay, timeMs) => {
      add(changes, key, isCancelled, delay);
      if (timeMs !== null && (this.#watermark === null || timeMs > this.#watermark)) this.#watermark = timeMs;
    });
    const keys = [...changes.keys()];
    const old = this.checkpoints.getMany(keys);
    const decoder = new TextDecoder();
    keys.forEach((key, at) => {
      const [before, change] = [old[at], changes.get(key)!];
      this.#writer.put(key, encode(before ? merge(decode(key, decoder.decode(before)), change) : change));
    });
    this.checkpoints.apply(this.#writer);
    this.consumed = to;
  }

  /** Takes a checkpoint of state, source offset and watermark at this moment. It is written while the stream continues. */
  #checkpoint(): void {
    const { checkpoints, consumed } = this;
    checkpoints.setSourceOffset(INPUT, consumed);
    if (this.#watermark !== null) checkpoints.setWatermark(this.#watermark);
    checkpoints.epoch += 1n;
    this.#checkpointed = consumed;
    this.#pending++;
    checkpoints.checkpoint().then(
      ({ statistics, ...metadata }) => {
        this.#pending--;
        const { freezeUs, writeUs } = statistics;
        this.#statistics.set(String(metadata.id), { freezeUs, writeUs });
        this.tell({ type: "checkpoint", row: { ...rowOf(metadata), statistics: { freezeUs, writeUs } } });
        if (this.#isComplete && this.#pending === 0) this.tell({ type: "complete", records: this.consumed });
      },
      (thrown: unknown) => {
        this.#pending--;
        this.fail(thrown);
      },
    );
  }

  tellProgress(waiting: boolean): void {
    const now = performance.now();
    const { at, consumed } = this.#lastProgress;
    // A stopped stream processes nothing, so its rate is 0.
    const perSecond = now > at && this.#isRunning ? ((this.consumed - consumed) * 1000) / (now - at) : 0;
    this.#lastProgress = { at: now, consumed: this.consumed };
    const { payloadBytes, stateBytes: memoryBytes } = this.checkpoints.memory;
    const { size: keys } = this.checkpoints;
    this.tell({ type: "progress", records: this.consumed, keys, perSecond, watermarkMs: this.#watermark, payloadBytes, memoryBytes, waiting });
  }

  /** Scans the whole state for the routes at the top. It does so only as often as SCAN_SHARE allows. */
  tellRoutes(): void {
    const begun = performance.now();
    const rows: RouteRow[] = [];
    let [flights, cancelled] = [0, 0];
    // A route with one very late flight would lead the means forever, so routes need a minimum of flights.
    const least = Math.min(20, Math.floor(this.consumed / 500));
    for (const [key, value] of this.checkpoints.textEntries()) {
      const route = decode(key, value);
      flights += route.flights;
      cancelled += route.cancelled;
      const departed = route.flights - route.cancelled;
      if (departed === 0 || departed < least) continue;
      rows.push({
        key,
        flights: route.flights,
        cancelled: route.cancelled,
        meanMin: route.arr_delay_min / departed,
        worstMin: route.worst_arr_delay_min,
      });
    }
    const figure = {
      mean: (row: RouteRow) => row.meanMin,
      worst: (row: RouteRow) => row.worstMin ?? -Infinity,
      flights: (row: RouteRow) => row.flights,
    }[this.settings.ranking];
    rows.sort((a, b) => figure(b) - figure(a) || (a.key < b.key ? -1 : 1));
    const { size: keys } = this.checkpoints;
    this.tell({ type: "routes", rows: rows.slice(0, SHOWN_ROUTES), flights, cancelled, keys, records: this.consumed });
    const took = performance.now() - begun;
    this.#nextScan = performance.now() + Math.max(500, took / SCAN_SHARE);
  }

  /** Lists the kept checkpoints. One listing runs at a time. If something changes meanwhile, another one follows. */
  tellKept(): Promise<void> {
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
    this.tell({ type: "kept", rows });
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
