/** Latent mixes of several points: straight lines, and arcs that keep the distance from the mean. */

/** `sum(weight_i · point_i)`. */
export function mixLinear(
  points: readonly (readonly number[])[],
  weights: readonly number[],
): number[] {
  const length = Math.max(...points.map((point) => point.length));
  return Array.from({ length }, (_, at) =>
    points.reduce((sum, point, i) => sum + (weights[i] as number) * (point[at] ?? 0), 0),
  );
}

/** Fixed-point steps of the mean direction; two points need one, sixty-four far apart a few dozen. */
const steps = 64;

/**
 * Spherical mix about the mean of the space: the weighted Fréchet mean of the directions times the
 * weighted mean of the lengths. For two points it is slerp (Shoemake 1985); weights are normalised.
 * Points at the mean have no direction and only shorten the result.
 */
export function mixSpherical(
  points: readonly (readonly number[])[],
  weights: readonly number[],
): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return mixLinear(points, weights);
  const lengths = points.map((point) => Math.hypot(...point));
  const length = lengths.reduce(
    (sum, value, i) => sum + (value * (weights[i] as number)) / total,
    0,
  );
  const directed = points
    .map((point, i) => ({ point, length: lengths[i] as number, weight: weights[i] as number }))
    .filter((entry) => entry.length > 0 && entry.weight !== 0);
  if (directed.length === 0) return mixLinear(points, weights);
  const directions = directed.map((entry) => entry.point.map((value) => value / entry.length));
  const shares = directed.map((entry) => entry.weight);
  const share = shares.reduce((sum, value) => sum + value, 0);
  let mean: readonly number[] | null = unit(mixLinear(directions, shares));
  if (mean === null || share === 0)
    return mixLinear(
      points,
      weights.map((weight) => weight / total),
    );
  for (let step = 0; step < steps; step++) {
    const current: readonly number[] = mean;
    // Logarithm map of each direction at the current mean, averaged, then the exponential map back.
    const tangent = mixLinear(
      directions.map((direction) => logarithm(current, direction)),
      shares.map((value) => value / share),
    );
    const angle = Math.hypot(...tangent);
    if (angle < 1e-12) break;
    const next = current.map(
      (value, at) => value * Math.cos(angle) + ((tangent[at] as number) / angle) * Math.sin(angle),
    );
    // Between nearly opposite points the tangent is not quite at a right angle: back onto the sphere.
    mean = unit(next) ?? current;
  }
  return mean.map((value) => value * length);
}

function unit(vector: readonly number[]): readonly number[] | null {
  const length = Math.hypot(...vector);
  return length < 1e-9 ? null : vector.map((value) => value / length);
}

function logarithm(base: readonly number[], target: readonly number[]): number[] {
  const cosine = Math.min(1, Math.max(-1, dot(base, target)));
  const across = target.map((value, at) => value - cosine * (base[at] ?? 0));
  const length = Math.hypot(...across);
  // atan2 keeps small angles exact where acos of nearly 1 does not.
  const angle = Math.atan2(length, cosine);
  return length < 1e-15 ? across.map(() => 0) : across.map((value) => (value / length) * angle);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
}
