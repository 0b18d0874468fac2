/** Where a point of a polygon lies between its corners: generalised barycentric coordinates and back. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Corners of the pad in a unit circle, the first at the top; two lie on a level line. */
export function corners(amount: number): Point[] {
  if (amount === 1) return [{ x: 0, y: 0 }];
  if (amount === 2)
    return [
      { x: -1, y: 0 },
      { x: 1, y: 0 },
    ];
  return Array.from({ length: amount }, (_, i) => {
    const angle = -Math.PI / 2 + (2 * Math.PI * i) / amount;
    return { x: Math.cos(angle), y: Math.sin(angle) };
  });
}

export function centroid(polygon: readonly Point[], weights: readonly number[]): Point {
  let x = 0;
  let y = 0;
  polygon.forEach((corner, i) => {
    x += corner.x * (weights[i] ?? 0);
    y += corner.y * (weights[i] ?? 0);
  });
  return { x, y };
}

/** The nearest point of a convex polygon, whose corners go round in either sense. */
export function clampToPolygon(point: Point, polygon: readonly Point[]): Point {
  if (polygon.length === 1) return polygon[0] ?? point;
  if (polygon.length > 2 && inside(point, polygon)) return point;
  let best = point;
  let nearest = Infinity;
  polygon.forEach((from, i) => {
    const to = polygon[(i + 1) % polygon.length] ?? from;
    const candidate = nearestOnEdge(point, from, to);
    const distance = (candidate.x - point.x) ** 2 + (candidate.y - point.y) ** 2;
    if (distance < nearest) {
      nearest = distance;
      best = candidate;
    }
  });
  return best;
}

/**
 * Mean value coordinates (Floater 2003): smooth, positive inside a convex polygon, sum to 1, and reproduce the point.
 * The point is brought into the polygon first.
 */
export function weightsAt(point: Point, polygon: readonly Point[]): number[] {
  const amount = polygon.length;
  if (amount <= 1) return polygon.map(() => 1);
  const at = clampToPolygon(point, polygon);
  const edge = edgeWeights(at, polygon);
  if (edge !== null) return edge;

  const towards = polygon.map((corner) => ({ x: corner.x - at.x, y: corner.y - at.y }));
  const lengths = towards.map((vector) => Math.hypot(vector.x, vector.y));
  const halves = towards.map((vector, i) => {
    const next = towards[(i + 1) % amount] ?? vector;
    const cross = vector.x * next.y - vector.y * next.x;
    const dot = vector.x * next.x + vector.y * next.y;
    return Math.tan(Math.abs(Math.atan2(cross, dot)) / 2);
  });
  const raw = lengths.map(
    (length, i) => ((halves[(i + amount - 1) % amount] ?? 0) + (halves[i] ?? 0)) / length,
  );
  const total = raw.reduce((sum, value) => sum + value, 0);
  return raw.map((value) => value / total);
}

/** On an edge or a corner the formula divides by zero; there two weights tell it all. */
function edgeWeights(point: Point, polygon: readonly Point[]): number[] | null {
  for (let i = 0; i < polygon.length; i++) {
    const from = polygon[i];
    const next = (i + 1) % polygon.length;
    const to = polygon[next];
    if (from === undefined || to === undefined) continue;
    const near = nearestOnEdge(point, from, to);
    if (Math.hypot(near.x - point.x, near.y - point.y) > 1e-9) continue;
    const along = Math.hypot(to.x - from.x, to.y - from.y);
    const share = along === 0 ? 0 : Math.hypot(near.x - from.x, near.y - from.y) / along;
    const weights = polygon.map(() => 0);
    weights[i] = 1 - share;
    weights[next] = (weights[next] ?? 0) + share;
    return weights;
  }
  return null;
}

function nearestOnEdge(point: Point, from: Point, to: Point): Point {
  const x = to.x - from.x;
  const y = to.y - from.y;
  const length = x * x + y * y;
  const along = length === 0 ? 0 : ((point.x - from.x) * x + (point.y - from.y) * y) / length;
  const share = Math.min(1, Math.max(0, along));
  return { x: from.x + share * x, y: from.y + share * y };
}

function inside(point: Point, polygon: readonly Point[]): boolean {
  let sign = 0;
  for (let i = 0; i < polygon.length; i++) {
    const from = polygon[i];
    const to = polygon[(i + 1) % polygon.length];
    if (from === undefined || to === undefined) continue;
    const cross = (to.x - from.x) * (point.y - from.y) - (to.y - from.y) * (point.x - from.x);
    if (Math.abs(cross) < 1e-12) continue;
    if (sign !== 0 && Math.sign(cross) !== sign) return false;
    sign = Math.sign(cross);
  }
  return true;
}
