/** The blend pad: a polygon with a parent at each corner and the blend as a point between them. */
import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef } from "react";
import { centroid, corners, weightsAt } from "../../lib/barycentric.ts";
import { mixMarks } from "../../lib/glyph.ts";
import { Glyph, Picture, markFor } from "../../ui/glyph.tsx";
import { useSize } from "../../ui/use-size.ts";
import type { Parent } from "./blend-state.ts";

interface PadProps {
  readonly parents: readonly Parent[];
  /** Small, in a panel: corners without names. */
  readonly compact?: boolean;
  onMove(weights: readonly number[], gesture: string | null): void;
  onSettle(): void;
}

let gestures = 0;

export function Pad({ parents, compact = false, onMove, onSettle }: PadProps): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const drag = useRef<string | null>(null);
  const amount = parents.length;
  const corner = compact ? (amount > 10 ? 24 : 40) : amount > 24 ? 28 : amount > 10 ? 40 : 64;
  const polygon = corners(amount);
  // The polygon's own box is fitted and centred, so that a triangle does not hang in the upper half.
  const xs = polygon.map((each) => each.x);
  const ys = polygon.map((each) => each.y);
  const wide = Math.max(...xs) - Math.min(...xs);
  const tall = Math.max(...ys) - Math.min(...ys);
  const radius = Math.max(
    30,
    Math.min(
      (size.width - corner - (compact ? 12 : 140)) / Math.max(wide, 0.1),
      (size.height - corner - (compact ? 12 : 64)) / Math.max(tall, 0.1),
      330,
    ),
  );
  const weights = parents.map((parent) => parent.value);
  const at = centroid(polygon, weights);
  const middle = {
    x: size.width / 2 - ((Math.max(...xs) + Math.min(...xs)) / 2) * radius,
    y: size.height / 2 - ((Math.max(...ys) + Math.min(...ys)) / 2) * radius,
  };
  const left = (x: number): number => middle.x + x * radius;
  const top = (y: number): number => middle.y + y * radius;

  function point(event: PointerEvent): { x: number; y: number } {
    const rect = box.current?.getBoundingClientRect();
    return {
      x: (event.clientX - (rect?.left ?? 0) - middle.x) / radius,
      y: (event.clientY - (rect?.top ?? 0) - middle.y) / radius,
    };
  }
  function key(event: KeyboardEvent): void {
    const far = event.shiftKey ? 0.005 : 0.03;
    const step = {
      ArrowLeft: { x: -far, y: 0 },
      ArrowRight: { x: far, y: 0 },
      ArrowUp: { x: 0, y: -far },
      ArrowDown: { x: 0, y: far },
    }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    onMove(weightsAt({ x: at.x + step.x, y: at.y + step.y }, polygon), "pad-keys");
  }
  function end(): void {
    if (drag.current === null) return;
    drag.current = null;
    onSettle();
  }

  const mark = mixMarks(
    parents.map((parent) => markFor(parent.id)),
    weights,
  );
  const strongest = parents.reduce(
    (best, parent) => (parent.value > best.value ? parent : best),
    parents[0] ?? { value: 0, name: "" },
  );
  return (
    <div
      className="pad"
      data-compact={compact || undefined}
      ref={box}
      data-testid="blend-pad"
      onPointerDown={(event) => {
        if (event.button !== 0 || amount < 2) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        drag.current = `pad-${gestures++}`;
        onMove(weightsAt(point(event), polygon), drag.current);
      }}
      onPointerMove={(event) => {
        if (drag.current !== null) onMove(weightsAt(point(event), polygon), drag.current);
      }}
      onPointerUp={end}
      onPointerCancel={end}
      onDoubleClick={() =>
        onMove(
          parents.map(() => 1 / amount),
          null,
        )
      }
    >
      {size.width > 0 && (
        <>
          <svg width={size.width} height={size.height} aria-hidden="true">
            <path
              className="pad-area"
              d={`M${polygon.map((each) => `${left(each.x)} ${top(each.y)}`).join("L")}Z`}
            />
            {[0.25, 0.5, 0.75].map((scale) => (
              <path
                key={scale}
                className="pad-inner"
                d={`M${polygon.map((each) => `${left(each.x * scale)} ${top(each.y * scale)}`).join("L")}Z`}
              />
            ))}
            {polygon.map((each, i) => {
              const weight = weights[i] ?? 0;
              return (
                <line
                  key={parents[i]?.id}
                  className="pad-line"
                  x1={left(at.x)}
                  y1={top(at.y)}
                  x2={left(each.x)}
                  y2={top(each.y)}
                  strokeWidth={0.75 + 5 * weight}
                  opacity={weight < 0.001 ? 0 : 0.25 + 0.75 * weight}
                />
              );
            })}
          </svg>
          {polygon.map((each, i) => {
            const parent = parents[i];
            if (parent === undefined) return null;
            return (
              <div
                key={parent.id}
                className="pad-corner"
                style={{
                  left: left(each.x),
                  top: top(each.y),
                  ["--corner" as string]: `${corner}px`,
                }}
                data-locked={parent.locked || undefined}
                data-above={each.y < -0.3 || undefined}
              >
                <span className="pad-picture">
                  <Picture
                    id={parent.id}
                    preview={parent.preview}
                    detail={corner > 40 ? "large" : "small"}
                  />
                </span>
                {amount <= 16 && !compact && (
                  <span className="pad-name">
                    <span className="clip">{parent.name}</span>{" "}
                    <span className="muted">{parent.value.toFixed(2)}</span>
                  </span>
                )}
              </div>
            );
          })}
          <div
            className="pad-point"
            role="slider"
            tabIndex={0}
            aria-label="Blend point"
            aria-roledescription="point between the parents"
            aria-valuemin={0}
            aria-valuemax={1}
            aria-valuenow={Number(strongest.value.toFixed(2))}
            aria-valuetext={parents
              .map((parent) => `${parent.name} ${parent.value.toFixed(2)}`)
              .join(", ")}
            style={{ left: left(at.x), top: top(at.y) }}
            onKeyDown={key}
            onBlur={onSettle}
          >
            <Glyph mark={mark} />
          </div>
        </>
      )}
    </div>
  );
}
