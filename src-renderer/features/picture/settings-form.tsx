/** How a picture is made: model, size, steps, sampler, guidance, strength; the rarer things fold out. */
import { SegmentedControl, Select, Switch } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { Link } from "wouter";
import type { Family } from "../../../src-preload/contract/common.ts";
import type { Model } from "../../../src-preload/contract/models.ts";
import { Convention, Sampler, Schedule } from "../../../src-preload/contract/previews.ts";
import { conventionName, samplerName, scheduleName } from "../../lib/words.ts";
import { Fold } from "../../ui/fold.tsx";
import { NumberField } from "../../ui/number-field.tsx";
import { chooseModel, chooseSize, setPicture, usePictureSettings } from "./picture-settings.ts";
import { sizeId, sizesOf } from "./sizes.ts";

/** A list inside a popover must not lie outside of it, or a click in it closes both. */
const inside = { withinPortal: false, shadow: "md" } as const;

export function SettingsForm({
  model,
  models,
}: {
  readonly model: Model;
  readonly models: readonly Model[];
}): ReactNode {
  const state = usePictureSettings();
  const family = model.family ?? "sdxl";
  return (
    <div className="picture-form">
      <Select
        label="Model"
        comboboxProps={inside}
        value={model.id}
        data={models.map(({ id, name }) => ({ value: id, label: name }))}
        onChange={(id) => id !== null && chooseModel(family, id)}
      />
      <PictureSize family={family} />
      <div className="picture-pair">
        <NumberField
          label="Steps"
          value={state.steps}
          min={1}
          max={150}
          onCommit={(steps) => setPicture({ steps })}
        />
        <NumberField
          label="Guidance (cfg)"
          value={state.cfg}
          min={0}
          max={30}
          step={0.5}
          decimals={2}
          onCommit={(cfg) => setPicture({ cfg })}
        />
        <Select
          label="Sampler"
          comboboxProps={inside}
          value={state.sampler}
          data={Sampler.options.map((id) => ({ value: id, label: samplerName(id) }))}
          onChange={(sampler) => setPicture({ sampler: Sampler.parse(sampler) })}
        />
        <Select
          label="Schedule"
          comboboxProps={inside}
          value={state.schedule}
          data={Schedule.options.map((id) => ({ value: id, label: scheduleName(id) }))}
          onChange={(schedule) => setPicture({ schedule: Schedule.parse(schedule) })}
        />
        <NumberField
          label="LoRA strength"
          value={state.strength}
          min={-10}
          max={10}
          step={0.05}
          decimals={2}
          onCommit={(strength) => setPicture({ strength })}
        />
      </div>
      <Switch
        label="Follow the sliders"
        description="Off: a picture is made only when asked for."
        checked={state.follow}
        onChange={(event) => setPicture({ follow: event.currentTarget.checked })}
      />
      <Fold title="Advanced">
        <div className="picture-advanced">
          <div className="mantine-InputWrapper-label" id="picture-convention">
            Same picture as in
          </div>
          <SegmentedControl
            fullWidth
            aria-labelledby="picture-convention"
            value={state.convention}
            data={Convention.options.map((id) => ({ value: id, label: conventionName(id) }))}
            onChange={(convention) => setPicture({ convention: Convention.parse(convention) })}
          />
          <div className="picture-pair">
            <NumberField
              label="Guidance rescale"
              value={state.rescale}
              min={0}
              max={1}
              step={0.05}
              decimals={2}
              onCommit={(rescale) => setPicture({ rescale })}
            />
            <NumberField
              label="Clip skip, 0 is the model's"
              value={state.clipSkip ?? 0}
              min={0}
              max={12}
              onCommit={(skip) => setPicture({ clipSkip: skip === 0 ? null : skip })}
            />
          </div>
        </div>
      </Fold>
      <Link href="/models" className="small picture-link">
        All models
      </Link>
    </div>
  );
}

function PictureSize({ family }: { readonly family: Family }): ReactNode {
  const size = usePictureSettings((state) => state.sizes[family]);
  const [free, setFree] = useState(false);
  const known = sizesOf[family];
  const listed = size === undefined || known.some((each) => sizeId(each) === sizeId(size));
  const custom = free || !listed;
  const now = size ?? known[0] ?? { width: 512, height: 512 };
  return (
    <>
      <Select
        label="Size"
        comboboxProps={inside}
        value={custom ? "free" : size === undefined ? "own" : sizeId(size)}
        data={[
          { value: "own", label: "The model's own" },
          ...known.map((each) => ({
            value: sizeId(each),
            label: `${each.name}, ${each.width} × ${each.height}`,
          })),
          { value: "free", label: "Another size" },
        ]}
        onChange={(value) => {
          setFree(value === "free");
          if (value === "free") chooseSize(family, now);
          else chooseSize(family, known.find((each) => sizeId(each) === value) ?? null);
        }}
      />
      {custom && (
        <div className="picture-pair">
          {(["width", "height"] as const).map((side) => (
            <NumberField
              key={side}
              label={side === "width" ? "Width" : "Height"}
              value={now[side]}
              min={64}
              max={4096}
              step={64}
              onCommit={(pixels) => chooseSize(family, { ...now, [side]: pixels })}
            />
          ))}
        </div>
      )}
    </>
  );
}
