// Questions to pages, and their answers, over POSTs to the tests' server. A page asks what to do, does it, and
// posts the answer (see asking.mjs). The debugging protocol of the browser is not used for this. It may lose a
// promise that it waits for when the page is navigated or garbage is collected there.

/** After this time without an answer, a question fails. */
const ANSWERS_WITHIN_MS = 300_000;
/** After this time without a greeting, waiting for a document fails. */
const GREETS_WITHIN_MS = 60_000;

/** One page: its current document, the questions for it, and the callers that wait for answers. */
class Box {
  document;
  questions = [];
  answers = new Map();
  /** Sends a question to the page. It is set while the page waits for one. */
  give;
  #arrival;

  constructor() {
    this.leave();
  }

  /** Marks the page as being navigated. Until the next document greets, it cannot be asked. */
  leave() {
    this.document = undefined;
    this.#arrival = {};
    this.arrived = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no document greeted within ${GREETS_WITHIN_MS} ms`)), GREETS_WITHIN_MS);
      this.#arrival = { resolve: () => (clearTimeout(late), resolve()), reject: (error) => (clearTimeout(late), reject(error)) };
    });
    // A caller may ignore the arrival. Then a failure must not end this process as an unhandled rejection.
    this.arrived.catch(() => {});
  }

  /** Notes that a new document has greeted. Questions to the document before it will not be answered, so they fail. */
  arrive(document) {
    this.#forget(new Error("the page was left before it answered"));
    this.document = document;
    this.#arrival.resolve();
  }

  end() {
    const gone = new Error("the page is gone");
    this.#forget(gone);
    this.#arrival.reject(gone);
  }

  #forget(why) {
    for (const { reject } of this.answers.values()) reject(why);
    this.answers.clear();
    this.questions.length = 0;
    this.give?.("[]");
    this.give = undefined;
  }

  deliver() {
    if (this.give === undefined || this.questions.length === 0) return;
    this.give(JSON.stringify(this.questions.shift()));
    this.give = undefined;
  }
}

/** Makes the mailboxes of one server. Pass the server's POSTs to `posted`, and set `origin` to the server's origin. */
export function mailboxes() {
  const boxes = new Map();
  let last = 0;
  const boxOf = (id) => {
    const box = boxes.get(id);
    if (box === undefined) throw new Error("the page is gone");
    return box;
  };
  return {
    origin: undefined,
    /** Registers a new page and returns its number. The page's address must end in the number: `page.html?number`. */
    register() {
      boxes.set(String(++last), new Box());
      return String(last);
    },
    /** Resolves when the page's document has greeted. */
    arrived: async (id) => boxOf(id).arrived,
    /** Asks the page's document, and returns its answer. */
    async ask(id, what) {
      const box = boxOf(id);
      if (box.document === undefined) throw new Error("the page is being navigated: await that first");
      const number = ++last;
      let late;
      try {
        return await new Promise((resolve, reject) => {
          late = setTimeout(() => reject(new Error(`no answer within ${ANSWERS_WITHIN_MS} ms to ${JSON.stringify(what)}`)), ANSWERS_WITHIN_MS);
          box.answers.set(number, { resolve, reject });
          box.questions.push([number, ...what]);
          box.deliver();
        });
      } finally {
        clearTimeout(late);
        box.answers.delete(number);
      }
    },
    /** Tells the page's document to navigate. Resolves when the next document has greeted. */
    navigate(id, what) {
      const box = boxOf(id);
      if (box.document === undefined) throw new Error("the page is being navigated already");
      box.questions.push([++last, ...what]);
      box.deliver();
      box.leave();
      return box.arrived;
    },
    /** Handles a POST of a page: a greeting, an answer, or a request for the next question. */
    posted(path, body) {
      const id = path.match(/^\/driver\/(\d+)$/)?.[1];
      if (id === undefined) return undefined;
      const box = boxes.get(id);
      if (box === undefined) return "[]";
      const { document, greets, number, result, error } = JSON.parse(body);
      if (greets) return void box.arrive(document);
      // During a navigation only one question can be left: the one that tells the old document to navigate.
      if (document !== box.document && box.document !== undefined) return "[]";
      if (number !== undefined) {
        const asked = box.answers.get(number);
        if (error === undefined) asked?.resolve(result);
        else asked?.reject(new Error(error));
        return undefined;
      }
      return new Promise((resolve) => {
        box.give = resolve;
        box.deliver();
      });
    },
    /** Ends a page. Its open questions fail. */
    end(id) {
      boxes.get(id)?.end();
      boxes.delete(id);
    },
  };
}
