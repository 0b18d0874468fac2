/** Abstract marks that stand where no picture is: contour lines drawn from an id, spokes drawn from coordinates. */

/** Harmonics of a closed contour. Mixing two marks mixes these numbers, so a blend's mark lies between its parents'. */
export interface Mark {
  /** Unit vector, so that hues can be averaged. */
  readonly hue: { readonly x: number; readonly y: number };
  readonly waves: readonly { readonly cos: number; readonly sin: number }[];
  /** Turn from each contour to the next, in radians. */
  readonly twist: number;
}

const WAVES = 5;

/** How much of its box of 100 a mark fills. */
const EXTENT = 80;

/** FNV-1a, then a mulberry32 sequence: the same id draws the same mark everywhere. */
function randomFrom(text: string): () => number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export function markOf(id: string): Mark {
  const random = randomFrom(id);
  const angle = random() * 2 * Math.PI;
  const waves = Array.from({ length: WAVES }, (_, i) => {
    const size = (0.34 / (i + 1.4)) * (0.35 + random());
    const phase = random() * 2 * Math.PI;
    return { cos: size * Math.cos(phase), sin: size * Math.sin(phase) };
  });
  return { hue: { x: Math.cos(angle), y: Math.sin(angle) }, waves, twist: (random() - 0.5) * 0.26 };
}

export function mixMarks(marks: readonly Mark[], weights: readonly number[]): Mark {
  const at = (read: (mark: Mark) => number): number =>
    marks.reduce((sum, mark, i) => sum + read(mark) * (weights[i] ?? 0), 0);
  return {
    hue: { x: at((mark) => mark.hue.x), y: at((mark) => mark.hue.y) },
    waves: Array.from({ length: WAVES }, (_, i) => ({
      cos: at((mark) => mark.waves[i]?.cos ?? 0),
      sin: at((mark) => mark.waves[i]?.sin ?? 0),
    })),
    twist: at((mark) => mark.twist),
  };
}

/** Degrees of the OKLCH hue wheel. */
export function hueOf(mark: Mark): number {
  return Math.round(((Math.atan2(mark.hue.y, mark.hue.x) * 180) / Math.PI + 360) % 360);
}

/** Closed contour lines around the middle of a 100 x 100 box, from the inside out, as one path each. */
export function contours(mark: Mark, rings: number, points: number): string[] {
  const lines = Array.from({ length: rings }, (_, ring) => {
    const depth = (ring + 1) / rings;
    // The inner lines are calm, the outer ones carry the shape.
    const strength = 0.2 + 0.65 * depth;
    return Array.from({ length: points }, (_point, i) => {
      const angle = (2 * Math.PI * i) / points;
      let swing = 0;
      mark.waves.forEach((wave, order) => {
        const turned = (order + 1) * (angle + mark.twist * depth * 9);
        swing += wave.cos * Math.cos(turned) + wave.sin * Math.sin(turned);
      });
      const length = (0.12 + 0.88 * depth) * (1 + strength * swing);
      return { x: length * Math.cos(angle), y: length * Math.sin(angle) };
    });
  });
  // Whatever its waves, a mark fills the same part of its box and sits in its middle.
  const outer = lines.at(-1) ?? [];
  const left = Math.min(...outer.map((point) => point.x));
  const right = Math.max(...outer.map((point) => point.x));
  const top = Math.min(...outer.map((point) => point.y));
  const bottom = Math.max(...outer.map((point) => point.y));
  const scale = EXTENT / Math.max(right - left, bottom - top, 1e-6);
  return lines.map((line) =>
    smoothClosed(
      line.map((point) => ({
        x: 50 + (point.x - (left + right) / 2) * scale,
        y: 50 + (point.y - (top + bottom) / 2) * scale,
      })),
    ),
  );
}

/** Below this many components the outline is rounded between them, so that few of them make no triangle. */
const FEW = 18;

/**
 * The outline of a point of a space: component i pushes the circle out (positive) or in (negative) at its own angle.
 * `circle` is the mean's radius in a 100 x 100 box.
 */
export function signature(coordinates: readonly number[], circle = 27): string {
  const amount = Math.max(1, coordinates.length);
  const points = amount < FEW ? amount * Math.ceil(36 / amount) : amount;
  return smoothClosed(
    Array.from({ length: points }, (_, i) => {
      const at = (i * amount) / points;
      const from = Math.floor(at);
      const share = (1 - Math.cos(Math.PI * (at - from))) / 2;
      const value =
        (coordinates[from] ?? 0) * (1 - share) + (coordinates[(from + 1) % amount] ?? 0) * share;
      const angle = -Math.PI / 2 + (2 * Math.PI * i) / points;
      const length = circle + Math.min(4, Math.max(-4, value)) * (circle / 5.2);
      return { x: 50 + length * Math.cos(angle), y: 50 + length * Math.sin(angle) };
    }),
  );
}

/** Quadratic curves through the midpoints: round, and half the text of cubic ones. */
function smoothClosed(points: readonly { x: number; y: number }[]): string {
  const last = points.at(-1);
  const first = points[0];
  if (first === undefined || last === undefined) return "";
  let path = `M${middle(last.x, first.x)} ${middle(last.y, first.y)}`;
  points.forEach((point, i) => {
    const next = points[(i + 1) % points.length] ?? first;
    path += `Q${short(point.x)} ${short(point.y)} ${middle(point.x, next.x)} ${middle(point.y, next.y)}`;
  });
  return `${path}Z`;
}

function middle(a: number, b: number): string {
  return short((a + b) / 2);
}
function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}
