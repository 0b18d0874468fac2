/** The parents with their weights: dragged, typed, locked; they always sum to 1. */
import { type PointerEvent, type ReactNode, useRef } from "react";
import { openMenu } from "../../ui/context-menu.tsx";
import { Picture } from "../../ui/glyph.tsx";
import { IconButton } from "../../ui/icon-button.tsx";
import { IconLock, IconLockOpen, IconTrash, IconTriangle, IconX } from "../../ui/icons.ts";
import { NumberText } from "../../ui/number-text.tsx";
import "../../ui/sigma-slider.css";
import {
  type Parent,
  moveToFront,
  removeParent,
  setParentWeight,
  settleMix,
  toggleParentLock,
} from "./blend-state.ts";

let gestures = 0;

export function WeightsList({ parents }: { readonly parents: readonly Parent[] }): ReactNode {
  return (
    <ul className="weights" aria-label="Parents">
      {parents.map((parent, i) => (
        <WeightRow key={parent.id} parent={parent} index={i} alone={parents.length === 1} />
      ))}
    </ul>
  );
}

function WeightRow({
  parent,
  index,
  alone,
}: {
  readonly parent: Parent;
  readonly index: number;
  readonly alone: boolean;
}): ReactNode {
  const track = useRef<HTMLDivElement>(null);
  const drag = useRef<{ x: number; raw: number; gesture: string } | null>(null);
  const fixed = parent.locked || alone;
  function end(): void {
    if (drag.current === null) return;
    drag.current = null;
    settleMix();
  }
  return (
    <li
      className="weight"
      data-locked={parent.locked || undefined}
      onPointerDown={(event: PointerEvent<HTMLLIElement>) => {
        if (
          fixed ||
          event.button !== 0 ||
          !(event.target instanceof Element) ||
          event.target.closest("button, input") !== null
        )
          return;
        event.currentTarget.setPointerCapture(event.pointerId);
        drag.current = { x: event.clientX, raw: parent.value, gesture: `weight-${gestures++}` };
        track.current?.focus({ preventScroll: true });
      }}
      onPointerMove={(event) => {
        const now = drag.current;
        if (now === null) return;
        const scale = event.shiftKey ? 0.1 : event.altKey ? 3 : 1;
        now.raw += ((event.clientX - now.x) / Math.max(1, track.current?.clientWidth ?? 1)) * scale;
        now.x = event.clientX;
        setParentWeight(index, Math.min(1, Math.max(0, now.raw)), now.gesture);
      }}
      onPointerUp={end}
      onPointerCancel={end}
      onContextMenu={(event) => {
        event.preventDefault();
        openMenu(event, parent.name, [
          {
            id: "only",
            label: `Only ${parent.name}`,
            icon: IconTriangle,
            disabled: fixed,
            run: () => setParentWeight(index, 1, null),
          },
          {
            id: "first",
            label: "Make it the first",
            icon: IconTriangle,
            disabled: index === 0,
            run: () => moveToFront(index),
          },
          {
            id: "remove",
            label: "Take out of the blend",
            icon: IconTrash,
            section: "delete",
            danger: true,
            run: () => removeParent(index),
          },
        ]);
      }}
    >
      <button
        type="button"
        className="plain thumb weight-thumb"
        title="Take out of the blend"
        aria-label={`Take ${parent.name} out`}
        onClick={() => removeParent(index)}
      >
        <Picture id={parent.id} preview={parent.preview} detail="small" />
        <IconX size={16} aria-hidden="true" />
      </button>
      <span className="weight-name clip" title={parent.name}>
        {parent.name}
      </span>
      <div
        ref={track}
        className="weight-track"
        role="slider"
        tabIndex={0}
        aria-label={`Weight of ${parent.name}`}
        aria-valuemin={0}
        aria-valuemax={1}
        aria-valuenow={Number(parent.value.toFixed(3))}
        aria-disabled={fixed}
        onBlur={settleMix}
        onKeyDown={(event) => {
          const step = { ArrowRight: 0.1, ArrowUp: 0.1, ArrowLeft: -0.1, ArrowDown: -0.1 }[
            event.key
          ];
          if (event.key === "l") toggleParentLock(index);
          else if (event.key === "Delete") removeParent(index);
          else if (step !== undefined && !fixed)
            setParentWeight(
              index,
              Math.min(1, Math.max(0, parent.value + (event.shiftKey ? step / 10 : step))),
              `keys-${index}`,
            );
          else return;
          event.preventDefault();
        }}
      >
        <span className="weight-fill" style={{ width: `${parent.value * 100}%` }} />
        <span className="sigma-thumb" style={{ left: `${parent.value * 100}%` }} />
      </div>
      <NumberText
        label={`Weight of ${parent.name}, typed`}
        value={parent.value}
        shown={parent.value.toFixed(2)}
        step={0.05}
        disabled={fixed}
        onCommit={(value) => setParentWeight(index, value, null)}
      />
      <IconButton
        icon={parent.locked ? IconLock : IconLockOpen}
        label={parent.locked ? `Unlock ${parent.name}` : `Lock ${parent.name}`}
        size={20}
        className="weight-tool"
        pressed={parent.locked}
        onClick={() => toggleParentLock(index)}
      />
    </li>
  );
}
