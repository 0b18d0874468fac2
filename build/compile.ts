/** Before packing: JavaScript for Node from main and the contract, and the pages, so that an installed package runs. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { bundlePages } from "./bundle.ts";
import { out, root, tools } from "./tools/paths.ts";
import { runNode } from "./tools/run.ts";

const target = join(out, "node");

rmSync(target, { recursive: true, force: true });
const { code, output } = await runNode(tools.tsc, ["-p", join(root, "build", "compile.json")], {
  minutes: 5,
});
if (output !== "") console.log(output);
if (code !== 0) throw new Error("The sources could not be compiled.");
await bundlePages();
