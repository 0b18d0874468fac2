/** The same point as a ring: the members' 99 % is a band, the start a thin line, the point a bright one. */
import { type PointerEvent, type ReactNode, useMemo, useRef, useState } from "react";
import type { Component } from "../../../src-preload/contract/spaces.ts";
import { TRACK_SIGMA, dragScale, isBeyond, snap } from "../../lib/slider.ts";
import { useSize } from "../../ui/use-size.ts";
import { rangeOf } from "./profile.tsx";

interface RingProps {
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

/** Radius of the mean, and of one sigma, in a box of 200. */
const MEAN = 52;
const SIGMA = 9.6;

let gestures = 0;

export function Ring(props: RingProps): ReactNode {
  const { components, values, before, compare, selected, locked } = props;
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const edge = Math.min(size.width, size.height) - 8;
  const drag = useRef<{ index: number; at: number; raw: number; gesture: string } | null>(null);
  const [over, setOver] = useState<number | null>(null);
  const amount = components.length;

  const place = (i: number, value: number): string => {
    const angle = -Math.PI / 2 + (2 * Math.PI * i) / amount;
    const radius = MEAN + Math.min(TRACK_SIGMA, Math.max(-TRACK_SIGMA, value)) * SIGMA;
    return `${(100 + radius * Math.cos(angle)).toFixed(2)} ${(100 + radius * Math.sin(angle)).toFixed(2)}`;
  };
  const outline = (list: readonly number[]): string =>
    `M${components.map((_, i) => place(i, list[i] ?? 0)).join("L")}Z`;
  const band = useMemo(() => {
    const high = components.map((component, i) => place(i, rangeOf(component).high));
    const low = components.map((component, i) => place(i, rangeOf(component).low));
    return `M${high.join("L")}ZM${low.reverse().join("L")}Z`;
    // Only the components shape it.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [components]);

  /** Component under the pointer, and the pointer's distance from the middle in sigma. */
  function locate(event: PointerEvent<SVGSVGElement>): { index: number; sigma: number } {
    const rect = event.currentTarget.getBoundingClientRect();
    const x = ((event.clientX - rect.left) / rect.width) * 200 - 100;
    const y = ((event.clientY - rect.top) / rect.height) * 200 - 100;
    const turn = (Math.atan2(y, x) + Math.PI / 2 + 2 * Math.PI) % (2 * Math.PI);
    return {
      index: Math.round((turn / (2 * Math.PI)) * amount) % amount,
      sigma: (Math.hypot(x, y) - MEAN) / SIGMA,
    };
  }
  function along(event: PointerEvent<SVGSVGElement>, index: number): number {
    const rect = event.currentTarget.getBoundingClientRect();
    const x = ((event.clientX - rect.left) / rect.width) * 200 - 100;
    const y = ((event.clientY - rect.top) / rect.height) * 200 - 100;
    const angle = -Math.PI / 2 + (2 * Math.PI * index) / amount;
    return (x * Math.cos(angle) + y * Math.sin(angle)) / SIGMA;
  }
  function end(): void {
    if (drag.current === null) return;
    drag.current = null;
    props.onSettle();
  }

  const marked = over ?? selected;
  const caution = components.some((component, i) => isBeyond(values[i] ?? 0, rangeOf(component)));
  return (
    <div className="ring" ref={box}>
      {edge > 0 && (
        <svg
          width={edge}
          height={edge}
          viewBox="0 0 200 200"
          role="img"
          aria-label={`Ring of ${amount} components in sigma, before and now`}
          onPointerDown={(event) => {
            const at = locate(event);
            if (event.button !== 0) return;
            props.onSelect(at.index);
            if (locked.includes(at.index)) return;
            event.currentTarget.setPointerCapture(event.pointerId);
            drag.current = {
              index: at.index,
              at: along(event, at.index),
              raw: values[at.index] ?? 0,
              gesture: `ring-${gestures++}`,
            };
          }}
          onPointerMove={(event) => {
            const now = drag.current;
            if (now === null) {
              setOver(locate(event).index);
              return;
            }
            const at = along(event, now.index);
            now.raw += (at - now.at) * dragScale(event);
            now.at = at;
            props.onChange(now.index, snap(now.raw), now.gesture);
          }}
          onPointerUp={end}
          onPointerCancel={end}
          onPointerLeave={() => setOver(null)}
        >
          <path className="ring-band" d={band} fillRule="evenodd" />
          {[-4, -2, 2, 4].map((value) => (
            <circle key={value} className="ring-line" cx="100" cy="100" r={MEAN + value * SIGMA} />
          ))}
          <circle className="ring-mean" cx="100" cy="100" r={MEAN} />
          {components.map((component, i) => {
            const [x1, y1] = place(i, -4).split(" ");
            const [x2, y2] = place(i, 4).split(" ");
            return (
              <line
                key={component.index}
                className="ring-spoke"
                data-marked={marked === i || undefined}
                x1={x1}
                y1={y1}
                x2={x2}
                y2={y2}
              />
            );
          })}
          {compare && <path className="ring-before" d={outline(before)} />}
          <path className="ring-now" data-caution={caution || undefined} d={outline(values)} />
          {components.map((component, i) => {
            const [cx, cy] = place(i, values[i] ?? 0).split(" ");
            return (
              <circle
                key={component.index}
                className="ring-end"
                data-beyond={isBeyond(values[i] ?? 0, rangeOf(component)) || undefined}
                data-locked={locked.includes(i) || undefined}
                cx={cx}
                cy={cy}
                r={marked === i ? 2 : amount > 48 ? 0.8 : 1.3}
              />
            );
          })}
          {amount <= 64 &&
            components.map((component, i) => {
              const angle = -Math.PI / 2 + (2 * Math.PI * i) / amount;
              return (
                <text
                  key={component.index}
                  className="ring-text"
                  fontSize={Math.min(9, (11 * 200) / edge)}
                  data-marked={marked === i || undefined}
                  x={100 + 96 * Math.cos(angle)}
                  y={100 + 96 * Math.sin(angle) + 1.4}
                  textAnchor="middle"
                >
                  {component.index + 1}
                </text>
              );
            })}
        </svg>
      )}
    </div>
  );
}
