/** Entry of an engine process: one ONNX Runtime, one router, one port to main. */
import { beFirstToGo } from "./engine/first-to-go.ts";
import { isEngineRole } from "./engine/launcher.ts";
import { parentPort } from "./engine/parent-port.ts";
import { engineRouter } from "./engine/router.ts";
import { serve } from "./engine/serve.ts";

const role = process.argv[2];
if (!isEngineRole(role)) {
  throw new Error(
    `The engine is started by Facet, as one of its engines, not as "${String(role)}".`,
  );
}
beFirstToGo();
serve(engineRouter(role), parentPort());
