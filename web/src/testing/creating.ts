// Checks of creating and deleting files.

import { type Check, create, creates, deletes, lists, names, reads, refuses, same } from "./support.js";

export const creating: Record<string, Check> = {
  async "names may be 64 characters long"({ open }) {
    const directory = await open();
    const long = "abcdefghijklmnopqrstuvwxyz-0123456789_abcdefghijklmnopqrstuvwx.z";
    same("the length of the name", long.length, 64);
    await creates(directory, [[`${long}/${long}`, "deep"], [long.slice(1), "flat"]]);
    await lists(directory, [[`${long}/${long}`, 4], [long.slice(1), 4]]);
    await reads(directory, `${long}/${long}`, "deep");
  },

  async "a batch spans directories in any order"({ open }) {
    const directory = await open();
    await creates(directory, [["z/2", "1"], ["a/1", "2"], ["z/1", "3"], ["m", "4"], ["a/commit", "5"]]);
    await lists(directory, [["a/1", 1], ["a/commit", 1], ["m", 1], ["z/1", 1], ["z/2", 1]]);
    await reads(directory, "z/2", "1");
    await reads(directory, "a/commit", "5");
  },

  async "the last file of a batch appears last"({ open }) {
    const directory = await open();
    for (let round = 0; round < 5; round++) {
      const batch = Array.from({ length: 9 }, (_, number) => `round-${round}/${9 - number}`);
      let isCreated = false;
      const creation = creates(directory, batch.map((path) => [path, path.repeat(500)])).finally(() => (isCreated = true));
      const last = batch.at(-1)!;
      while (!isCreated) {
        const found = await names(directory);
        if (found.includes(last)) same("the files that are listed with the last", found.filter((path) => batch.includes(path)).length, batch.length);
        // Listings may end without any turn of the event loop, which a creation may need.
        await new Promise((resolve) => setTimeout(resolve));
      }
      await creation;
    }
  },

  async "a taken name fails the batch"({ open }) {
    const directory = await open();
    await creates(directory, [["a/taken", "old"], ["taken", "older"]]);
    for (const taken of ["a/taken", "taken"]) {
      for (const at of [0, 1, 2]) {
        const batch = ["a/x", "y", "last/commit"].map((path) => [path, "new"] as [string, string]);
        batch[at] = [taken, "new content, longer than the old one"];
        await refuses(`a batch with ${taken}`, create(directory, batch), "already-exists", taken, batch.at(-1)![0]);
        const found = await names(directory);
        same("whether the commit is there", found.includes("last/commit"), false);
        await reads(directory, "a/taken", "old");
        await reads(directory, "taken", "older");
        // Files before the taken name may exist. They would be in the way of the next round.
        await deletes(directory, found.filter((path) => !path.endsWith("taken")));
      }
    }
    await lists(directory, [["a/taken", 3], ["taken", 5]]);
  },

  async "a name twice in a batch fails it"({ open }) {
    const directory = await open();
    const batch = create(directory, [["twice", "1"], ["a/between", "2"], ["twice", "3"], ["last", "4"]]);
    await refuses("a batch with a name twice", batch, "already-exists", "twice", "last");
    same("whether the commit is there", (await names(directory)).includes("last"), false);
    await refuses("a batch with its last name twice", create(directory, [["last", "1"], ["last", "2"]]), "already-exists", "last");
  },

  async "deleting twice is no error"({ open }) {
    const directory = await open();
    await creates(directory, [["a/x", "x"], ["y", "y"]]);
    await deletes(directory, ["a/x"]);
    await deletes(directory, ["a/x", "never", "never/there"]);
    await deletes(directory, ["y", "y"]);
    await lists(directory, []);
  },

  async "deleting leaves the other files"({ open }) {
    const directory = await open();
    await creates(directory, [["a/1", "1"], ["a/10", "10"], ["a/2", "2"], ["b/1", "3"], ["b/2", "4"]]);
    await deletes(directory, ["a/1", "b/2"]);
    await lists(directory, [["a/10", 2], ["a/2", 1], ["b/1", 1]]);
    await reads(directory, "a/10", "10");
    await refuses("reading what is deleted", directory.read("a/1"), "not-found", "a/1");
  },

  async "a directory goes with its last file"({ open }) {
    const directory = await open();
    await creates(directory, [["a/1", "1"], ["a/2", "2"], ["b/1", "3"]]);
    await deletes(directory, ["a/1"]);
    await lists(directory, [["a/2", 1], ["b/1", 1]]);
    await deletes(directory, ["a/2", "b/1"]);
    await lists(directory, []);
    await creates(directory, [["a/1", "again"]]);
    await reads(directory, "a/1", "again");
  },

  async "a deleted name is free again"({ open }) {
    const directory = await open();
    for (const content of ["first", "", "the third content is the longest"]) {
      await creates(directory, [["a/x", content]]);
      await reads(directory, "a/x", content);
      await deletes(directory, ["a/x"]);
    }
    await lists(directory, []);
  },
};
