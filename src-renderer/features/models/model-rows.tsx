/** The list of models: those that work, those that need something, those that cannot be used and why. */
import type { KeyboardEvent, ReactNode } from "react";
import type { Model, Mounted } from "../../../src-preload/contract/models.ts";
import { bytes } from "../../lib/format.ts";
import { dtypeName, familyName } from "../../lib/words.ts";
import { IconAlertTriangle, IconHexagon3d } from "../../ui/icons.ts";
import { type ModelGroup, groupOf, selectModel, useModels } from "./models-state.ts";

const groups: readonly { readonly id: ModelGroup; readonly title: string }[] = [
  { id: "usable", title: "Ready to use" },
  { id: "wanting", title: "Needs something" },
  { id: "refused", title: "Cannot be used" },
];

export function ModelRows({
  models,
  mounted,
  shown,
}: {
  readonly models: readonly Model[];
  readonly mounted: readonly Mounted[];
  readonly shown: string | undefined;
}): ReactNode {
  return groups.map(({ id, title }) => {
    const list = models.filter((model) => groupOf(model) === id);
    if (list.length === 0) return null;
    return (
      <section key={id} className="models-group" aria-label={title}>
        <h2 className="section-title">{title}</h2>
        <div className="models-card" role="group" onKeyDown={walk}>
          {list.map((model) => (
            <Row
              key={model.id}
              model={model}
              selected={model.id === shown}
              ready={mounted.some((each) => each.model === model.id)}
            />
          ))}
        </div>
      </section>
    );
  });
}

/** Arrows lead from row to row, through all groups. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  const rows = [...document.querySelectorAll<HTMLElement>(".model-row")];
  const next = rows[rows.findIndex((row) => row === document.activeElement) + step];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
  next.click();
}

function Row({
  model,
  selected,
  ready,
}: {
  readonly model: Model;
  readonly selected: boolean;
  readonly ready: boolean;
}): ReactNode {
  const mounting = useModels((state) => model.id in state.mounting);
  const facts = [
    model.family === null ? null : familyName(model.family),
    model.prediction === "velocity" ? "v-prediction" : null,
    model.kind === "unet-only" ? "UNet only" : model.kind === "diffusers" ? "diffusers" : null,
    model.dtypes[0] === undefined ? null : dtypeName(model.dtypes[0]),
    model.bytes > 0 ? bytes(model.bytes) : null,
    model.source,
  ].filter((fact) => fact !== null && fact !== "");
  return (
    <button
      type="button"
      className="model-row"
      aria-pressed={selected}
      onClick={() => selectModel(model.id)}
    >
      {model.problem === null ? (
        <IconHexagon3d size={20} stroke={1.5} aria-hidden="true" />
      ) : (
        <IconAlertTriangle size={20} stroke={1.5} aria-hidden="true" />
      )}
      <span className="model-row-text">
        <span className="strong clip">{model.name}</span>
        <span className="small muted clip">{facts.join(" · ")}</span>
        {model.problem !== null && <span className="small model-problem">{model.problem}</span>}
        {model.problem === null && model.needs.length > 0 && (
          <span className="small caution">{needsText(model.needs)}</span>
        )}
      </span>
      {(ready || mounting) && (
        <span className="model-state small" data-ready={ready || undefined}>
          {mounting ? "opening" : "mounted"}
        </span>
      )}
    </button>
  );
}

function needsText(needs: Model["needs"]): string {
  const names = needs.map((need) => (need === "vae" ? "a VAE" : "text encoders"));
  return `Needs ${names.join(" and ")}`;
}
