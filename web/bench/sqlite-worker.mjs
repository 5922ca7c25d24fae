// Runs SQLite on synchronous access handles, which only a worker has.

import initialise from "/node_modules/@sqlite.org/sqlite-wasm/dist/index.mjs";

let database;

async function open() {
  const sqlite = await initialise();
  const pool = await sqlite.installOpfsSAHPoolVfs({ name: "bench" });
  database = new pool.OpfsSAHPoolDb("/entries.db");
  database.exec("PRAGMA synchronous = FULL; CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID");
}

function write(entries) {
  database.exec("BEGIN IMMEDIATE");
  const statement = database.prepare("INSERT OR REPLACE INTO entries VALUES (?, ?)");
  for (const entry of entries) statement.bind(entry).stepReset();
  statement.finalize();
  database.exec("COMMIT");
}

onmessage = async ({ data }) => {
  try {
    if (data.open) await open();
    else write(data.entries);
    postMessage({});
  } catch (error) {
    postMessage({ error: String(error) });
  }
};
