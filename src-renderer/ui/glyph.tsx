/** What stands where there is no picture: contour marks of identities, outlines of points, and the preview if there is one. */
import { type ReactNode, memo, useMemo } from "react";
import { type Mark, contours, hueOf, markOf, signature } from "../lib/glyph.ts";
import { pictureUrl } from "../studio/files.ts";
import "./glyph.css";

const known = new Map<string, Mark>();

/** Marks are small; the map only grows with what was looked at. */
export function markFor(id: string): Mark {
  const found = known.get(id);
  if (found !== undefined) return found;
  const made = markOf(id);
  known.set(id, made);
  return made;
}

type Detail = "small" | "large" | "huge";
const LINES: Record<Detail, number> = { small: 4, large: 9, huge: 15 };

interface GlyphProps {
  readonly mark: Mark;
  /** Fewer lines where the mark is small. */
  readonly detail?: Detail;
}

export const Glyph = memo(function Glyph({ mark, detail = "large" }: GlyphProps): ReactNode {
  const lines = useMemo(
    () => contours(mark, LINES[detail], detail === "small" ? 20 : 30),
    [mark, detail],
  );
  return (
    <svg
      className="glyph"
      data-detail={detail}
      viewBox="0 0 100 100"
      aria-hidden="true"
      style={{ ["--hue" as string]: hueOf(mark) }}
      preserveAspectRatio="xMidYMid slice"
    >
      <rect className="glyph-ground" x="-50" y="-50" width="200" height="200" />
      {lines.map((line, i) => (
        <path key={i} d={line} strokeOpacity={0.35 + (0.65 * (i + 1)) / lines.length} />
      ))}
    </svg>
  );
});

interface PictureProps {
  readonly id: string;
  readonly preview?: string | null | undefined;
  readonly detail?: Detail;
}

/** The preview of an identity, or its mark. Fills its box. */
export const Picture = memo(function Picture({ id, preview, detail }: PictureProps): ReactNode {
  return (
    <span className="picture">
      <Glyph mark={markFor(id)} detail={detail ?? "large"} />
      {preview !== null && preview !== undefined && (
        <img src={pictureUrl(preview)} alt="" draggable={false} loading="lazy" />
      )}
    </span>
  );
});

interface SignatureProps {
  readonly coordinates: readonly number[];
  /** Drawn as a thin line behind: where the point started. */
  readonly before?: readonly number[] | undefined;
  readonly caution?: boolean;
}

/** Outline of a point: each component pushes the circle out or in at its own angle. */
export const Signature = memo(function Signature({
  coordinates,
  before,
  caution,
}: SignatureProps): ReactNode {
  return (
    <svg
      className="signature"
      viewBox="0 0 100 100"
      aria-hidden="true"
      data-caution={caution === true || undefined}
    >
      <circle className="signature-mean" cx="50" cy="50" r="27" />
      {before !== undefined && <path className="signature-before" d={signature(before)} />}
      <path className="signature-now" d={signature(coordinates)} />
    </svg>
  );
});
