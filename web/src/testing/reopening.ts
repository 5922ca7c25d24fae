// Checks of what a second handle on the same storage sees, opened later or at the same time.

import { type Check, create, creates, deletes, lists, names, reads, refuses, same, told } from "./support.js";

export const reopening: Record<string, Check> = {
  async "files outlive the handle"({ open, close }) {
    const before = await open();
    await creates(before, [["a/x", "sediment"], ["last", ""]]);
    await close(before);
    const directory = await open();
    await lists(directory, [["a/x", 8], ["last", 0]]);
    await reads(directory, "a/x", "sediment");
    await refuses("a taken name", create(directory, [["last", "new"]]), "already-exists", "last");
    await reads(directory, "last", "");
  },

  async "deletions outlive the handle"({ open, close }) {
    const before = await open();
    await creates(before, [["a/x", "x"], ["b/y", "y"], ["b/z", "z"]]);
    await deletes(before, ["a/x", "b/y"]);
    await close(before);
    await lists(await open(), [["b/z", 1]]);
  },
};

export const sharing: Record<string, Check> = {
  async "two handles see the same files"({ open }) {
    const [one, other] = [await open(), await open()];
    await creates(one, [["a/x", "from one"]]);
    await creates(other, [["a/y", "from the other"]]);
    await reads(other, "a/x", "from one");
    await reads(one, "a/y", "from the other");
    await deletes(one, ["a/x"]);
    await deletes(other, ["a/y"]);
    await lists(one, []);
    await creates(one, [["a/x", "again"]]);
    await lists(other, [["a/x", 5]]);
  },

  async "of two handles the first to create wins"({ open }) {
    const [one, other] = [await open(), await open()];
    await creates(one, [["segments/1", "one"], ["commit/metadata", "one"]]);
    const late = create(other, [["segments/2", "other"], ["commit/metadata", "the other's"]]);
    await refuses("the second commit", late, "already-exists", "commit/metadata");
    await reads(one, "commit/metadata", "one");
    await reads(other, "commit/metadata", "one");
  },

  async "of two handles that create at once exactly one wins"({ open }) {
    const [one, other] = [await open(), await open()];
    for (let round = 0; round < 10; round++) {
      const commit = `commit/${round}`;
      const contents = ["one".repeat(30_000), "other".repeat(20_000)];
      const start = [one, other].map((directory, at) => create(directory, [[`segments/${round}-${at}`, contents[at]!], [commit, contents[at]!]]));
      const settled = await Promise.allSettled(start);
      const won = settled.flatMap(({ status }, at) => (status === "fulfilled" ? [at] : []));
      const lost = settled.flatMap((result) => (result.status === "rejected" ? [told(result.reason)] : []));
      same(`round ${round}: how many creations succeeded, of two (${lost.join("; ") || "none failed"})`, won.length, 1);
      const { kind } = (settled[1 - won[0]!] as PromiseRejectedResult).reason as { kind?: string };
      same(`round ${round}: the kind of the other's error`, kind, "already-exists");
      for (const directory of [one, other]) {
        await reads(directory, commit, contents[won[0]!]!);
        const found = await names(directory);
        same(`round ${round}: whether the winner's files are listed`, [commit, `segments/${round}-${won[0]}`].every((path) => found.includes(path)), true);
      }
    }
  },
};
