/** The one place that constructs services and hands them to each other. */
import { join } from "node:path";
import type { ContractRouterClient } from "@orpc/contract";
import { createRouterClient } from "@orpc/server";
import type { StudioContract } from "../src-preload/contract/index.ts";
import { thisMachine } from "./comfy/folders.ts";
import { startEngine } from "./engine/client.ts";
import type { Launcher } from "./engine/launcher.ts";
import { Exports } from "./export/exports.ts";
import { Identities } from "./identities/identities.ts";
import { foldersOf } from "./library/folders.ts";
import { openLibrary } from "./library/library.ts";
import { Models } from "./models/models.ts";
import { Mounts } from "./models/mounts.ts";
import { version } from "./package-root.ts";
import { Previews } from "./previews/previews.ts";
import { type StudioRouter, studioRouter } from "./procedures/index.ts";
import { defineFitJob } from "./spaces/fit-job.ts";
import { Spaces } from "./spaces/spaces.ts";
import { openLog } from "./system/log.ts";
import type { ShellServices } from "./system/shell-services.ts";
import { Training } from "./training/training.ts";

export interface ComposeOptions {
  /** The library's folder; made where there is none. */
  readonly library: string;
  /** How engine processes are started; plain Node's fork when left out. */
  readonly launch?: Launcher | undefined;
  readonly shell?: ShellServices | undefined;
}

export interface Studio {
  /** Answers studioContract on any border. */
  readonly router: StudioRouter;
  /** The same without a border: for the command line and for main itself. */
  readonly client: ContractRouterClient<StudioContract>;
  readonly library: { readonly folder: string };
  close(): Promise<void>;
}

export async function compose(options: ComposeOptions): Promise<Studio> {
  // Each does one thing at a time: a long import must never make a slider wait, nor a training an import. None is
  // started before it is needed.
  const engines = {
    interactive: startEngine("interactive", options.launch),
    background: startEngine("background", options.launch),
    training: startEngine("training", options.launch),
    pictures: startEngine("pictures", options.launch),
  };
  const { interactive, background } = engines;
  const log = openLog(options.library);
  for (const [role, engine] of Object.entries(engines)) {
    engine.onExit((code) => log.write(`The ${role} engine ended`, { code }));
  }
  const { library, jobs } = await openLibrary({
    folder: options.library,
    engine: background.client,
    log: log.write,
  });
  const identities = new Identities(library, interactive.client);
  const { resolver } = identities;
  defineFitJob(jobs, library, resolver, background.client);
  const training = new Training({
    jobs,
    engine: engines.training.client,
    folder: join(library.folder, "training"),
  });
  const spaces = new Spaces(library, jobs, interactive.client);
  const machine = thisMachine();
  const models = new Models({ rows: library.models, jobs, engine: background.client, machine });
  const mounts = new Mounts(models, engines.pictures);
  const previews = new Previews({
    engine: engines.pictures,
    models,
    library,
    identities,
    folder: foldersOf(library.folder).pictures,
  });
  const exports = new Exports({
    jobs,
    engine: background.client,
    catalogue: {
      details: (id) => library.get(id),
      resolve: (id) => resolver.resolve(id),
      preview: (id) => library.previewFile(id),
    },
    staging: join(library.folder, "staging"),
    version,
    machine,
    chosenFolders: () => library.settings().folders,
  });
  const router = studioRouter({
    library,
    jobs,
    spaces,
    identities,
    exports,
    training,
    models,
    mounts,
    previews,
    engines,
    shell: options.shell ?? { kind: "host" },
    log: log.write,
  });
  return {
    router,
    client: createRouterClient(router),
    library: { folder: library.folder },
    async close() {
      models.close();
      // The library first: it stops its jobs, and what they asked of the engines is answered.
      await library.close();
      await Promise.all(Object.values(engines).map((engine) => engine[Symbol.asyncDispose]()));
      log[Symbol.dispose]();
    },
  };
}
