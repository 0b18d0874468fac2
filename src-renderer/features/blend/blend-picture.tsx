/** The blend as a picture: it follows the weights, and can be compared with the first parent alone. */
import { SegmentedControl } from "@mantine/core";
import { type ReactNode, useMemo } from "react";
import type { Details } from "../../../src-preload/contract/library.ts";
import type { Model } from "../../../src-preload/contract/models.ts";
import { IconButton } from "../../ui/icon-button.tsx";
import { IconArrowsLeftRight } from "../../ui/icons.ts";
import { PictureBar } from "../picture/picture-bar.tsx";
import { showPicture } from "../picture/picture-settings.ts";
import { PictureStage } from "../picture/picture-stage.tsx";
import { type Subject, useWish } from "../picture/use-picture.ts";
import { type Mix, draftOf, toggleCompare, useBlend } from "./blend-state.ts";

/** Weights are drags: what a hundredth changes is below what a picture shows. */
function rounded(mix: Mix, weights: readonly number[]): readonly number[] {
  return mix.parents.map((_parent, i) => Math.round((weights[i] ?? 0) * 1000) / 1000);
}

/** What a picture of the mix at these weights shows; steps of the strip name theirs by it too. */
export function subjectWith(mix: Mix, weights: readonly number[]): Pick<Subject, "lora"> | null {
  const draft = draftOf(mix, rounded(mix, weights));
  return draft === null ? null : { lora: { kind: "draft", draft } };
}

interface BlendPictureProps {
  readonly mix: Mix;
  readonly first: Details | undefined;
  readonly model: Model;
  readonly models: readonly Model[];
}

export function BlendPicture({ mix, first, model, models }: BlendPictureProps): ReactNode {
  const compare = useBlend((state) => state.compare);
  const trigger = first?.triggerWords[0] ?? null;
  const now = useMemo<Subject | null>(() => {
    const subject = subjectWith(
      mix,
      mix.parents.map((parent) => parent.value),
    );
    return subject === null ? null : { ...subject, trigger };
  }, [mix, trigger]);
  const [parent] = mix.parents;
  const alone = useMemo<Subject | null>(
    () => (parent === undefined ? null : { lora: { kind: "library", id: parent.id }, trigger }),
    [parent, trigger],
  );
  const wish = useWish(model, first === undefined ? null : now);
  const before = useWish(model, first !== undefined && compare ? alone : null);
  const names = mix.parents.map((each) => each.name).join(" and ");
  return (
    <>
      <PictureBar model={model} models={models} trigger={trigger}>
        <StageSwitch pictured />
        <IconButton
          icon={IconArrowsLeftRight}
          label={`Compare with ${parent?.name ?? "the first"} alone`}
          hotkey="C"
          pressed={compare}
          onClick={toggleCompare}
        />
      </PictureBar>
      <PictureStage
        slot="blend"
        model={model}
        wish={wish}
        before={before}
        beforeName={parent?.name ?? ""}
        name={names}
      />
    </>
  );
}

export function StageSwitch({ pictured }: { readonly pictured: boolean }): ReactNode {
  return (
    <SegmentedControl
      aria-label="What is shown of the blend"
      value={pictured ? "picture" : "pad"}
      onChange={(value) => showPicture("blend", value === "picture")}
      data={[
        { value: "picture", label: "Picture" },
        { value: "pad", label: "Pad" },
      ]}
    />
  );
}
