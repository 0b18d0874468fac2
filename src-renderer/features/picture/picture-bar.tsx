/** Above a picture: its prompt, its seed, how it is made. Each opens what it shows. */
import { Popover } from "@mantine/core";
import type { ReactNode } from "react";
import type { Model } from "../../../src-preload/contract/models.ts";
import { promptPieces } from "../../lib/prompt.ts";
import { samplerName } from "../../lib/words.ts";
import { IconButton } from "../../ui/icon-button.tsx";
import {
  IconAdjustmentsHorizontal,
  IconDice5,
  IconLock,
  IconLockOpen,
  IconMessage2,
} from "../../ui/icons.ts";
import { NumberText } from "../../ui/number-text.tsx";
import "../../ui/stage-chip.css";
import "./picture-bar.css";
import { rollSeed, setPicture, usePictureSettings } from "./picture-settings.ts";
import { PromptForm } from "./prompt-form.tsx";
import { SettingsForm } from "./settings-form.tsx";

interface PictureBarProps {
  readonly model: Model;
  readonly models: readonly Model[];
  readonly trigger: string | null;
  /** What the page adds at the end. */
  readonly children?: ReactNode;
}

export function PictureBar({ model, models, trigger, children }: PictureBarProps): ReactNode {
  return (
    <div className="picture-bar" role="group" aria-label="The picture's settings">
      <Prompt trigger={trigger} />
      <span className="grow" />
      <Seed />
      <HowItIsMade model={model} models={models} />
      {children}
    </div>
  );
}

export function Prompt({ trigger }: { readonly trigger: string | null }): ReactNode {
  const prompt = usePictureSettings((state) => state.prompt);
  return (
    <Popover width={460} position="bottom-start" trapFocus returnFocus>
      <Popover.Target>
        <button
          type="button"
          className="stage-chip picture-prompt"
          aria-label="Prompt and negative prompt"
        >
          <IconMessage2 size={16} stroke={1.6} aria-hidden="true" />
          <span className="clip">
            {promptPieces(prompt, trigger).map((piece, i) =>
              piece.trigger ? <strong key={i}>{piece.text}</strong> : piece.text,
            )}
            {prompt.trim() === "" && <span className="faint">No prompt</span>}
          </span>
        </button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Prompt">
        <PromptForm trigger={trigger} />
      </Popover.Dropdown>
    </Popover>
  );
}

function Seed(): ReactNode {
  const seed = usePictureSettings((state) => state.seed);
  const locked = usePictureSettings((state) => state.seedLocked);
  return (
    <span className="stage-chip picture-seed">
      <IconButton
        icon={locked ? IconLock : IconLockOpen}
        label={locked ? "Unlock the seed" : "Lock the seed"}
        size={22}
        pressed={locked}
        onClick={() => setPicture({ seedLocked: !locked })}
      />
      <span className="muted stage-wide">Seed</span>
      <NumberText
        label="Seed of the picture"
        value={seed}
        shown={String(seed)}
        step={1}
        onCommit={(value) => setPicture({ seed: Math.max(0, Math.round(value)) })}
      />
      <IconButton
        icon={IconDice5}
        label={locked ? "The seed is locked" : "Another seed"}
        size={22}
        disabled={locked}
        onClick={rollSeed}
      />
    </span>
  );
}

export function HowItIsMade({
  model,
  models,
}: {
  readonly model: Model;
  readonly models: readonly Model[];
}): ReactNode {
  const steps = usePictureSettings((state) => state.steps);
  const sampler = usePictureSettings((state) => state.sampler);
  return (
    <Popover width={340} position="bottom-end" trapFocus returnFocus>
      <Popover.Target>
        <button
          type="button"
          className="stage-chip picture-how"
          aria-label={`${steps} steps, ${samplerName(sampler)}, ${model.name}. Change how the picture is made`}
        >
          <IconAdjustmentsHorizontal size={16} stroke={1.6} aria-hidden="true" />
          <span className="clip">
            {steps} steps<span className="stage-wide"> · {samplerName(sampler)}</span>
          </span>
        </button>
      </Popover.Target>
      <Popover.Dropdown p={0} aria-label="How the picture is made">
        <SettingsForm model={model} models={models} />
      </Popover.Dropdown>
    </Popover>
  );
}
