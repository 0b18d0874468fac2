/** The instrument of the product: a slider in sigma, dragged relatively from anywhere on its row. */
import { type PointerEvent, type ReactNode, memo, useMemo, useRef, useState } from "react";
import { sigma } from "../lib/format.ts";
import {
  TRACK_SIGMA,
  dragDelta,
  isBeyond,
  keyValue,
  knownRange,
  snap,
  trackPosition,
} from "../lib/slider.ts";
import { Picture } from "./glyph.tsx";
import { HistogramBars } from "./histogram.tsx";
import { IconButton } from "./icon-button.tsx";
import { IconLock, IconLockOpen, IconStar, IconStarFilled } from "./icons.ts";
import { NameText } from "./name-text.tsx";
import { NumberText } from "./number-text.tsx";
import "./sigma-slider.css";

interface SigmaSliderProps {
  readonly index: number;
  readonly name: string;
  readonly fallback: string;
  readonly value: number;
  readonly before: number;
  readonly histogram: readonly number[];
  /** Ids of the members that lie furthest out. */
  readonly low: string | null;
  readonly high: string | null;
  readonly locked: boolean;
  readonly starred: boolean;
  readonly selected: boolean;
  /** `gesture` is the same text during one drag, so that undo takes it back in one step. */
  onChange(index: number, value: number, gesture: string | null): void;
  onSettle(): void;
  onLock(index: number): void;
  onStar(index: number): void;
  onRename(index: number, name: string): void;
  onSelect(index: number): void;
}

let gestures = 0;

export const SigmaSlider = memo(function SigmaSlider(props: SigmaSliderProps): ReactNode {
  const { index, value, before, locked, histogram } = props;
  const track = useRef<HTMLDivElement>(null);
  const drag = useRef<{ x: number; raw: number; gesture: string } | null>(null);
  const [dragging, setDragging] = useState(false);
  const range = useMemo(() => knownRange(histogram), [histogram]);
  const label = props.name || props.fallback;
  const changed = snap(value) !== snap(before);
  const beyond = isBeyond(value, range);

  function begin(event: PointerEvent<HTMLDivElement>): void {
    const target = event.target;
    if (
      event.button !== 0 ||
      !(target instanceof Element) ||
      target.closest("button, input") !== null
    )
      return;
    props.onSelect(index);
    if (locked) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    drag.current = { x: event.clientX, raw: value, gesture: `drag-${gestures++}` };
    track.current?.focus({ preventScroll: true });
    setDragging(true);
  }
  function move(event: PointerEvent<HTMLDivElement>): void {
    const now = drag.current;
    if (now === null) return;
    now.raw += dragDelta(event.clientX - now.x, track.current?.clientWidth ?? 0, event);
    now.x = event.clientX;
    const next = snap(now.raw);
    if (next !== value) props.onChange(index, next, now.gesture);
  }
  function end(): void {
    if (drag.current === null) return;
    drag.current = null;
    setDragging(false);
    props.onSettle();
  }

  const zero = trackPosition(0) * 100;
  const at = trackPosition(value) * 100;
  return (
    <div
      className="sigma"
      data-changed={changed || undefined}
      data-locked={locked || undefined}
      data-beyond={beyond || undefined}
      data-dragging={dragging || undefined}
      data-selected={props.selected || undefined}
      data-component={index}
      onPointerDown={begin}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={end}
      onDoubleClick={(event) => {
        if (
          event.target instanceof Element &&
          event.target.closest("button, input, .name-text") !== null
        )
          return;
        if (!locked) props.onChange(index, before, null);
      }}
    >
      <div className="sigma-head">
        <span className="sigma-dot" aria-hidden="true" />
        <NameText
          value={props.name}
          fallback={props.fallback}
          label={`Rename ${label}`}
          mayBeEmpty
          onCommit={(name) => props.onRename(index, name)}
          className="sigma-name"
        />
        <span className="grow" />
        <IconButton
          icon={props.starred ? IconStarFilled : IconStar}
          label={props.starred ? `Unstar ${label}` : `Star ${label}`}
          size={20}
          pressed={props.starred}
          className="sigma-tool"
          onClick={() => props.onStar(index)}
        />
        <IconButton
          icon={locked ? IconLock : IconLockOpen}
          label={locked ? `Unlock ${label}` : `Lock ${label}`}
          size={20}
          pressed={locked}
          className="sigma-tool"
          onClick={() => props.onLock(index)}
        />
        <NumberText
          label={`${label}, value in sigma`}
          value={value}
          shown={sigma(value)}
          caution={beyond}
          disabled={locked}
          onCommit={(next) => props.onChange(index, snap(next), null)}
        />
        <span className="sigma-unit" aria-hidden="true">
          σ
        </span>
      </div>
      <div className="sigma-body">
        <span
          className="sigma-end"
          title={props.low === null ? undefined : "The member furthest down"}
        >
          {props.low !== null && <Picture id={props.low} detail="small" />}
        </span>
        <div
          ref={track}
          className="sigma-track"
          role="slider"
          tabIndex={0}
          aria-label={label}
          aria-valuemin={-TRACK_SIGMA}
          aria-valuemax={TRACK_SIGMA}
          aria-valuenow={value}
          aria-valuetext={`${sigma(value)} sigma${beyond ? ", past 99 % of members" : ""}`}
          aria-disabled={locked}
          onKeyDown={(event) => {
            if (event.ctrlKey || event.metaKey || event.altKey) return;
            if (event.key === "l" || event.key === "L") props.onLock(index);
            else if (event.key === "s" || event.key === "S") props.onStar(index);
            else if (locked) return;
            else if (event.key === "Delete" || event.key === "Backspace")
              props.onChange(index, before, null);
            else {
              const next = keyValue(value, event.key, event.shiftKey);
              if (next === null) return;
              props.onChange(index, next, `keys-${index}`);
            }
            event.preventDefault();
          }}
          onBlur={props.onSettle}
          onFocus={() => props.onSelect(index)}
        >
          <HistogramBars bins={histogram} />
          <span className="sigma-line" />
          <span className="sigma-ticks" />
          <span
            className="sigma-fill"
            style={{ left: `${Math.min(zero, at)}%`, width: `${Math.abs(at - zero)}%` }}
          />
          {changed && (
            <span className="sigma-before" style={{ left: `${trackPosition(before) * 100}%` }} />
          )}
          <span className="sigma-thumb" style={{ left: `${at}%` }} />
        </div>
        <span
          className="sigma-end"
          title={props.high === null ? undefined : "The member furthest up"}
        >
          {props.high !== null && <Picture id={props.high} detail="small" />}
        </span>
      </div>
    </div>
  );
});
