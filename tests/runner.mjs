// Runs the tests of a program in Node one after the other, each over real files and processes, and says at the end how
// many passed.
let passed = 0;
let failed = 0;

/** Runs a test, which may wait. It passes if its body throws nothing. */
export async function test(name, body) {
  try {
    await body();
    passed += 1;
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n${error.stack}`);
  }
}

/** Says how many tests passed, and sets the exit code. No tests at all are a failure. */
export function report() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}
