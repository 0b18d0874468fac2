/** torch.linspace in float32, in its very roundings: from both ends to the middle, a fused multiply-add each. */

export function linspace(from: number, to: number, count: number): Float32Array {
  const [start, end] = [Math.fround(from), Math.fround(to)];
  if (count === 1) return Float32Array.of(start);
  const step = Math.fround(Math.fround(end - start) / (count - 1));
  // Products of two float32 are exact in float64.
  return Float32Array.from({ length: count }, (_, i) =>
    i < Math.floor(count / 2) ? start + step * i : end - step * (count - 1 - i),
  );
}
