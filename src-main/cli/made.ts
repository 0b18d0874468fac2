/** What the commands that make identities answer: the new identity and what was measured. */
import type { Draft, Measure } from "../../src-preload/contract/identities.ts";
import type { StudioClient } from "./command.ts";
import { facts, shareText } from "./output.ts";

export interface Made {
  readonly id: string;
  readonly name: string;
  readonly residual: number | null;
  readonly difference: number | null;
  readonly measure: Measure;
}

export async function make(client: StudioClient, draft: Draft, name: string): Promise<Made> {
  const { id, name: given, measure } = await client.identities.keep({ draft, name });
  return { id, name: given, residual: measure.residual, difference: measure.difference, measure };
}

export function madeWords({ id, name, measure }: Made): string {
  const entries: [string, string | number][] = [
    ["id", id],
    ["name", name],
    ["rank", measure.rank],
    ["modules", measure.modules],
  ];
  const shares = [
    ["not expressible in the space", measure.residual],
    ["differs from the other way of blending by", measure.difference],
    ["differs from where it started by", measure.distance],
    ["energy kept at this rank", measure.kept],
    ["members nearer to the mean", measure.extremity],
  ] as const;
  for (const [label, share] of shares) if (share !== null) entries.push([label, shareText(share)]);
  if (measure.beyond !== null) {
    entries.push([
      "furthest out",
      `component ${measure.beyond.index} at ${measure.beyond.sigma.toFixed(1)} sigma`,
    ]);
  }
  if (measure.embeddings !== "") entries.push(["embeddings", measure.embeddings]);
  return facts(entries);
}
