// Questions to pages and their answers, over POSTs to the tests' server. A page asks what to do, does it,
// and posts the answer (see asking.mjs). No browser's debugging protocol takes part: a promise that the
// protocol waits for may be lost when its page is navigated or its garbage is collected.

/** A page that has not answered by then is taken for one that never will. */
const ANSWERS_WITHIN_MS = 300_000;
/** A document that has not greeted by then is taken for one that cannot load. */
const GREETS_WITHIN_MS = 60_000;

/** What is kept of one page: its document of now, what it is to be asked, and who waits for answers. */
class Box {
  document;
  questions = [];
  answers = new Map();
  /** Gives the page a question, while the page waits for one. */
  give;
  #arrival;

  constructor() {
    this.leave();
  }

  /** From now on the page has no document that could be asked. */
  leave() {
    this.document = undefined;
    this.#arrival = {};
    this.arrived = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no document greeted within ${GREETS_WITHIN_MS} ms`)), GREETS_WITHIN_MS);
      this.#arrival = { resolve: () => (clearTimeout(late), resolve()), reject: (error) => (clearTimeout(late), reject(error)) };
    });
    // Whoever waits for it gets the error; somebody need not.
    this.arrived.catch(() => {});
  }

  /** A new document is there: what its predecessor was asked will not be answered any more. */
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

/** Boxes for pages. Pass the server's POSTs to `posted`, and set `origin` to the server's. */
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
    /** The number of a new page, which its address must end in: `page.html?number`. */
    register() {
      boxes.set(String(++last), new Box());
      return String(last);
    },
    /** Resolves when the page's document has greeted. */
    arrived: async (id) => boxOf(id).arrived,
    /** Asks the page's document, and gives its answer. */
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
    /** Tells the page's document to leave for another; resolves when that has greeted. */
    navigate(id, what) {
      const box = boxOf(id);
      if (box.document === undefined) throw new Error("the page is being navigated already");
      box.questions.push([++last, ...what]);
      box.deliver();
      box.leave();
      return box.arrived;
    },
    /** What a page POSTs: its greeting, an answer, or nothing; to nothing the next question is the answer. */
    posted(path, body) {
      const id = path.match(/^\/driver\/(\d+)$/)?.[1];
      if (id === undefined) return undefined;
      const box = boxes.get(id);
      if (box === undefined) return "[]";
      const { document, greets, number, result, error } = JSON.parse(body);
      if (greets) return void box.arrive(document);
      // The question that the document leaves by may still wait for it, and nothing else does.
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
    /** The page will not answer any more. */
    end(id) {
      boxes.get(id)?.end();
      boxes.delete(id);
    },
  };
}
