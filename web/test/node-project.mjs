// A project in Node, with checkpoints in a directory of the file system.

import { Checkpoints, fileDirectory } from "alluvium";

const open = () => Checkpoints.open({ name: "node", storage: fileDirectory(process.argv[2]) });
const checkpoints = await open();
checkpoints.put("a", "1");
checkpoints.putJson("b", { two: 2 });
checkpoints.setSourceOffset("in", 7);
await checkpoints.checkpoint();
await checkpoints.close();
const again = await open();
const report = await again.verify();
if (report.isDamaged) throw new Error(JSON.stringify(report.findings));
console.log(`done ${again.size} keys, offset ${again.sourceOffset("in")}`);
await again.close();
