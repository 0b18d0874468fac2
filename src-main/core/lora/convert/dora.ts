/** Kinds that multiply or replace the base weight: told by name, refused until the base is at hand. */
import { FacetError } from "../../errors.ts";
import type { Role } from "../dialects/dialect.ts";

export type NeedsBase = "dora" | "glora" | "oft" | "ia3" | "set";

/** Words for the user. */
const explained: Record<NeedsBase, string> = {
  dora: "DoRA rescales the merged weight (`dora_scale`)",
  glora: "GLoRA multiplies the base weight (`a1`, `a2`)",
  oft: "OFT rotates the base weight (`oft_blocks`)",
  ia3: "IA3 scales the base weight",
  set: "`set_weight` replaces the base weight",
};

/** DoRA first: it comes on top of another kind. */
const order = ["dora", "glora", "oft", "ia3", "set"] as const;

export function needsBase(roles: Iterable<Role>): NeedsBase | undefined {
  const present = new Set<Role>(roles);
  return order.find((kind) => present.has(kind));
}

export function refuseNeedsBase(
  file: string,
  modules: readonly { readonly path: string; readonly kind: NeedsBase }[],
): void {
  const [first] = modules;
  if (!first) return;
  const kinds = [...new Set(modules.map((module) => module.kind))];
  throw new FacetError(
    "needs-base-weight",
    `${kinds.map((kind) => explained[kind]).join("; ")}: ${modules.length} module${modules.length === 1 ? "" : "s"}, the first ${first.path}. Facet reads no base model yet. Convert the file to a plain LoRA first, by merging it into its base and extracting the difference.`,
    { path: file, field: first.path },
  );
}
