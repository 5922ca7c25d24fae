/**
 * Hooks that read checkpoints through a client of `alluvium/client`. A component is rendered again when what it reads has
 * changed.
 */
import { useMemo, useSyncExternalStore } from "react";

import type { ClientSpace } from "../client/space.js";
import type { Live } from "../client/live.js";
import type { Status } from "../client/link.js";
import type { Client } from "../client/client.js";
import type { Store } from "../client/store.js";
import { idOf, keyOf } from "../live/where.js";
import type { KeyRange } from "../range.js";
import type { Bytes } from "../text.js";

const useStore = <T>({ subscribe, getSnapshot }: Store<T>): T => useSyncExternalStore(subscribe, getSnapshot, getSnapshot);

/** Returns what a live value has now. An error of it is thrown, for an error boundary. */
export function useLive<T>(live: Live<T>): T {
  const error = useStore(live.error);
  const value = useStore(live);
  if (error !== undefined) throw error;
  return value;
}

/** Returns the value of a key, and renders again when it changes. It is `undefined` until it is there. */
export function useValue<V>(space: ClientSpace<V, any>, key: Bytes): V | undefined {
  // Keys of the same bytes are the same key, even if they are new objects each time.
  const id = idOf(key);
  return useLive(useMemo(() => space.liveValue(keyOf(id)), [space, id]));
}

/** Returns the entries of a range with keys as texts, and renders again when one changes. There are none at first. */
export function useRange<V>(space: ClientSpace<V, any>, { from, to, prefix, reverse, limit }: KeyRange): readonly (readonly [key: string, value: V])[] {
  const ids = [from, to, prefix].map((bound) => (bound === undefined ? undefined : idOf(bound)));
  const live = useMemo(() => {
    const [from, to, prefix] = ids.map((id) => (id === undefined ? undefined : keyOf(id)));
    return space.live({ from, to, prefix, reverse, limit });
  }, [space, ...ids, reverse, limit]);
  return useLive(live);
}

/** Returns whether a client is connected. */
export const useStatus = (client: Client<any, any>): Status => useStore(client.status);
