/** The instrument in the middle of Explore: every component as a column over the members' distribution, before and now. */
import { type PointerEvent, type ReactNode, memo, useMemo, useRef, useState } from "react";
import type { Component } from "../../../src-preload/contract/spaces.ts";
import { TRACK_SIGMA, dragScale, isBeyond, knownRange, snap } from "../../lib/slider.ts";
import { useSize } from "../../ui/use-size.ts";

const LEFT = 44;
const RIGHT = 16;
const TOP = 12;
/** Below the plot: numbers of the components, and their shares of the variance. */
const BOTTOM = 56;
const SHARES = 24;
const MIN_COLUMN = 15;
/** A few components must not become a few walls. */
const MAX_COLUMN = 76;

interface ProfileProps {
  readonly components: readonly Component[];
  readonly values: readonly number[];
  readonly before: readonly number[];
  readonly compare: boolean;
  readonly selected: number | null;
  readonly locked: readonly number[];
  onSelect(index: number): void;
  onChange(index: number, value: number, gesture: string): void;
  onSettle(): void;
}

let gestures = 0;

export function Profile(props: ProfileProps): ReactNode {
  const { components, values, before, compare, selected, locked } = props;
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const drag = useRef<{ index: number; y: number; raw: number; gesture: string } | null>(null);
  const [over, setOver] = useState<number | null>(null);

  const column = Math.min(
    MAX_COLUMN,
    Math.max(MIN_COLUMN, (size.width - LEFT - RIGHT) / Math.max(1, components.length)),
  );
  const width = Math.max(size.width, LEFT + RIGHT + column * components.length);
  /** Where the first column begins. */
  const first = LEFT + (width - LEFT - RIGHT - column * components.length) / 2;
  const plot = Math.max(60, size.height - TOP - BOTTOM);
  const y = (value: number): number =>
    TOP +
    plot / 2 -
    (Math.min(TRACK_SIGMA, Math.max(-TRACK_SIGMA, value)) / (2 * TRACK_SIGMA)) * plot;
  const bar = Math.min(10, Math.max(3, column * 0.26));

  function indexAt(event: PointerEvent<SVGSVGElement>): number | null {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left - first;
    const index = Math.floor(x / column);
    return index >= 0 && index < components.length ? index : null;
  }
  function end(): void {
    if (drag.current === null) return;
    drag.current = null;
    props.onSettle();
  }

  const marked = over ?? selected;
  return (
    <div className="profile" ref={box}>
      {size.width > 0 && (
        <svg
          width={width}
          height={size.height}
          role="img"
          aria-label={`Profile of ${components.length} components in sigma, before and now`}
          onPointerDown={(event) => {
            const index = indexAt(event);
            if (index === null || event.button !== 0) return;
            props.onSelect(index);
            if (locked.includes(index)) return;
            event.currentTarget.setPointerCapture(event.pointerId);
            drag.current = {
              index,
              y: event.clientY,
              raw: values[index] ?? 0,
              gesture: `profile-${gestures++}`,
            };
          }}
          onPointerMove={(event) => {
            const now = drag.current;
            if (now === null) {
              setOver(indexAt(event));
              return;
            }
            now.raw += ((now.y - event.clientY) / plot) * 2 * TRACK_SIGMA * dragScale(event);
            now.y = event.clientY;
            props.onChange(now.index, snap(now.raw), now.gesture);
          }}
          onPointerUp={end}
          onPointerCancel={end}
          onPointerLeave={() => setOver(null)}
          onDoubleClick={(event) => {
            const index = indexAt(event as unknown as PointerEvent<SVGSVGElement>);
            if (index !== null && !locked.includes(index))
              props.onChange(index, before[index] ?? 0, `reset-${gestures++}`);
          }}
        >
          {marked !== null && (
            <rect
              className="profile-marked"
              x={first + marked * column}
              y={TOP}
              width={column}
              height={plot + BOTTOM - 4}
              rx="4"
            />
          )}
          <Backdrop
            components={components}
            column={column}
            plot={plot}
            width={width}
            first={first}
          />
          {components.map((component, i) => {
            const value = values[i] ?? 0;
            const old = before[i] ?? 0;
            const middle = first + (i + 0.5) * column;
            const beyond = isBeyond(value, rangeOf(component));
            const top = Math.min(y(0), y(value));
            return (
              <g
                key={component.index}
                className="profile-value"
                data-changed={snap(old) !== snap(value) || undefined}
                data-beyond={beyond || undefined}
                data-locked={locked.includes(i) || undefined}
              >
                {compare && snap(old) !== snap(value) && (
                  <rect
                    className="profile-before"
                    x={middle - bar / 2 - 1.5}
                    y={Math.min(y(0), y(old))}
                    width={bar + 3}
                    height={Math.max(1, Math.abs(y(old) - y(0)))}
                    rx="2"
                  />
                )}
                <rect
                  className="profile-bar"
                  x={middle - bar / 2}
                  y={top}
                  width={bar}
                  height={Math.abs(y(value) - y(0))}
                  rx={Math.min(2, bar / 2)}
                />
                <circle
                  className="profile-end"
                  cx={middle}
                  cy={y(value)}
                  r={Math.min(5, bar * 0.5 + 1)}
                />
                {Math.abs(value) > TRACK_SIGMA && (
                  <path
                    className="profile-off"
                    d={
                      value > 0
                        ? `M${middle - 5} ${TOP + 6}l5 -6l5 6z`
                        : `M${middle - 5} ${TOP + plot - 6}l5 6l5 -6z`
                    }
                  />
                )}
              </g>
            );
          })}
        </svg>
      )}
    </div>
  );
}

