/** What the caller can do about an error. */
export type AlluviumErrorKind =
  /** It does not exist. Ask for something else. */
  | "not-found"
  /** It exists already. */
  | "already-exists"
  /** Stored data is damaged. Restore an older checkpoint, or set `allowFallback`. */
  | "corruption"
  /** Another tab, worker or process writes here. Stop. */
  | "fenced"
  /** The storage is full. Free space, then open the checkpoints again. */
  | "no-space"
  /** A limit was exceeded. Ask for less, or raise the limit. */
  | "limit-exceeded"
  /** The call is wrong. Correct it. */
  | "invalid-input"
  /** Too many checkpoints are in progress. Await one, then try again. */
  | "backpressure"
  /** A write failed, and only the storage knows how far it got. Open the checkpoints again. */
  | "reopen"
  /** The storage failed. Try again later. */
  | "io"
  /** The checkpoints were closed. Open them again. */
  | "closed"
  /** The tab or worker with the engine has gone or does not answer. Try again: a write may have been applied. */
  | "disconnected"
  /** Another operation needs exclusive access. Await it, then try again. */
  | "busy"
  /**
   * The engine failed. Changes since the newest checkpoint are lost, and what is stored is whole. Open the
   * checkpoints again.
   */
  | "panic";

/** The only error class of this package. `kind` says what the caller can do. `message` names the place. */
export class AlluviumError extends Error {
  /** The name of the class. */
  override readonly name = "AlluviumError";
  /** What the caller can do. */
  readonly kind: AlluviumErrorKind;

  /** Makes an error. */
  constructor(kind: AlluviumErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Converts what the engine threw into an error of this package. */
export function toAlluviumError(thrown: unknown): AlluviumError {
  if (thrown instanceof AlluviumError) return thrown;
  const { kind, message } = (thrown ?? {}) as { kind?: AlluviumErrorKind; message?: string };
  return new AlluviumError(kind ?? "io", message ?? String(thrown), { cause: thrown });
}
