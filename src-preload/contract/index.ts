/** The contract between the studio's pages (or the command line) and main: each procedure is written once. */
import { exports } from "./exports.ts";
import { identities } from "./identities.ts";
import { jobs } from "./jobs.ts";
import { library } from "./library.ts";
import { models } from "./models.ts";
import { previews } from "./previews.ts";
import { spaces } from "./spaces.ts";
import { system } from "./system.ts";
import { training } from "./training.ts";

export const studioContract = {
  library,
  spaces,
  identities,
  models,
  previews,
  exports,
  jobs,
  training,
  system,
};
export type StudioContract = typeof studioContract;
