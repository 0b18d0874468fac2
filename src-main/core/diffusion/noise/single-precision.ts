/**
 * Logarithm, sine and cosine in the very roundings of torch's vectorised noise: the polynomials of Cephes (avx_mathfun.h) in
 * float32 with fused multiply-add, as it runs on x64 since AVX2. Other processors' torch may differ in the last bit.
 */

const round = Math.fround;

/** One rounding: a product of two float32 is exact in float64 (the sum's own rounding there matters once in 2^29). */
function fused(a: number, b: number, c: number): number {
  return round(a * b + c);
}

function polynomial(x: number, coefficients: Float32Array): number {
  let y = coefficients[0] ?? 0;
  for (let i = 1; i < coefficients.length; i++) y = fused(y, x, coefficients[i] ?? 0);
  return y;
}

const LOGARITHM = Float32Array.of(
  7.0376836292e-2,
  -1.151461031e-1,
  1.167699874e-1,
  -1.2420140846e-1,
  1.4249322787e-1,
  -1.6668057665e-1,
  2.0000714765e-1,
  -2.4999993993e-1,
  3.3333331174e-1,
);
// ln 2 in two parts, the first of few bits.
const LN2_LOW = round(-2.1219444e-4);
const LN2_HIGH = round(0.693359375);
const ROOT_OF_HALF = round(Math.SQRT1_2);

const bits = new DataView(new ArrayBuffer(4));

/** Of a normal float32 above 0. */
export function logarithm(of: number): number {
  bits.setFloat32(0, of);
  const word = bits.getUint32(0);
  let exponent = (word >>> 23) - 126;
  bits.setUint32(0, (word & 0x007fffff) | 0x3f000000);
  // The mantissa in 0.5..1, then moved to about 0.
  let x = bits.getFloat32(0);
  if (x < ROOT_OF_HALF) {
    exponent -= 1;
    x = round(round(x - 1) + x);
  } else x = round(x - 1);
  const square = round(x * x);
  let y = fused(round(polynomial(x, LOGARITHM) * x), square, round(exponent * LN2_LOW));
  y = fused(square, -0.5, y);
  return fused(exponent, LN2_HIGH, round(x + y));
}

const FOUR_OVER_PI = round(1.27323954473516);
// pi / 4 in three parts.
const QUARTER_TURN = Float32Array.of(-0.78515625, -2.4187564849853515625e-4, -3.774894977445941e-8);
const COSINE = Float32Array.of(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2);
const SINE = Float32Array.of(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1);

/** Of an angle of 0 or more. */
export function sineAndCosine(angle: number): { readonly sine: number; readonly cosine: number } {
  // The nearest even eighth of a turn.
  const eighth = (Math.trunc(round(angle * FOUR_OVER_PI)) + 1) & ~1;
  let x = angle;
  for (const part of QUARTER_TURN) x = fused(eighth, part, x);
  const square = round(x * x);
  const even = round(fused(round(polynomial(square, COSINE) * square), square, -0.5 * square) + 1);
  const odd = fused(round(polynomial(square, SINE) * square), x, x);
  const straight = (eighth & 2) === 0;
  return {
    sine: (straight ? odd : even) * (eighth & 4 ? -1 : 1),
    cosine: (straight ? even : odd) * ((eighth - 2) & 4 ? 1 : -1),
  };
}
