// This module runs in a page. It asks the tests' server what to do, does it, and posts the answer (see
// mailbox.mjs). The query of the page's address is the page's number.

const id = location.search.slice(1);
const document = crypto.randomUUID();

const post = (body) => fetch(`/driver/${id}`, { method: "POST", body: JSON.stringify({ document, ...body }) });

/** Greets the server, and does what the server asks for. `actions` are functions by name. */
export async function answer(actions) {
  await post({ greets: true });
  for (;;) {
    const question = await (await post({})).json();
    if (question.length === 0) continue;
    // This document ends here. The next one greets the server itself.
    if (question[1] === "reload") return location.reload();
    act(actions, question);
  }
}

async function act(actions, [number, action, ...args]) {
  let answer;
  try {
    answer = { number, result: await actions[action](...args) };
  } catch (error) {
    answer = { number, error: String(error?.stack ? `${error}\n${error.stack}` : error) };
  }
  await post(answer);
}

/** Runs a function, given as text, in this page. */
export const evaluate = (code, args) => (0, eval)(`(${code})`)(...args);
