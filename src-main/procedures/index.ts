/** The router that answers the whole studio contract. */
import type { Engine } from "../engine/client.ts";
import type { EngineRole } from "../engine/launcher.ts";
import type { Exports } from "../export/exports.ts";
import type { Identities } from "../identities/identities.ts";
import type { Jobs } from "../jobs/jobs.ts";
import type { Library } from "../library/library.ts";
import type { Models } from "../models/models.ts";
import type { Mounts } from "../models/mounts.ts";
import type { Previews } from "../previews/previews.ts";
import type { Spaces } from "../spaces/spaces.ts";
import type { Log } from "../system/log.ts";
import type { ShellServices } from "../system/shell-services.ts";
import type { Training } from "../training/training.ts";
import { answerWith } from "./errors.ts";
import { exportProcedures } from "./exports.ts";
import { identityProcedures } from "./identities.ts";
import { jobProcedures } from "./jobs.ts";
import { libraryProcedures } from "./library.ts";
import { modelProcedures } from "./models.ts";
import { previewProcedures } from "./previews.ts";
import { spaceProcedures } from "./spaces.ts";
import { systemProcedures } from "./system.ts";
import { trainingProcedures } from "./training.ts";

export interface StudioServices {
  readonly library: Library;
  readonly jobs: Jobs;
  readonly spaces: Spaces;
  readonly identities: Identities;
  readonly exports: Exports;
  readonly training: Training;
  readonly models: Models;
  readonly mounts: Mounts;
  readonly previews: Previews;
  readonly engines: Readonly<Record<EngineRole, Engine>>;
  readonly shell: ShellServices;
  /** Errors that no user can act on end here. */
  readonly log: Log;
}

export type StudioRouter = ReturnType<typeof studioRouter>;

export function studioRouter(services: StudioServices) {
  const answer = answerWith((id, error) => services.log(`[${id}]`, error));
  return answer.router({
    library: libraryProcedures(answer, services),
    jobs: jobProcedures(answer, services),
    spaces: spaceProcedures(answer, services.spaces),
    identities: identityProcedures(answer, services.identities, services.library),
    models: modelProcedures(answer, services.models, services.mounts),
    previews: previewProcedures(answer, services.previews),
    exports: exportProcedures(answer, services.exports),
    training: trainingProcedures(answer, services.training),
    system: systemProcedures(answer, services),
  });
}
