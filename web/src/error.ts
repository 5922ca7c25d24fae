/** What the caller can do about an error. */
export type AlluviumErrorKind =
  /** Ask for something else. */
  | "not-found"
  /** It is there already. */
  | "already-exists"
  /** Restore an older checkpoint, or allow falling back. */
  | "corruption"
  /** Stop: another tab, worker or process writes here. */
  | "fenced"
  /** Free space, then open anew. */
  | "no-space"
  /** Ask for less, or raise the limit. */
  | "limit-exceeded"
  /** Correct the call. */
  | "invalid-input"
  /** Await a checkpoint, then try again. */
  | "backpressure"
  /** Open anew: a write failed, and only the storage knows how far it got. */
  | "reopen"
  /** Try again later. */
  | "io"
  /** It was closed: open anew. */
  | "closed"
  /** An operation that needs everything for itself is under way: await it. */
  | "busy"
  /** The engine failed and is gone, with what no checkpoint holds. What is stored is whole: open anew. */
  | "panic";

/** The one error of this package. `kind` says what can be done, `message` names the place. */
export class AlluviumError extends Error {
  override readonly name = "AlluviumError";
  readonly kind: AlluviumErrorKind;

  constructor(kind: AlluviumErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** What the engine threw, as an error of this package. */
export function toAlluviumError(thrown: unknown): AlluviumError {
  if (thrown instanceof AlluviumError) return thrown;
  const { kind, message } = (thrown ?? {}) as { kind?: AlluviumErrorKind; message?: string };
  return new AlluviumError(kind ?? "io", message ?? String(thrown), { cause: thrown });
}
