// Pages that the tests drive. The browser's own protocol opens and closes them; everything between goes
// through the mailbox, the same in every browser.

/** Opens the page at `address`, which must call `answer` of asking.mjs; resolves when it has greeted. */
export async function openTab(browser, mailbox, address) {
  const id = mailbox.register();
  const gone = () => mailbox.end(id);
  browser.process().once("exit", gone);
  const page = await browser.newPage();
  await Promise.all([mailbox.arrived(id), page.goto(`${address}?${id}`)]);
  return {
    /** The browser's own handle, for what only its protocol can do. */
    page,
    evaluate: (what, ...args) => mailbox.ask(id, ["evaluate", typeof what === "string" ? `() => (${what})` : String(what), args]),
    /** Resolves when the document that comes next has greeted; until then the page cannot be asked. */
    reload: () => mailbox.navigate(id, ["reload"]),
    async close() {
      browser.process().off("exit", gone);
      mailbox.end(id);
      await page.close();
    },
  };
}
