/** The router that answers the whole studio contract. */
import type { EngineClient } from "../engine/client.ts";
import type { Exports } from "../export/exports.ts";
import type { Identities } from "../identities/identities.ts";
import type { Jobs } from "../jobs/jobs.ts";
import type { Library } from "../library/library.ts";
import type { Spaces } from "../spaces/spaces.ts";
import type { ShellServices } from "../system/shell-services.ts";
import { answer } from "./errors.ts";
import { exportProcedures } from "./exports.ts";
import { identityProcedures } from "./identities.ts";
import { jobProcedures } from "./jobs.ts";
import { libraryProcedures } from "./library.ts";
import { spaceProcedures } from "./spaces.ts";
import { systemProcedures } from "./system.ts";

export interface StudioServices {
  readonly library: Library;
  readonly jobs: Jobs;
  readonly spaces: Spaces;
  readonly identities: Identities;
  readonly exports: Exports;
  /** The interactive engine. */
  readonly engine: EngineClient;
  readonly shell: ShellServices;
}

export type StudioRouter = ReturnType<typeof studioRouter>;

export function studioRouter(services: StudioServices) {
  return answer.router({
    library: libraryProcedures(services),
    jobs: jobProcedures(services),
    spaces: spaceProcedures(services.spaces),
    identities: identityProcedures(services.identities, services.library),
    exports: exportProcedures(services.exports),
    system: systemProcedures(services),
  });
}
