/** LyCORIS' own wrapper, as SimpleTuner saves it: `lycoris_<diffusers path>` for the UNet (formats.md 1.4). */
import { flatten, nameTable } from "../architecture/names.ts";
import { flatSuffixes, parseFlat } from "./dialect.ts";
import type { Dialect } from "./dialect.ts";

const names = nameTable(({ component, path }) =>
  component === "unet" ? [`lycoris_${flatten(path)}`] : [],
);

export const lycoris: Dialect = {
  id: "lycoris",
  parse: (key) => parseFlat(key, flatSuffixes, names, ["lycoris_"]),
};
