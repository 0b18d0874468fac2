/** Explore: move an identity along the components of a space. */
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useMemo } from "react";
import type { Space, SpaceDetails } from "../../../src-preload/contract/spaces.ts";
import { milliseconds, percent, plural, sigma } from "../../lib/format.ts";
import { plausibility } from "../../lib/plausibility.ts";
import { snap } from "../../lib/slider.ts";
import { queries } from "../../studio/client.ts";
import { type Command, useCommands } from "../../ui/commands.ts";
import { Readout, Readouts } from "../../ui/readout.tsx";
import { Title } from "../../ui/slots.tsx";
import { Failed } from "../../ui/states.tsx";
import { Workspace } from "../../ui/workspace.tsx";
import { KeepBar } from "../keep/keep-bar.tsx";
import { AddModel } from "../picture/add-model.tsx";
import { showPicture, usePictureSettings } from "../picture/picture-settings.ts";
import { usePictureModel } from "../picture/use-models.ts";
import "../strip.css";
import "./explore.css";
import {
  type Point,
  addAround,
  draftOf,
  ensurePoint,
  newest,
  openSpace,
  pointOf,
  randomise,
  redoMove,
  resetAll,
  setCoordinate,
  settleMove,
  snapshot,
  startAt,
  undoMove,
  useExplore,
} from "./explore-state.ts";
import { NoSpace, Waiting } from "./explore-empty.tsx";
import { ExplorePicture } from "./explore-picture.tsx";
import { openFit } from "./fit-state.ts";
import { Profile } from "./profile.tsx";
import { Ring } from "./ring.tsx";
import { Sliders, componentName, selectComponent } from "./sliders.tsx";
import { StageHead } from "./stage-head.tsx";
import { useMeasure } from "./use-measure.ts";
import { Variants } from "./variants.tsx";

export default function ExplorePage(): ReactNode {
  const wantedSpace = useExplore((state) => state.spaceId);
  const wanted = useExplore((state) => state.wanted);
  const list = useQuery(queries.spaces.list.queryOptions({ staleTime: 10_000 }));
  const usable = list.data?.filter((space) => space.available) ?? [];
  const space = usable.find((each) => each.id === wantedSpace) ?? newest(usable);

  useEffect(() => {
    if (space === undefined || space.id === wantedSpace) return;
    openSpace(space.id);
    if (wanted !== null) {
      useExplore.setState({ wanted: null });
      void startAt(space.id, wanted);
    }
  }, [space, wantedSpace, wanted]);

  const details = useQuery(
    queries.spaces.get.queryOptions({
      input: { id: space?.id ?? "" },
      enabled: space !== undefined,
    }),
  );
  const components = details.data?.componentList.length;
  const id = details.data?.id;
  useEffect(() => {
    if (id !== undefined && components !== undefined) ensurePoint(id, components);
  }, [id, components]);
  const point = useExplore(pointOf);

  if (list.error !== null)
    return (
      <Failed
        doing="The spaces could not be listed"
        error={list.error}
        retry={() => void list.refetch()}
      />
    );
  if (list.data !== undefined && space === undefined)
    return <NoSpace wanted={wanted?.name ?? null} />;
  if (details.error !== null)
    return (
      <Failed
        doing={`${space?.name ?? "The space"} could not be opened`}
        error={details.error}
        next="Its members are untouched; fit it again from the Library."
        retry={() => void details.refetch()}
      />
    );
  if (details.data === undefined || point === null || point.coordinates.length !== components)
    return <Waiting />;
  return <Open space={details.data} spaces={list.data ?? []} point={point} />;
}

