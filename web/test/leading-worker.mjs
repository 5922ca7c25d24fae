// A worker of the tests that takes part in leading. Its name is that of the checkpoints.

import { join } from "/test/leading.mjs";

const { leading } = join(self.name);
// The page that has the worker asks whether it leads.
onmessage = () => postMessage(leading.isLeading);
