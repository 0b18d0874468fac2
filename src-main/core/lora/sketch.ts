/**
 * 256 numbers whose inner products estimate those of the deltas, so that neighbours are found without opening files.
 *
 * TensorSketch (Pham and Pagh, 2013): every row and every column of a module gets a random bucket and a random sign;
 * the count sketches of up's column r and down's row r are convolved, and all convolutions of all modules add up. That
 * is a count sketch of the full delta under the sum of both hashes, linear in the delta: the factors' basis, rank and
 * order leave no trace. Estimates are unbiased; their standard error is about 1/16 of the product of the norms.
 * Hashes come from the module's path alone, so sketches made anywhere compare; the constants below must not change
 * while stored sketches are in use. Of a DoRA, what it adds before it rescales.
 */
import { assert } from "../errors.ts";
import { type Lora, type LoraModule, columns as columnsOf } from "./lora.ts";

export const sketchSize = 256;
const logSize = 8;

export function sketch(lora: Lora): Float32Array {
  // Spectra add up like the sketches; one transform back at the end serves all modules.
  const real = new Float64Array(sketchSize);
  const imaginary = new Float64Array(sketchSize);
  for (const module of lora.modules) addModule(module, real, imaginary);
  // The inverse transform is the forward one of the conjugate, for a real result divided by the size.
  for (let i = 0; i < sketchSize; i++) imaginary[i] = -(imaginary[i] as number);
  transform(real, imaginary);
  return Float32Array.from(real, (value) => value / sketchSize);
}

/** Estimated cosine of two deltas; 0 where one of them is zero. */
export function sketchCosine(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < sketchSize; i++) {
    const x = a[i] as number;
    const y = b[i] as number;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}

function addModule(module: LoraModule, real: Float64Array, imaginary: Float64Array): void {
  const { up, down, out, rank, path } = module;
  const columns = columnsOf(module);
  const ups = new Float64Array(sketchSize * rank); // [bucket, rank]
  const outPlaces = places(path, "out", out);
  for (let i = 0; i < out; i++) {
    const place = outPlaces[i] as number;
    const sign = place & 1 ? -1 : 1;
    const to = (place >> 1) * rank;
    const from = i * rank;
    for (let r = 0; r < rank; r++) {
      ups[to + r] = (ups[to + r] as number) + sign * (up[from + r] as number);
    }
  }
  const downs = new Float64Array(rank * sketchSize); // [rank, bucket]
  const inPlaces = places(path, "in", columns);
  for (let r = 0; r < rank; r++) {
    const to = r * sketchSize;
    const from = r * columns;
    for (let j = 0; j < columns; j++) {
      const place = inPlaces[j] as number;
      const value = down[from + j] as number;
      const at = to + (place >> 1);
      downs[at] = (downs[at] as number) + (place & 1 ? -value : value);
    }
  }
  const x = new Float64Array(sketchSize);
  const y = new Float64Array(sketchSize);
  for (let r = 0; r < rank; r++) {
    for (let i = 0; i < sketchSize; i++) {
      x[i] = ups[i * rank + r] as number;
      y[i] = downs[r * sketchSize + i] as number;
    }
    transform(x, y);
    addProductSpectrum(x, y, real, imaginary);
  }
}

/**
 * Of z = a + i b with a, b real: `A[k] B[k] = (Z[k]² - conj(Z[n-k])²) / 4i`, which gives the convolution's spectrum
 * from one transform.
 */
function addProductSpectrum(
  x: Float64Array,
  y: Float64Array,
  real: Float64Array,
  imaginary: Float64Array,
): void {
  for (let k = 0; k < sketchSize; k++) {
    const mirror = (sketchSize - k) & (sketchSize - 1);
    const [p, q] = [x[k] as number, y[k] as number];
    const [s, t] = [x[mirror] as number, -(y[mirror] as number)];
    const squareReal = p * p - q * q - (s * s - t * t);
    const squareImaginary = 2 * (p * q - s * t);
    real[k] = (real[k] as number) + squareImaginary / 4;
    imaginary[k] = (imaginary[k] as number) - squareReal / 4;
  }
}

/** Bucket and sign of every index along one side of a module: `bucket << 1 | sign`. */
function places(path: string, side: "out" | "in", length: number): Uint16Array {
  const seed = textHash(`${side} ${path}`);
  const result = new Uint16Array(length);
  // Nine bits from the top: the best mixed ones.
  for (let i = 0; i < length; i++) result[i] = mix(seed + Math.imul(i, 0x9e3779b9)) >>> 23;
  return result;
}

/** FNV-1a over the UTF-16 units (paths are ASCII). */
function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** A 32-bit finaliser with low bias (Chris Wellons, "Prospecting for hash functions", lowbias32). */
function mix(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return x ^ (x >>> 16);
}

/** `e^(-2 pi i k / 256)`, by halving angles with square roots: Math.sin may differ in its last bit between engines. */
const twiddles = ((): { cosines: Float64Array; sines: Float64Array } => {
  const cosines = new Float64Array(sketchSize);
  const sines = new Float64Array(sketchSize);
  cosines[0] = 1;
  const quarter = sketchSize / 4;
  sines[quarter] = 1;
  for (let step = quarter / 2; step >= 1; step /= 2) {
    for (let k = step; k < quarter; k += 2 * step) {
      const x = (cosines[k - step] as number) + (cosines[k + step] as number);
      const y = (sines[k - step] as number) + (sines[k + step] as number);
      const length = Math.sqrt(x * x + y * y);
      cosines[k] = x / length;
      sines[k] = y / length;
    }
  }
  for (let k = quarter; k < sketchSize; k++) {
    cosines[k] = -(sines[k - quarter] as number);
    if (k > quarter) sines[k] = cosines[k - quarter] as number;
  }
  return { cosines, sines: sines.map((value) => -value) };
})();

const reversed = Uint8Array.from({ length: sketchSize }, (_, index) => {
  let bits = 0;
  for (let i = 0; i < logSize; i++) bits |= ((index >> i) & 1) << (logSize - 1 - i);
  return bits;
});

/** Forward Fourier transform in place, radix 2 (Cooley and Tukey, 1965). */
function transform(x: Float64Array, y: Float64Array): void {
  assert(x.length === sketchSize && y.length === sketchSize, "transforms have the sketch's size");
  for (let i = 0; i < sketchSize; i++) {
    const j = reversed[i] as number;
    if (j <= i) continue;
    [x[i], x[j]] = [x[j] as number, x[i] as number];
    [y[i], y[j]] = [y[j] as number, y[i] as number];
  }
  for (let half = 1; half < sketchSize; half *= 2) {
    const stride = sketchSize / (2 * half);
    for (let k = 0; k < half; k++) {
      const c = twiddles.cosines[k * stride] as number;
      const s = twiddles.sines[k * stride] as number;
      for (let i = k; i < sketchSize; i += 2 * half) {
        const j = i + half;
        const u = (x[j] as number) * c - (y[j] as number) * s;
        const v = (x[j] as number) * s + (y[j] as number) * c;
        x[j] = (x[i] as number) - u;
        y[j] = (y[i] as number) - v;
        x[i] = (x[i] as number) + u;
        y[i] = (y[i] as number) + v;
      }
    }
  }
}
