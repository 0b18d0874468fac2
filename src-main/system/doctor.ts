/** What this machine is, what runs on it, and where Facet found things: the answer to most questions for help. */
import { availableParallelism, totalmem } from "node:os";
import type { Doctor } from "../../src-preload/contract/system.ts";
import type { EngineClient } from "../engine/client.ts";
import type { Exports } from "../export/exports.ts";
import type { Library } from "../library/library.ts";
import { version } from "../package-root.ts";

export async function examine(
  library: Library,
  engine: EngineClient,
  exports: Exports,
): Promise<Doctor> {
  const [status, found] = await Promise.all([engine.status({}), exports.searchFolders()]);
  return {
    facet: version,
    node: process.version,
    onnxruntime: status.onnxruntime,
    sqlite: library.sqliteVersion,
    platform: `${process.platform} ${process.arch}`,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    providers: status.providers,
    devices: status.devices,
    library: {
      path: library.folder,
      loras: library.overview().all,
      spaces: library.spaces.list().length,
      version: library.schemaVersion,
    },
    engine: { running: true, memoryBytes: status.memoryBytes },
    comfy: found.folders,
    problems: found.problems,
  };
}