function Open({
  space,
  spaces,
  point,
}: {
  readonly space: SpaceDetails;
  readonly spaces: readonly Space[];
  readonly point: Point;
}): ReactNode {
  const { measure, failure, compare, drawing, selected, measuring } = useExplore();
  const draft = useMemo(() => draftOf(space.id, point), [space.id, point]);
  useMeasure(draft, {
    busy: () => useExplore.setState({ measuring: true }),
    result: (result) => useExplore.setState({ measure: result, failure: null, measuring: false }),
    failure: (error) => useExplore.setState({ failure: error, measuring: false }),
  });
  const { model, usable } = usePictureModel(space.family);
  const pictured = usePictureSettings((state) => state.pictured.explore);
  useExploreCommands(space.id);

  const changed = point.coordinates.some(
    (value, i) => snap(value) !== snap(point.start.coordinates[i] ?? 0),
  );
  const nameOf = (index: number): string =>
    componentName(space.componentList[index] ?? { index, name: "" });
  const plausible = plausibility(measure?.extremity ?? null, measure?.beyond ?? null, nameOf);
  const marked = selected === null ? undefined : space.componentList[selected];
  // Fewer than three components enclose nothing.
  const Drawing = drawing === "ring" && space.componentList.length > 2 ? Ring : Profile;

  return (
    <>
      <Title
        name={changed ? `${point.start.name}, changed` : point.start.name}
        about={`${space.name} · ${plural(space.members, "member")}`}
      />
      <Workspace
        page="explore"
        rightName="Sliders"
        right={
          <>
            <Sliders space={space} />
            <div className="workspace-foot">
              <div className="row small plausible-words">
                <span className="muted">Plausible</span>
                <span
                  className="grow plausible-text"
                  title={plausible.words}
                  data-caution={plausible.caution || undefined}
                  role="status"
                >
                  {plausible.words}
                </span>
              </div>
              <div
                className="plausible"
                role="meter"
                aria-label="Plausibility: share of members nearer to the mean"
                aria-valuemin={0}
                aria-valuemax={1}
                aria-valuenow={plausible.fill}
              >
                <span
                  style={{ width: `${plausible.fill * 100}%` }}
                  data-caution={plausible.caution || undefined}
                />
              </div>
              <KeepBar
                draft={draft}
                suggestion={suggest(point, changed)}
                source={changed ? null : point.start.id}
              />
            </div>
          </>
        }
        strip={<Variants space={space.id} point={point} />}
      >
        <StageHead space={space} spaces={spaces} point={point} pictured={model ? pictured : null} />
        {model === undefined && pictured ? (
          <div className="profile" aria-busy="true" />
        ) : model && pictured ? (
          <ExplorePicture
            space={space}
            point={point}
            model={model}
            models={usable}
            compare={compare}
          />
        ) : (
          <>
            <Drawing
              components={space.componentList}
              values={point.coordinates}
              before={point.start.coordinates}
              compare={compare}
              selected={selected}
              locked={point.locked}
              onSelect={selectComponent}
              onChange={setCoordinate}
              onSettle={settleMove}
            />
            <div className="stage-marked small">
              {marked === undefined ? (
                <span className="faint">
                  Drag a column or a slider. Shift is fine, Alt is coarse.
                </span>
              ) : (
                <>
                  <strong>{componentName(marked)}</strong>{" "}
                  {sigma(point.coordinates[marked.index] ?? 0)} σ
                  <span className="muted"> · {percent(marked.explained)} of the variance</span>
                </>
              )}
            </div>
          </>
        )}
        {failure === null ? (
          <Readouts busy={measuring} label="Measures">
            <Readout
              label=""
              value={measure === null ? null : milliseconds(measure.milliseconds)}
              about="From the request to the measured products"
            />
            {(measure === null || measure.distance !== null) && (
              <Readout
                label={
                  point.start.id === null
                    ? "Distance from the mean"
                    : `Distance from ${point.start.name}`
                }
                value={measure?.distance?.toFixed(2) ?? null}
                about="Relative change of the products BA against the start"
              />
            )}
            {point.start.id !== null && (
              <Readout
                label="Residual"
                value={
                  measure === null ? null : percent(measure.residual ?? point.start.residual ?? 0)
                }
                about="Share of the start that this space cannot express"
              />
            )}
            <Readout
              label="Further out than"
              value={
                measure === null || measure.extremity === null ? null : percent(measure.extremity)
              }
              after="of members"
              caution={plausible.caution}
              about="Share of members that lie nearer to the mean than this point"
            />
            <Readout
              label="Energy kept"
              value={measure === null || measure.kept === null ? null : percent(measure.kept)}
              after={measure === null ? "" : `at rank ${measure.rank}`}
              about="Share of the products' energy that fits the rank"
            />
          </Readouts>
        ) : (
          <Failed doing="This point could not be measured" error={failure} />
        )}
        {model === null && <AddModel family={space.family} />}
      </Workspace>
    </>
  );
}

