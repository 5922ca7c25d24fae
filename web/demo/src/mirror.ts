// What the tab that has the stream tells the others, so that they show the same.

import type { FromWorker, Row } from "./protocol.js";
import type { Telling } from "./story.js";

/** Everything that a tab needs to show the stream from now on. */
export interface Snapshot {
  history: Row[];
  kept: string[];
  total: number;
  story: Telling;
  last: FromWorker[];
}

type Message =
  | { type: "hello" }
  | { type: "snapshot"; snapshot: Snapshot }
  | { type: "said"; message: FromWorker }
  | { type: "killed"; records: number }
  | { type: "forgotten" };

/** What a mirror does with what it hears, and what the tab with the stream answers. */
export interface Listening {
  isMirror(): boolean;
  snapshot(): Snapshot;
  show(snapshot: Snapshot): void;
  hear(message: FromWorker): void;
  killed(records: number): void;
  forgotten(): void;
}

/** These messages are for one tab only: they answer what it asked for. */
const PRIVATE = new Set(["ready", "exported", "diffed", "verified", "refused", "failed"]);

export class Mirror {
  #channel: BroadcastChannel | undefined;
  constructor(readonly listening: Listening) {}

  /** Listens to the tabs of another storage. */
  join(storage: string): void {
    this.#channel?.close();
    this.#channel = new BroadcastChannel(`alluvium-demo/${storage}`);
    this.#channel.onmessage = ({ data }: MessageEvent<Message>) => this.#heard(data);
  }

  #heard(data: Message): void {
    const { listening } = this;
    if (data.type === "hello") {
      if (!listening.isMirror()) this.#say({ type: "snapshot", snapshot: listening.snapshot() });
    } else if (!listening.isMirror()) return;
    else if (data.type === "snapshot") listening.show(data.snapshot);
    else if (data.type === "said") listening.hear(data.message);
    else if (data.type === "killed") listening.killed(data.records);
    else listening.forgotten();
  }

  #say(message: Message): void {
    this.#channel?.postMessage(message);
  }

  /** Asks the tab with the stream for what it shows. */
  hello = () => this.#say({ type: "hello" });
  killed = (records: number) => this.#say({ type: "killed", records });
  forgotten = () => this.#say({ type: "forgotten" });
  said(message: FromWorker): void {
    if (!PRIVATE.has(message.type)) this.#say({ type: "said", message });
  }
}
