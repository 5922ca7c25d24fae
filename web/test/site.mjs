// The server of the tests, and what pages report to it.

import { tmpdir } from "node:os";
import { join } from "node:path";

import { launch as launchOn } from "./browsers.mjs";
import { golden, here } from "./harness.mjs";
import { mailboxes } from "./mailbox.mjs";
import { serve } from "./server.mjs";

/** The folder in which the packed projects are built. The server serves it. */
export const packagedFolder = join(tmpdir(), `alluvium-packaged-${process.pid}`);

/** The number of the last acknowledged batch, by run. A page that another test left behind belongs to no run here. */
export const acknowledged = new Map();
/** What the pages of packed projects reported, by project. */
export const reports = new Map();
export const mailbox = mailboxes();
export const { origin, close } = await serve(
  [
    ["/testing/wasm/", join(here, "wasm")],
    ["/testing/", join(here, "../dist")],
    ["/test/", here],
    ["/golden/", golden],
    ["/packaged/", packagedFolder],
  ],
  {
    posted: (path, body) => {
      const run = path.match(/^\/acknowledged\/(.+)$/)?.[1];
      if (acknowledged.has(run)) acknowledged.set(run, Math.max(acknowledged.get(run), Number(body)));
      const project = path.match(/^\/reported\/(.+)$/)?.[1];
      if (project) reports.set(project, body);
      return mailbox.posted(path, body);
    },
  },
);
mailbox.origin = origin;
export const launch = (kind, path, preferences) => launchOn(kind, path, { mailbox, preferences });