function suggest(point: Point, changed: boolean): string {
  const from = point.start.id === null ? "New identity" : point.start.name;
  return changed && point.start.id !== null ? `${from}, variant` : from;
}

function useExploreCommands(spaceId: string): void {
  const canUndo = useExplore((state) => (state.points[spaceId]?.past.length ?? 0) > 0);
  const canRedo = useExplore((state) => (state.points[spaceId]?.future.length ?? 0) > 0);
  const commands = useMemo<Command[]>(
    () => [
      {
        id: "undo",
        label: "Undo",
        group: "Edit",
        hotkeys: ["mod+z"],
        disabled: !canUndo,
        run: undoMove,
      },
      {
        id: "redo",
        label: "Redo",
        group: "Edit",
        hotkeys: ["shift+mod+z", "mod+y"],
        disabled: !canRedo,
        run: redoMove,
      },
      {
        id: "randomise",
        label: "Randomise",
        group: "Explore",
        hotkeys: ["r"],
        description: "Draw from the members' distribution",
        run: () => void randomise(),
      },
      {
        id: "around",
        label: "8 more around this point",
        group: "Explore",
        hotkeys: ["n"],
        run: () => void addAround(),
      },
      { id: "snapshot", label: "Snapshot", group: "Explore", hotkeys: ["mod+d"], run: snapshot },
      {
        id: "reset-all",
        label: "Reset all sliders to the start",
        group: "Explore",
        hotkeys: ["0"],
        run: resetAll,
      },
      {
        id: "compare",
        label: "Compare with the start",
        group: "Explore",
        hotkeys: ["c"],
        run: () => useExplore.setState((state) => ({ compare: !state.compare })),
      },
      {
        id: "drawing",
        label: "Draw as bars or as a ring",
        group: "Explore",
        hotkeys: ["v"],
        run: () =>
          useExplore.setState((state) => ({ drawing: state.drawing === "ring" ? "bars" : "ring" })),
      },
      {
        id: "picture",
        label: "Show the picture or the drawing",
        group: "Explore",
        hotkeys: ["p"],
        run: () => showPicture("explore", !usePictureSettings.getState().pictured.explore),
      },
      { id: "fit-space", label: "Fit a space…", group: "Explore", run: () => openFit(null) },
      {
        id: "slider-keys",
        label: "Slider: 0.1 σ, with Shift 0.01 σ",
        group: "Slider",
        hotkeys: ["ArrowUp"],
        hidden: true,
        toldOnly: true,
        run() {},
      },
      {
        id: "slider-lock",
        label: "Slider: lock",
        group: "Slider",
        hotkeys: ["l"],
        hidden: true,
        toldOnly: true,
        run() {},
      },
      {
        id: "slider-star",
        label: "Slider: star",
        group: "Slider",
        hotkeys: ["s"],
        hidden: true,
        toldOnly: true,
        run() {},
      },
      {
        id: "slider-reset",
        label: "Slider: reset",
        group: "Slider",
        hotkeys: ["Delete"],
        hidden: true,
        toldOnly: true,
        run() {},
      },
    ],
    [canUndo, canRedo],
  );
  useCommands("explore", commands);
}
