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

const kinds: ReadonlySet<Role> = new Set<NeedsBase>(["dora", "glora", "oft", "ia3", "set"]);

/** The kind of a module's tensors that needs the base weight; DoRA first, as it comes on top of another kind. */
export function needsBase(
  tensors: readonly { readonly understood: { readonly role: Role } }[],
): NeedsBase | undefined {
  let found: NeedsBase | undefined;
  for (const { understood } of tensors) {
    const { role } = understood;
    if (role === "dora") return role;
    if (isNeedsBase(role)) found ??= role;
  }
  return found;
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
    `${kinds.map((kind) => explained[kind]).join("; ")}: ${modules.length} module${modules.length === 1 ? "" : "s"}, the first ${first.path}. Facet reads no base model yet. Convert the file to a plain LoRA first, by merging it into its base and extracting the difference.`,
    { path: file, field: first.path },
  );
}
