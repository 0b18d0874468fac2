/** Kinds that multiply or replace the base weight: told by name and refused. */
import { FacetError } from "../../errors.ts";
import type { Role } from "../dialects/dialect.ts";

export type NeedsBase = "glora" | "oft" | "ia3" | "set";

/** Words for the user. */
const explained: Record<NeedsBase, string> = {
  glora: "GLoRA multiplies the base weight (`a1`, `a2`)",
  oft: "OFT rotates the base weight (`oft_blocks`)",
  ia3: "IA3 scales the base weight",
  set: "`set_weight` replaces the base weight",
};

const kinds: ReadonlySet<Role> = new Set<NeedsBase>(["glora", "oft", "ia3", "set"]);

/** The kind of a module's tensors that cannot be read without the base weight. */
export function needsBase(
  tensors: readonly { readonly understood: { readonly role: Role } }[],
): NeedsBase | undefined {
  for (const { understood } of tensors) {
    const { role } = understood;
    if (isNeedsBase(role)) return role;
  }
  return undefined;
}

function isNeedsBase(role: Role): role is NeedsBase {
  return kinds.has(role);
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
    `${kinds.map((kind) => explained[kind]).join("; ")}: ${modules.length} module${modules.length === 1 ? "" : "s"}, the first ${first.path}. Facet applies adapters that add to the base weight, and DoRA. Convert the file to a plain LoRA first, by merging it into its base and extracting the difference.`,
    { path: file, field: first.path },
  );
}
