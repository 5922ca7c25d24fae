// The story of a kill: what was cut, what came after the cut, the kill, the rollback, the replay and the proof. It is put
// together from what the page hears, and it survives a reload of the page.

/** A moment, in milliseconds of Unix time, and the records that the state had. */
export interface Moment {
  at: number;
  records: number;
}

/** A kill and what followed. */
export interface Kill extends Moment {
  /** What ended: the worker, or the whole tab. */
  what: "worker" | "tab";
  /** The checkpoint that was opened, or null if there was none. */
  rollback?: (Moment & { id: string | null; tookMs: number }) | undefined;
  /** When the state had as many records as at the kill. */
  replayed?: Moment | undefined;
  proof?: { isEqual: boolean; keys: number; records: number; tookMs: number } | undefined;
}

/** What is told. */
export interface Telling {
  moments: Moment[];
  cuts: (Moment & { id: string })[];
  kill: Kill | null;
}

const MOMENTS = 400;
const CUTS = 100;

export class Story {
  telling: Telling;

  constructor(telling?: Partial<Telling>) {
    const { moments = [], cuts = [], kill = null } = telling ?? {};
    this.telling = { moments, cuts, kill };
  }

  seen(records: number, at = Date.now()): void {
    const { moments, kill } = this.telling;
    moments.push({ at, records });
    if (moments.length > MOMENTS) moments.splice(0, moments.length - MOMENTS);
    if (kill?.rollback && !kill.replayed && records >= kill.records) kill.replayed = { at, records };
  }

  cut(id: string, records: number, at: number): void {
    const { cuts } = this.telling;
    cuts.push({ id, records, at });
    if (cuts.length > CUTS) cuts.splice(0, cuts.length - CUTS);
  }

  killed(what: Kill["what"], records: number, at = Date.now()): void {
    this.telling.kill = { what, records, at };
  }

  /** A worker opened the storage. */
  opened(id: string | null, records: number, tookMs: number, at = Date.now()): void {
    const { kill } = this.telling;
    // The page hears of the records a little late, so the state may have had more of them than was seen.
    if (kill && !kill.rollback) {
      kill.rollback = { id, records, tookMs, at };
      kill.records = Math.max(kill.records, records);
    }
    this.seen(records, at);
  }

  proved(proof: NonNullable<Kill["proof"]>): void {
    const { kill } = this.telling;
    if (kill?.rollback && !kill.proof) kill.proof = proof;
  }
}
