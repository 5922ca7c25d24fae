import { texted } from "./checks.js";
import type { Codec } from "./codec.js";
import type { TimeDomain } from "./namespace.js";
import type { Session } from "./session.js";
import { Space } from "./space.js";
import { type Bytes, type Integer, bytesOf, signed, unsigned } from "./text.js";
import type { MemoryUsage } from "./types.js";
import type { Engine as EngineHandle } from "./wasm/alluvium_wasm.js";

/** The default namespace, which is hashed and always there. */
const DEFAULT = { id: 0, isOrdered: false };

/** Keyed state in memory, and the position of the stream that it belongs to. */
export class KeyedState<V = Uint8Array, I = V extends Uint8Array ? Bytes : V> extends Space<V, I> {
  readonly #session: Session;

  /** @internal */
  constructor(session: Session, codec?: Codec<V, I>) {
    super(session, codec, () => DEFAULT);
    this.#session = session;
  }

  /** The epoch. It never goes backwards. */
  get epoch(): bigint {
    return this.#session.call((engine) => engine.epoch());
  }
  /** Sets the epoch. */
  set epoch(epoch: Integer) {
    this.#session.call((engine) => engine.setEpoch(unsigned("epoch", epoch)));
  }

  /** The offset of each source: how far it was consumed. */
  get sourceOffsets(): Map<string, bigint> {
    return this.#session.call((engine) => engine.sourceOffsets() as Map<string, bigint>);
  }

  /** Returns how far one source was consumed. It is 0 if nothing was. */
  sourceOffset(source: string): bigint {
    return this.sourceOffsets.get(texted("source", source)) ?? 0n;
  }

  /** Sets how far a source was consumed. The offset never goes backwards. */
  setSourceOffset(source: string, offset: Integer): void {
    this.#session.call((engine) => engine.setSourceOffset(texted("source", source), unsigned("offset", offset)));
  }

  /**
   * The positions in the partitions of sources, by source and partition: an offset, or bytes that only the source
   * understands. A source that numbers its records needs only `sourceOffset`.
   */
  get positions(): Map<string, Map<string, bigint | Uint8Array>> {
    return this.#session.call((engine) => engine.positions() as Map<string, Map<string, bigint | Uint8Array>>);
  }

  /** Returns the position in one partition of a source, if there is one. */
  position(source: string, partition = ""): bigint | Uint8Array | undefined {
    return this.positions.get(texted("source", source))?.get(texted("partition", partition));
  }

  /**
   * Sets the position in one partition of a source: an integer, or at most 1 KiB that only the source understands. A
   * string stands for its UTF-8. Such bytes cannot be compared, so nothing keeps a position from going backwards.
   */
  setPosition(source: string, position: Bytes | Integer, partition = ""): void {
    texted("source", source);
    texted("partition", partition);
    this.#session.call((engine) => {
      if (typeof position === "bigint" || typeof position === "number") engine.setPositionOffset(source, partition, unsigned("position", position));
      else engine.setPositionBytes(source, partition, bytesOf(position));
    });
  }

  /** The watermark, in milliseconds of Unix time. */
  get watermark(): bigint | undefined {
    return this.#session.call((engine) => engine.watermark());
  }

  /** Raises the watermark. A lower value is ignored. */
  setWatermark(watermarkMs: Integer): void {
    this.#move("event", (engine) => engine.setWatermark(signed("watermark", watermarkMs)));
  }

  /** The processing time, in milliseconds of Unix time. */
  get processingTime(): bigint | undefined {
    return this.#session.call((engine) => engine.processingTime());
  }

  /**
   * Raises the processing time, which is the clock of what is declared with `clock: "processing"`. A lower value is
   * ignored. The engine reads no clock for it, so that a replay does the same again.
   */
  setProcessingTime(timeMs: Integer): void {
    this.#move("processing", (engine) => engine.setProcessingTime(signed("processing time", timeMs)));
  }

  /** Moves a clock. Entries may expire by it, of which their watchers are told. */
  #move(clock: TimeDomain, set: (engine: EngineHandle) => void): void {
    const move = () => this.#session.call(set);
    const { feed } = this.#session;
    if (feed === undefined) move();
    else feed.clockMoves(clock, move);
  }

  /** Returns a text that is attached to checkpoints. */
  annotation(name: string): string | undefined {
    return this.#session.call((engine) => engine.annotation(texted("name", name)));
  }

  /** Attaches a short text to all later checkpoints. */
  setAnnotation(name: string, value: string): void {
    this.#session.call((engine) => engine.setAnnotation(texted("name", name), texted("value", value)));
  }

  /** The WAL position that the caller gave the newest checkpoint. */
  get walPosition(): bigint {
    return this.#session.call((engine) => engine.walPosition());
  }

  /** The id of the checkpoint that was taken, restored or opened last. */
  get latestCheckpointId(): bigint | undefined {
    return this.#session.call((engine) => engine.latestCheckpointId());
  }

  /** The memory that the engine holds. */
  get memory(): MemoryUsage {
    return this.#session.call((engine) => engine.memory() as MemoryUsage);
  }

  /** Returns whether the interval since the last checkpoint has passed. */
  shouldCheckpoint(): boolean {
    const isDue = this.#session.call((engine) => engine.shouldCheckpoint());
    this.#session.clock.checkAsked();
    return isDue;
  }
}
