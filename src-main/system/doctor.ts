/** What this machine is, what runs on it, and where Facet found things: the answer to most questions for help. */
import { availableParallelism, totalmem } from "node:os";
import type { Doctor } from "../../src-preload/contract/system.ts";
import type { Engine } from "../engine/client.ts";
import type { EngineRole } from "../engine/launcher.ts";
import type { Exports } from "../export/exports.ts";
import type { Library } from "../library/library.ts";
import { version } from "../package-root.ts";

type Status = Awaited<ReturnType<Engine["client"]["status"]>>;
type EngineState = Doctor["engines"][number];
export type Engines = Readonly<Record<EngineRole, Engine>>;

export async function examine(
  library: Library,
  engines: Engines,
  exports: Exports,
): Promise<Doctor> {
  const [status, background, training, pictures, found] = await Promise.all([
    engines.interactive.client.status({}),
    statusOf(engines.background),
    statusOf(engines.training),
    statusOf(engines.pictures),
    exports.searchFolders(),
  ]);
  return {
    facet: version,
    node: process.version,
    onnxruntime: status.onnxruntime,
    sqlite: library.sqliteVersion,
    platform: `${process.platform} ${process.arch}`,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    providers: status.providers.map((provider) =>
      withReason(provider, [status, background, training, pictures]),
    ),
    devices: status.devices,
    library: {
      path: library.folder,
      loras: library.overview().all,
      spaces: library.spaces.list().length,
      version: library.schemaVersion,
    },
    engine: { running: true, memoryBytes: status.memoryBytes },
    engines: [
      stateOf("interactive", status),
      stateOf("background", background),
      stateOf("training", training),
      stateOf("pictures", pictures),
    ],
    comfy: found.folders,
    problems: found.problems,
  };
}

/** Null for one that does not run: it is not started for the question. */
async function statusOf(engine: Engine): Promise<Status | null> {
  if (engine.pid === undefined) return null;
  return engine.client.status({}).catch(() => null);
}

function stateOf(role: EngineRole, status: Status | null): EngineState {
  if (status === null) return { role, running: false, memoryBytes: 0, sessions: null };
  return { role, running: true, memoryBytes: status.memoryBytes, sessions: status.sessions };
}

/** Whichever engine has tried a provider knows more of it than the others. */
function withReason(
  provider: Status["providers"][number],
  statuses: readonly (Status | null)[],
): Status["providers"][number] {
  const reason = statuses
    .flatMap((status) => status?.providers ?? [])
    .find((other) => other.name === provider.name && other.reason !== undefined)?.reason;
  return reason === undefined ? provider : { ...provider, reason };
}
