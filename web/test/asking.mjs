// In a page: asks the tests' server what to do, does it, and posts the answer (see mailbox.mjs). The page's
// number is the query of its address.

const id = location.search.slice(1);
const document = crypto.randomUUID();

const post = (body) => fetch(`/driver/${id}`, { method: "POST", body: JSON.stringify({ document, ...body }) });

/** Greets, and does what is asked for from then on; `actions` are functions by name. */
export async function answer(actions) {
  await post({ greets: true });
  for (;;) {
    const question = await (await post({})).json();
    if (question.length === 0) continue;
    // This document ends here: its successor greets.
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

/** Runs the text of a function in this page. */
export const evaluate = (code, args) => (0, eval)(`(${code})`)(...args);
