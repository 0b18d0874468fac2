/** All kinds of adapter that become a LoRA, and which of them a module's tensors are. */
import { FacetError } from "../errors.ts";
import type { Adapter, AdapterKind, Parts } from "./convert/adapter.ts";
import { full } from "./convert/full.ts";
import { loha } from "./convert/loha.ts";
import { lokr } from "./convert/lokr.ts";
import { lora } from "./convert/lora.ts";
import { tucker } from "./convert/tucker.ts";
import type { Role } from "./dialects/dialect.ts";

export const adapters: Record<AdapterKind, Adapter> = { lora, tucker, loha, lokr, full };

/** The kind whose matrices are there; undefined where there are none (a lone alpha, a norm, a bias). */
export function adapterOf(roles: Iterable<Role>, parts: Parts): Adapter | undefined {
  const found = new Set<Adapter>();
  let middle = false;
  for (const role of roles) {
    if (role === "mid") middle = true;
    const kind = kindOf(role);
    if (kind) found.add(adapters[kind]);
  }
  if (found.size > 1) {
    throw new FacetError(
      "malformed",
      `${parts.module.path} has matrices of several kinds: ${[...found].map((adapter) => adapter.kind).join(", ")}. One of them must go.`,
      { path: parts.file, field: parts.module.path },
    );
  }
  const [adapter] = found;
  return adapter === lora && middle ? tucker : adapter;
}

const kinds = new Map<Role, AdapterKind>();
for (const adapter of [tucker, lora, loha, lokr, full]) {
  for (const role of adapter.matrices) kinds.set(role, adapter === tucker ? "lora" : adapter.kind);
}

function kindOf(role: Role): AdapterKind | undefined {
  return kinds.get(role);
}
