// Pages that the tests drive. The browser's own protocol only opens and closes them. Everything else goes through
// the mailbox, in the same way for every browser.

/** Opens the page at `address`, which must call `answer` of asking.mjs. Resolves when the page has greeted. */
export async function openTab(browser, mailbox, address) {
  const id = mailbox.register();
  const gone = () => mailbox.end(id);
  browser.process().once("exit", gone);
  const page = await browser.newPage();
  await Promise.all([mailbox.arrived(id), page.goto(`${address}?${id}`)]);
  return {
    /** The browser's own handle, for things that only its protocol can do. */
    page,
    evaluate: (what, ...args) => mailbox.ask(id, ["evaluate", typeof what === "string" ? `() => (${what})` : String(what), args]),
    /** Reloads the page. Resolves when the new document has greeted. Until then the page cannot be asked. */
    reload: () => mailbox.navigate(id, ["reload"]),
    async close() {
      browser.process().off("exit", gone);
      mailbox.end(id);
      await page.close();
    },
  };
}
