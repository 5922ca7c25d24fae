// Other libraries on the same 10,000 entries. Each one opens its database and writes the entries in one
// transaction, which is as durable as that library can make it when it resolves. Keys are texts of 16 letters,
// and values have 100 bytes.

import { Dexie } from "/node_modules/dexie/dist/modern/dexie.mjs";
import { createStore, setMany } from "/node_modules/idb-keyval/dist/index.js";

/** The statement that the SQLite builds below run for each entry. */
const UPSERT = "INSERT OR REPLACE INTO entries VALUES (?, ?)";

/** Functions that open a peer. Each returns a function that writes entries, which are pairs of key and value. */
export const peers = {
  async dexie() {
    const dexie = new Dexie("bench-dexie", { chromeTransactionDurability: "strict" });
    dexie.version(1).stores({ entries: "" });
    await dexie.open();
    return (entries) => dexie.entries.bulkPut(entries.map(([, value]) => value), entries.map(([key]) => key));
  },

  async "idb-keyval"() {
    const store = createStore("bench-keyval", "values");
    return (entries) => setMany(entries, store);
  },

  /** SQLite in the window. It keeps its pages in IndexedDB. */
  async "wa-sqlite"() {
    const { default: factory } = await import("/node_modules/wa-sqlite/dist/wa-sqlite-async.mjs");
    const { Factory } = await import("/node_modules/wa-sqlite/src/sqlite-api.js");
    const { IDBBatchAtomicVFS } = await import("/node_modules/wa-sqlite/src/examples/IDBBatchAtomicVFS.js");
    const sqlite = Factory(await factory());
    sqlite.vfs_register(new IDBBatchAtomicVFS("bench-wa-sqlite", { durability: "strict" }), true);
    const database = await sqlite.open_v2("entries.db");
    await sqlite.exec(database, "CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID");
    return async (entries) => {
      await sqlite.exec(database, "BEGIN IMMEDIATE");
      const text = sqlite.str_new(database, UPSERT);
      const { stmt } = await sqlite.prepare_v2(database, sqlite.str_value(text));
      for (const [key, value] of entries) {
        sqlite.bind_text(stmt, 1, key);
        sqlite.bind_blob(stmt, 2, value);
        await sqlite.step(stmt);
        await sqlite.reset(stmt);
      }
      await sqlite.finalize(stmt);
      sqlite.str_finish(text);
      await sqlite.exec(database, "COMMIT");
    };
  },

  /** SQLite in a worker. It keeps its file in the origin private file system. */
  async "sqlite-opfs"() {
    const worker = new Worker("/bench/sqlite-worker.mjs", { type: "module" });
    const ask = (message) =>
      new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve());
        worker.onerror = ({ message }) => reject(new Error(message));
        worker.postMessage(message);
      });
    await ask({ open: true });
    return (entries) => ask({ entries });
  },

  /** PostgreSQL in the window. It keeps its files in IndexedDB. */
  async pglite() {
    const { PGlite } = await import("/node_modules/@electric-sql/pglite/dist/index.js");
    const database = await PGlite.create("idb://bench-pglite", { relaxedDurability: false });
    await database.exec("CREATE TABLE entries (key text PRIMARY KEY, value bytea)");
    const hex = (value) => Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const statement =
      "INSERT INTO entries SELECT k, decode(v, 'hex') FROM unnest($1::text[], $2::text[]) AS given(k, v) " +
      "ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    return (entries) => database.query(statement, [entries.map(([key]) => key), entries.map(([, value]) => hex(value))]);
  },
};
