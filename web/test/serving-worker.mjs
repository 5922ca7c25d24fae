// A worker of the tests that serves the port it is given. It has one entry: what it was told with the port.

import { Checkpoints } from "/testing/index.js";
import { serve } from "/testing/client/index.js";

onmessage = async ({ data, ports: [port] }) => {
  const checkpoints = await Checkpoints.open({ name: "served", storage: "memory" });
  checkpoints.put("port", data);
  serve(checkpoints, port);
};