const ranges = new WeakMap<Component, { low: number; high: number }>();
export function rangeOf(component: Component): { low: number; high: number } {
  const found = ranges.get(component);
  if (found !== undefined) return found;
  const range = knownRange(component.histogram);
  ranges.set(component, range);
  return range;
}

/** Everything that does not move while a slider moves. */
const Backdrop = memo(function Backdrop({
  components,
  column,
  plot,
  width,
  first,
}: {
  readonly components: readonly Component[];
  readonly column: number;
  readonly plot: number;
  readonly width: number;
  readonly first: number;
}): ReactNode {
  const violins = useMemo(
    () =>
      components
        .map((component, i) =>
          violin(component.histogram, first + (i + 0.5) * column, column * 0.44, plot),
        )
        .join(""),
    [components, column, plot, first],
  );
  const most = Math.max(...components.map((component) => component.explained), 1e-9);
  const lines = [-4, -3, -2, -1, 0, 1, 2, 3, 4];
  const each = column >= 22 ? 1 : column >= 12 ? 5 : 10;
  const at = (value: number): number => TOP + plot / 2 - (value / (2 * TRACK_SIGMA)) * plot;
  return (
    <g>
      {lines.map((value) => (
        <g key={value}>
          <line
            className={value === 0 ? "profile-zero" : "profile-line"}
            x1={LEFT - 6}
            x2={width - RIGHT + 4}
            y1={at(value)}
            y2={at(value)}
          />
          <text className="profile-text" x={LEFT - 12} y={at(value) + 4} textAnchor="end">
            {value === 0 ? "0" : `${value > 0 ? "+" : "−"}${Math.abs(value)}`}
          </text>
        </g>
      ))}
      <text className="profile-text" x={LEFT - 12} y={TOP + plot + 22} textAnchor="end">
        σ
      </text>
      <path className="profile-violin" d={violins} />
      {components.map((component, i) => {
        const middle = first + (i + 0.5) * column;
        const tall = Math.max(1, (component.explained / most) * SHARES);
        return (
          <g key={component.index}>
            {(component.index + 1) % each === 0 || each === 1 ? (
              <text
                className="profile-text"
                x={middle}
                y={TOP + plot + 22}
                textAnchor="middle"
                data-named={component.name !== "" || undefined}
              >
                {component.index + 1}
              </text>
            ) : null}
            <rect
              className="profile-share"
              x={middle - Math.min(5, column * 0.25)}
              y={TOP + plot + BOTTOM - 4 - tall}
              width={Math.min(10, column * 0.5)}
              height={tall}
              rx="1"
            />
          </g>
        );
      })}
    </g>
  );
});

/** Binomial weights: members are few, and what lies between them is as likely as they are. */
const SMOOTH = [1, 4, 6, 4, 1];

/** The members' distribution as a shape that is mirrored about the column's middle. */
function violin(bins: readonly number[], middle: number, half: number, plot: number): string {
  const smooth = bins.map((_, i) =>
    SMOOTH.reduce((sum, weight, k) => sum + weight * (bins[i + k - 2] ?? 0), 0),
  );
  const top = Math.max(...smooth, 1e-9);
  const step = plot / Math.max(1, bins.length);
  const first = smooth.findIndex((value) => value > 0);
  const last = smooth.findLastIndex((value) => value > 0);
  if (first < 0) return "";
  // Bin 0 is -4 sigma, which lies at the bottom.
  const used = smooth.slice(first, last + 1).map((value, i) => ({
    y: TOP + plot - (first + i + 0.5) * step,
    x: half * Math.sqrt(value / top),
  }));
  const right = used.map((point) => `${(middle + point.x).toFixed(1)} ${point.y.toFixed(1)}`);
  const left = used
    .map((point) => `${(middle - point.x).toFixed(1)} ${point.y.toFixed(1)}`)
    .reverse();
  return `M${right.join("L")}L${left.join("L")}Z`;
}
