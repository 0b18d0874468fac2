/** One picture as large as its place allows, with what it is compared with to the left of a divider. */
import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from "react";
import { useSize } from "../../ui/use-size.ts";
import "./picture-view.css";
import { type Decoded, useDecoded } from "./use-decoded.ts";

interface PictureViewProps {
  /** Null while there is nothing to show yet. */
  readonly source: string | null;
  /** What is seen, for those who do not. */
  readonly label: string;
  /** Address of the picture to compare with; null without a comparison. */
  readonly before?: string | null;
  readonly beforeName?: string;
  /** Width over height, while nothing is shown. */
  readonly aspect?: number;
  /** The image is a small preview of what is coming. */
  readonly soft?: boolean;
  /** 0..1 while a picture is made; null at rest, NaN while nobody knows. */
  readonly progress?: number | null;
  /** Drawn in the empty frame. */
  readonly children?: ReactNode;
  onGone?(source: string): void;
}

const STEP = 0.05;

export function PictureView({
  source,
  label,
  before = null,
  beforeName = "before",
  aspect = 1,
  soft = false,
  progress = null,
  children,
  onGone,
}: PictureViewProps): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const size = useSize(box);
  const shown = useDecoded(source, (gone) => onGone?.(gone));
  const other = useDecoded(before, (gone) => onGone?.(gone));
  const ratio = shown === null ? aspect : shown.width / shown.height;
  const width = Math.floor(Math.min(size.width, size.height * ratio));
  const height = Math.floor(width / ratio);
  return (
    <div className="picture-view" ref={box}>
      {width > 0 && (
        <div
          className="picture-frame"
          style={{ width, height }}
          data-empty={shown === null || undefined}
        >
          {shown === null ? (
            <div className="picture-blank">{children}</div>
          ) : (
            <img
              src={shown.source}
              alt={label}
              draggable={false}
              data-soft={soft || undefined}
              data-testid="picture"
            />
          )}
          {shown !== null && other !== null && <Divider other={other} name={beforeName} />}
          {progress !== null && <Progress value={progress} />}
        </div>
      )}
    </div>
  );
}

/** Drawn as a line of two pixels: how far the picture is, not how much there is to wait. */
function Progress({ value }: { readonly value: number }): ReactNode {
  const known = !Number.isNaN(value);
  return (
    <div
      className="picture-progress"
      role="progressbar"
      aria-label="Progress of the picture"
      aria-valuemin={0}
      aria-valuemax={100}
      {...(known ? { "aria-valuenow": Math.round(value * 100) } : {})}
      data-unknown={!known || undefined}
    >
      <span style={{ width: known ? `${value * 100}%` : "30%" }} />
    </div>
  );
}

function Divider({ other, name }: { readonly other: Decoded; readonly name: string }): ReactNode {
  const [at, setAt] = useState(0.38);
  const dragging = useRef(false);
  const handle = useRef<HTMLDivElement>(null);

  function move(event: PointerEvent<HTMLDivElement>): void {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    setAt(Math.min(1, Math.max(0, (event.clientX - left) / Math.max(1, width))));
  }
  function end(): void {
    dragging.current = false;
  }
  function key(event: KeyboardEvent): void {
    const step = event.shiftKey ? STEP / 5 : STEP;
    const next = {
      ArrowLeft: at - step,
      ArrowDown: at - step,
      ArrowRight: at + step,
      ArrowUp: at + step,
      Home: 0,
      End: 1,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    setAt(Math.min(1, Math.max(0, next)));
  }

  return (
    <div
      className="picture-compare"
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        dragging.current = true;
        handle.current?.focus({ preventScroll: true });
        move(event);
      }}
      onPointerMove={(event) => {
        if (dragging.current) move(event);
      }}
      onPointerUp={end}
      onPointerCancel={end}
    >
      <img
        src={other.source}
        alt={`The picture of ${name}`}
        draggable={false}
        style={{ clipPath: `inset(0 ${(1 - at) * 100}% 0 0)` }}
      />
      <div
        ref={handle}
        className="picture-divider"
        role="slider"
        tabIndex={0}
        aria-label={`Divider between ${name} and now`}
        aria-orientation="horizontal"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(at * 100)}
        style={{ left: `${at * 100}%` }}
        onKeyDown={key}
        onDoubleClick={() => setAt(0.5)}
      />
      <span className="picture-side clip" data-side="before">
        {name}
      </span>
      <span className="picture-side" data-side="now">
        now
      </span>
    </div>
  );
}
