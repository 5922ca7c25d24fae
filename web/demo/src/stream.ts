// The stream. It adds records to the state in batches, and takes a checkpoint after a set number of records.
// The stream continues while a checkpoint is being written.

import { AlluviumError, BatchWriter, Checkpoints } from "alluvium";
import { PAST } from "./archive.js";
import { Kept } from "./kept.js";
import type { FromWorker, Settings } from "./protocol.js";
import { topRoutes } from "./ranking.js";
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
/** How many checkpoints may be in progress before the stream waits for the storage. */
const MAX_PENDING = 3;
/** How many keys of the past one batch writes, and the part of a slice in which the past is written. */
const PAST_BATCH = 1_000;
const PAST_SHARE = 0.8;

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
  /** How many keys of the past are written. */
  #written = 0;
  readonly kept: Kept;
  readonly #writer = new BatchWriter();
  readonly #ticks = new MessageChannel();

  constructor(
    readonly checkpoints: Checkpoints,
    readonly source: Source,
    public settings: Settings,
    readonly tell: (message: FromWorker) => void,
    readonly fail: (thrown: unknown) => void,
  ) {
    this.kept = new Kept(checkpoints, tell, fail);
    this.consumed = this.#checkpointed = 0;
    this.#watermark = null;
    this.rewind();
    this.#ticks.port1.onmessage = ({ data }) => this.#tick(data as number);
    checkpoints.on("maintenance", () => void this.kept.tell());
    checkpoints.on("fenced", ({ reason }) => this.fail(new AlluviumError("fenced", reason)));
  }

  /** Whether the stream is at its end: every record is in the state, and the last checkpoint has been taken. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Continues from the offset of the current state, after opening, a restore or an import. */
  rewind(): void {
    this.consumed = this.#checkpointed = Number(this.checkpoints.sourceOffset(INPUT));
    this.#watermark = this.checkpoints.watermark === undefined ? null : Number(this.checkpoints.watermark);
    this.#written = Number(this.checkpoints.sourceOffset(PAST));
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
      } else if (!wasWaiting && (this.#owed >= 1 || this.#written < (this.source.past?.keys ?? 0))) {
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
    this.#writePast(now + SLICE_MS * PAST_SHARE);
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

  /** Writes the next keys of the past, in batches, until the time is over. The first batch has all keys that records concern. */
  #writePast(until: number): void {
    const { past } = this.source;
    if (past === undefined) return;
    while (this.#written < past.keys && this.#pending < MAX_PENDING && performance.now() < until) {
      const end = Math.min(this.#written + Math.max(PAST_BATCH, this.#written === 0 ? past.inUse : 0), past.keys);
      for (let at = this.#written; at < end; at++) this.#writer.put(past.key(at), encode(past.value(at)));
      this.checkpoints.apply(this.#writer);
      this.checkpoints.setSourceOffset(PAST, (this.#written = end));
    }
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
        this.tell({ type: "checkpoint", row: this.kept.measured(metadata, statistics) });
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
    const past = { written: this.#written, of: this.source.past?.keys ?? 0 };
    this.tell({ type: "progress", records: this.consumed, keys, past, perSecond, watermarkMs: this.#watermark, payloadBytes, memoryBytes, waiting, isPaused: this.settings.isPaused });
  }

  /** Shows the routes at the top. It does so only as often as SCAN_SHARE allows. */
  tellRoutes(): void {
    const begun = performance.now();
    const { checkpoints, source, consumed, settings } = this;
    this.tell({ type: "routes", ...topRoutes(checkpoints, source.past, settings.ranking, consumed) });
    const took = performance.now() - begun;
    this.#nextScan = performance.now() + Math.max(500, took / SCAN_SHARE);
  }
}
