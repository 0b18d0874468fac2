/** Blend: any number of identities into one, by dragging a point between them. */
import { SegmentedControl, Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { count, milliseconds, percent } from "../../lib/format.ts";
import { queries } from "../../studio/client.ts";
import { type Command, useCommands } from "../../ui/commands.ts";
import { IconButton } from "../../ui/icon-button.tsx";
import { IconPlus } from "../../ui/icons.ts";
import { Readout, Readouts } from "../../ui/readout.tsx";
import { Title } from "../../ui/slots.tsx";
import { Empty, Failed } from "../../ui/states.tsx";
import { Workspace } from "../../ui/workspace.tsx";
import { Button } from "@mantine/core";
import { useMeasure } from "../explore/use-measure.ts";
import { KeepBar } from "../keep/keep-bar.tsx";
import { carriesIdentities, takeDragged } from "../library/drag.ts";
import { IdentityPicker } from "../library/identity-picker.tsx";
import { useOverview } from "../library/overview.ts";
import { AddModel } from "../picture/add-model.tsx";
import { showPicture, usePictureSettings } from "../picture/picture-settings.ts";
import { usePictureModel } from "../picture/use-models.ts";
import "../strip.css";
import "./blend.css";
import { BlendPicture, StageSwitch } from "./blend-picture.tsx";
import {
  Mode,
  addIds,
  addParents,
  clearMix,
  draftOf,
  mixOf,
  redoMix,
  setAllWeights,
  setOptions,
  settleMix,
  toggleCompare,
  undoMix,
  useBlend,
} from "./blend-state.ts";
import { Pad } from "./pad.tsx";
import { Steps } from "./steps.tsx";
import { WeightsList } from "./weights-list.tsx";

const modes = [
  { value: "latent", label: "Latent" },
  { value: "slerp", label: "Spherical" },
  { value: "delta", label: "Delta" },
];
const about: Record<Mode, string> = {
  latent: "A straight line through the space: coordinates are averaged.",
  slerp:
    "Along the sphere: keeps the distance from the mean, so in-between identities stay distinct.",
  delta: "Mixes the products BA exactly, without a space, and cuts them to a rank.",
};
const ranks = [4, 8, 16, 32, 64, 128, 256];

export default function BlendPage(): ReactNode {
  const mix = useBlend(mixOf);
  const { measure, failure, measuring } = useBlend();
  const [over, setOver] = useState(false);
  const overview = useOverview();
  const draft = useMemo(() => (mix.parents.length > 1 ? draftOf(mix) : null), [mix]);
  useMeasure(draft, {
    busy: () => useBlend.setState({ measuring: true }),
    result: (result) => useBlend.setState({ measure: result, failure: null, measuring: false }),
    failure: (error) => useBlend.setState({ failure: error, measuring: false }),
  });
  useBlendCommands();
  const names = mix.parents.map((parent) => parent.name);
  const amount = mix.parents.length;
  const firstId = mix.parents[0]?.id;
  const first = useQuery(
    queries.library.get.queryOptions({
      input: { id: firstId ?? "" },
      enabled: firstId !== undefined,
    }),
  ).data;
  const { model, usable } = usePictureModel(first?.family ?? null);
  const wanted = usePictureSettings((state) => state.pictured.blend);
  const pictured = amount >= 2 && wanted && model !== undefined && model !== null;
  const pad = (
    <Pad parents={mix.parents} compact={pictured} onMove={setAllWeights} onSettle={settleMix} />
  );

  return (
    <>
      <Title name={amount === 0 ? "Blend" : `Blend of ${amount}`} about={names.join(", ")} />
      <Workspace
        page="blend"
        rightName="Weights"
        right={
          <>
            <div className="workspace-scroll blend-panel">
              <SegmentedControl
                fullWidth
                aria-label="How to blend"
                data={modes}
                value={mix.mode}
                onChange={(value) => setOptions({ mode: Mode.parse(value) })}
              />
              <p className="small muted blend-about">{about[mix.mode]}</p>
              {pictured && pad}
              <Options mode={mix.mode} rank={mix.rank} space={mix.space} />
              <div className="row blend-head">
                <h2 className="section-title grow">
                  {count(amount)} of {count(overview?.all ?? 0)} identities
                </h2>
                <AddParent>
                  {(open) => <IconButton icon={IconPlus} label="Add an identity" onClick={open} />}
                </AddParent>
              </div>
              <WeightsList parents={mix.parents} />
            </div>
            <div className="workspace-foot">
              <p className="small muted blend-hint">
                Drop a LoRA here to add it. Weights always sum to 1.
              </p>
              <KeepBar draft={draft} suggestion={names.slice(0, 3).join(" and ")} source={null} />
            </div>
          </>
        }
        strip={<Steps mix={mix} />}
      >
        <div
          className="blend-stage"
          data-over={over || undefined}
          onDragOver={(event) => {
            if (!carriesIdentities(event.dataTransfer)) return;
            event.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={(event) => {
            setOver(false);
            const ids = takeDragged(event.dataTransfer);
            if (ids.length > 0) void addIds(ids);
          }}
        >
          {amount < 2 ? (
            <Empty
              title={
                amount === 0
                  ? "Blend two or more identities"
                  : `Add one more to blend with ${names[0] ?? ""}`
              }
              text="Select cards in the Library and choose Blend, drop LoRA files here, or pick them one by one."
              marks={amount === 0 ? ["one", "two", "three"] : [mix.parents[0]?.id ?? "one"]}
            >
              <AddParent>
                {(open) => (
                  <Button
                    variant="filled"
                    leftSection={<IconPlus size={16} stroke={1.8} />}
                    onClick={open}
                  >
                    Add an identity
                  </Button>
                )}
              </AddParent>
            </Empty>
          ) : pictured ? (
            <BlendPicture mix={mix} first={first} model={model} models={usable} />
          ) : (
            <>
              {model !== undefined && model !== null && (
                <div className="blend-switch">
                  <StageSwitch pictured={false} />
                </div>
              )}
              {pad}
            </>
          )}
        </div>
        {amount >= 2 && failure !== null && (
          <Failed
            doing="This blend could not be measured"
            error={failure}
            next={
              mix.mode === "delta"
                ? "Take the parent at fault out, or choose another rank."
                : "Delta needs no space; or fit one over LoRAs like these."
            }
          />
        )}
        {amount >= 2 && failure === null && (
          <>
            <Readouts busy={measuring} label="Measures">
              <Readout
                label=""
                value={measure === null ? null : milliseconds(measure.milliseconds)}
              />
              <Readout
                label="Energy kept"
                value={measure === null || measure.kept === null ? null : percent(measure.kept)}
                after={measure === null ? "" : `at rank ${measure.rank}`}
                about="Share of the products' energy that fits the rank"
              />
              <Readout
                label="Latent and delta differ by"
                value={
                  measure === null || measure.difference === null
                    ? null
                    : percent(measure.difference)
                }
                about="Norm of the difference between both ways of blending, against the blend's own"
              />
              {measure !== null && measure.extremity !== null && (
                <Readout
                  label="Further out than"
                  value={percent(measure.extremity)}
                  after="of members"
                />
              )}
            </Readouts>
            <p className="blend-embeddings small muted">{measure?.embeddings}</p>
          </>
        )}
        {amount >= 2 && first !== undefined && model === null && <AddModel family={first.family} />}
      </Workspace>
    </>
  );
}

function AddParent({ children }: { children(open: () => void): React.ReactElement }): ReactNode {
  const parents = useBlend((state) => mixOf(state).parents);
  const present = useMemo(() => new Set(parents.map((parent) => parent.id)), [parents]);
  return (
    <IdentityPicker
      label="Add an identity to the blend"
      several
      without={present}
      onPick={(card) => addParents([card])}
    >
      {(open) => <span>{children(open)}</span>}
    </IdentityPicker>
  );
}

function Options({
  mode,
  rank,
  space,
}: {
  readonly mode: Mode;
  readonly rank: number | null;
  readonly space: string | null;
}): ReactNode {
  const spaces = useQuery(queries.spaces.list.queryOptions()).data ?? [];
  if (mode === "delta")
    return (
      <Select
        label="Rank"
        value={rank === null ? "auto" : String(rank)}
        data={[
          { value: "auto", label: "The parents' largest" },
          ...ranks.map((each) => ({ value: String(each), label: String(each) })),
        ]}
        onChange={(value) =>
          setOptions({ rank: value === null || value === "auto" ? null : Number(value) })
        }
      />
    );
  return (
    <Select
      label="Space"
      value={space ?? "auto"}
      data={[
        { value: "auto", label: "The newest that fits" },
        ...spaces
          .filter((each) => each.available)
          .map((each) => ({ value: each.id, label: each.name })),
      ]}
      onChange={(value) => setOptions({ space: value === "auto" ? null : value })}
    />
  );
}

function useBlendCommands(): void {
  const canUndo = useBlend((state) => state.history.past.length > 0);
  const canRedo = useBlend((state) => state.history.future.length > 0);
  const commands = useMemo<Command[]>(
    () => [
      {
        id: "undo",
        label: "Undo",
        group: "Edit",
        hotkeys: ["mod+z"],
        disabled: !canUndo,
        run: undoMix,
      },
      {
        id: "redo",
        label: "Redo",
        group: "Edit",
        hotkeys: ["shift+mod+z", "mod+y"],
        disabled: !canRedo,
        run: redoMix,
      },
      {
        id: "even",
        label: "Even weights",
        group: "Blend",
        hotkeys: ["e"],
        run: () =>
          setAllWeights(
            mixOf(useBlend.getState()).parents.map(() => 1),
            null,
          ),
      },
      {
        id: "compare",
        label: "Compare with the first parent alone",
        group: "Blend",
        hotkeys: ["c"],
        run: toggleCompare,
      },
      {
        id: "picture",
        label: "Show the picture or the pad",
        group: "Blend",
        hotkeys: ["p"],
        run: () => showPicture("blend", !usePictureSettings.getState().pictured.blend),
      },
      {
        id: "mode-latent",
        label: "Blend latent",
        group: "Blend",
        run: () => setOptions({ mode: "latent" }),
      },
      {
        id: "mode-slerp",
        label: "Blend spherical",
        group: "Blend",
        run: () => setOptions({ mode: "slerp" }),
      },
      {
        id: "mode-delta",
        label: "Blend delta",
        group: "Blend",
        run: () => setOptions({ mode: "delta" }),
      },
      { id: "clear-blend", label: "Take all out of the blend", group: "Blend", run: clearMix },
      {
        id: "pad-keys",
        label: "Pad: move the point, with Shift finely",
        group: "Pad",
        hotkeys: ["ArrowUp"],
        hidden: true,
        toldOnly: true,
        run() {},
      },
    ],
    [canUndo, canRedo],
  );
  useCommands("blend", commands);
}
