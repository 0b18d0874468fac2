/** All kinds of adapter that become a LoRA, and which of them a module's tensors are. */
import { FacetError } from "../errors.ts";
import type { Adapter, AdapterKind, Parts } from "./convert/adapter.ts";
import { full } from "./convert/full.ts";
import { loha } from "./convert/loha.ts";
import { lokr } from "./convert/lokr.ts";
import { lora } from "./convert/lora.ts";
import { tucker } from "./convert/tucker.ts";
import type { Role } from "./dialects/dialect.ts";

const adapters: Record<AdapterKind, Adapter> = { lora, tucker, loha, lokr, full };

/** The kind whose matrices are there; undefined where there are none (a lone alpha). */
export function adapterOf(entries: ReadonlyMap<Role, unknown>, parts: Parts): Adapter | undefined {
  let found: Adapter | undefined;
  for (const role of entries.keys()) {
    const kind = kinds.get(role);
    if (!kind) continue;
    const adapter = adapters[kind];
    if (found && found !== adapter) {
      throw new FacetError(
        "malformed",
        `${parts.module.path} has matrices of two kinds, ${found.kind} and ${adapter.kind}. One of them must go.`,
        { path: parts.file, field: parts.module.path },
      );
    }
    found = adapter;
  }
  return found === lora && entries.has("mid") ? tucker : found;
}

const kinds = new Map<Role, AdapterKind>();
for (const adapter of [tucker, lora, loha, lokr, full]) {
  for (const role of adapter.matrices) kinds.set(role, adapter === tucker ? "lora" : adapter.kind);
}
