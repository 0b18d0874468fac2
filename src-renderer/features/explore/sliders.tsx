/** The list of sliders with its filter. Rows only draw again when their own value changes. */
import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { type ReactNode, memo, useCallback, useEffect, useRef, useState } from "react";
import type { Component, SpaceDetails } from "../../../src-preload/contract/spaces.ts";
import { count } from "../../lib/format.ts";
import { snap } from "../../lib/slider.ts";
import { queries, queryClient, studio } from "../../studio/client.ts";
import { IconButton } from "../../ui/icon-button.tsx";
import { IconRefresh, IconSearch } from "../../ui/icons.ts";
import { SigmaSlider } from "../../ui/sigma-slider.tsx";
import { toastFailure } from "../../ui/toast.tsx";
import {
  pointOf,
  resetAll,
  setCoordinate,
  settleMove,
  toggleLock,
  useExplore,
} from "./explore-state.ts";

/** Rows are drawn in portions: a space may have thousands of components, of which the first tell nearly all. */
const PORTION = 128;

export function componentName(component: Pick<Component, "index" | "name">): string {
  return component.name === "" ? `Component ${component.index + 1}` : component.name;
}

export function Sliders({ space }: { readonly space: SpaceDetails }): ReactNode {
  const point = useExplore(pointOf);
  const shown = useExplore((state) => state.shown);
  const [portion, setPortion] = useState(PORTION);
  const [text, setText] = useState("");
  const list = useRef<HTMLDivElement>(null);
  const selected = useExplore((state) => state.selected);

  useEffect(() => {
    if (selected === null) return;
    list.current
      ?.querySelector(`[data-component="${selected}"]`)
      ?.scrollIntoView({ block: "nearest" });
  }, [selected]);

  const changed =
    point === null
      ? 0
      : point.coordinates.filter(
          (value, i) => snap(value) !== snap(point.start.coordinates[i] ?? 0),
        ).length;
  const starred = space.componentList.filter((component) => component.starred).length;
  const searching = space.componentList.length > 12;
  const rows = space.componentList.filter((component) => {
    if (text !== "" && !componentName(component).toLowerCase().includes(text.toLowerCase()))
      return false;
    if (shown === "starred") return component.starred;
    if (shown === "changed")
      return (
        snap(point?.coordinates[component.index] ?? 0) !==
        snap(point?.start.coordinates[component.index] ?? 0)
      );
    return true;
  });

  return (
    <>
      <div className="sliders-head">
        <SegmentedControl
          fullWidth
          aria-label="Which components"
          value={shown}
          onChange={(value) => useExplore.setState({ shown: value })}
          data={[
            { value: "all", label: "All" },
            { value: "changed", label: `Changed ${changed > 0 ? changed : ""}` },
            { value: "starred", label: `Starred ${starred > 0 ? starred : ""}` },
          ]}
        />
        <div className="row">
          {searching ? (
            <TextInput
              className="grow"
              aria-label="Find a component"
              placeholder="Find a component"
              leftSection={<IconSearch size={14} stroke={1.6} />}
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
            />
          ) : (
            <span className="section-title grow">
              {count(space.componentList.length)} components
            </span>
          )}
          <IconButton
            icon={IconRefresh}
            label="Reset all to the start"
            disabled={changed === 0}
            onClick={resetAll}
          />
        </div>
      </div>
      <div className="sliders" ref={list} role="group" aria-label="Sliders">
        {rows.slice(0, portion).map((component) => (
          <Row key={component.index} spaceId={space.id} component={component} />
        ))}
        {rows.length === 0 && (
          <p className="sliders-none muted">
            {text === ""
              ? shown === "changed"
                ? "Nothing is changed. Drag any slider."
                : "Star a component to find it here."
              : "No component of that name."}
          </p>
        )}
        {rows.length > portion && (
          <div className="sliders-none">
            <Button onClick={() => setPortion(portion + PORTION)}>
              Show {count(Math.min(PORTION, rows.length - portion))} more
            </Button>
          </div>
        )}
      </div>
    </>
  );
}

const Row = memo(function Row({
  spaceId,
  component,
}: {
  readonly spaceId: string;
  readonly component: Component;
}): ReactNode {
  const index = component.index;
  const value = useExplore((state) => pointOf(state)?.coordinates[index] ?? 0);
  const before = useExplore((state) => pointOf(state)?.start.coordinates[index] ?? 0);
  const locked = useExplore((state) => pointOf(state)?.locked.includes(index) ?? false);
  const selected = useExplore((state) => state.selected === index);
  const describe = useCallback(
    (at: number, what: { name?: string; starred?: boolean }) =>
      void describeComponent(spaceId, at, what),
    [spaceId],
  );
  const star = useCallback(
    (at: number) => describe(at, { starred: !component.starred }),
    [describe, component.starred],
  );
  const rename = useCallback((at: number, name: string) => describe(at, { name }), [describe]);
  return (
    <SigmaSlider
      index={index}
      name={component.name}
      fallback={`Component ${index + 1}`}
      value={value}
      before={before}
      histogram={component.histogram}
      low={component.low}
      high={component.high}
      locked={locked}
      starred={component.starred}
      selected={selected}
      onChange={setCoordinate}
      onSettle={settleMove}
      onLock={toggleLock}
      onStar={star}
      onRename={rename}
      onSelect={selectComponent}
    />
  );
});

export function selectComponent(index: number): void {
  useExplore.setState({ selected: index });
}

/** Shown at once; main's answer then confirms it. */
async function describeComponent(
  id: string,
  index: number,
  what: { name?: string; starred?: boolean },
): Promise<void> {
  const key = queries.spaces.get.queryKey({ input: { id } });
  const old = queryClient.getQueryData<SpaceDetails>(key);
  if (old !== undefined)
    queryClient.setQueryData<SpaceDetails>(key, {
      ...old,
      componentList: old.componentList.map((each) =>
        each.index === index ? { ...each, ...what } : each,
      ),
    });
  try {
    await studio.spaces.describeComponent({ id, index, ...what });
  } catch (error) {
    if (old !== undefined) queryClient.setQueryData(key, old);
    toastFailure("The component was not changed", error);
  }
}
