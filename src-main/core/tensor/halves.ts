/**
 * The two 16-bit floats of model files, float16 (IEEE 754 binary16) and bfloat16, to and from float32 in bulk; and the
 * two 8-bit ones as float16.
 */

const signBit = 0x8000;
/** Float32 bit patterns, sign removed. */
const infinity32 = 0x7f800000;
/** 2^-14, the smallest normal float16. */
const normal16 = 0x38800000;
/** 65520: from here up round-to-nearest gives infinity (the largest float16 is 65504). */
const overflow16 = 0x477ff000;
/** 2^-25: half of the smallest float16 above zero; the tie goes to zero, which is even. */
const underflow16 = 0x33000000;
/** Largest bfloat16 is 0x7f7f; from this float32 on the nearest is infinity. */
const overflowBfloat = 0x7f7f8000;

/**
 * Values converted between two looks at whether one of them needs the slow way. Weights do so rarely
 * (one in a thousand is below 2^-14), and a loop without branches is a third faster.
 */
const block = 64;

/** Float32 bit pattern of each of the 65,536 float16 ones (256 KB), made at the first use. */
let table: Uint32Array | undefined;

function float32Patterns(): Uint32Array {
  const patterns = new Uint32Array(0x10000);
  for (let half = 0; half < 0x8000; half++) {
    const exponent = half >>> 10;
    let mantissa = half & 0x3ff;
    let pattern: number;
    if (exponent === 31) pattern = infinity32 | (mantissa << 13);
    else if (exponent > 0) pattern = ((exponent + 112) << 23) | (mantissa << 13);
    else if (mantissa === 0) pattern = 0;
    else {
      // A denormal: shift until the leading one takes the place of the implied one.
      let shifted = 113;
      while ((mantissa & 0x400) === 0) {
        mantissa <<= 1;
        shifted--;
      }
      pattern = (shifted << 23) | ((mantissa & 0x3ff) << 13);
    }
    patterns[half] = pattern;
    patterns[half | signBit] = pattern | 0x80000000;
  }
  return patterns;
}

/** Exact: every float16 is a float32. NaNs keep their payload. */
export function decodeFloat16(bits: Uint16Array, values: Float32Array): void {
  table ??= float32Patterns();
  const patterns = table;
  // Through integers: a NaN that passes through a float register may change its payload.
  const target = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) target[i] = patterns[bits[i] as number] as number;
}

/** One float16 pattern without its sign, for magnitudes outside the normal float16 range. */
function unusualFloat16(magnitude: number): number {
  if (magnitude > infinity32) return 0x7e00 | ((magnitude >>> 13) & 0x3ff);
  if (magnitude >= overflow16) return 0x7c00;
  if (magnitude <= underflow16) return 0;
  const shift = 126 - (magnitude >>> 23);
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const kept = mantissa >>> shift;
  const rest = mantissa & ((1 << shift) - 1);
  const tie = 1 << (shift - 1);
  return rest > tie || (rest === tie && (kept & 1) === 1) ? kept + 1 : kept;
}

/**
 * Rounds to nearest, ties to even. Returns the index of the first finite value that became infinite, or -1:
 * the caller knows the tensor's name and makes the error. NaN and infinity pass through.
 */
export function encodeFloat16(values: Float32Array, bits: Uint16Array): number {
  const source = new Int32Array(values.buffer, values.byteOffset, values.length);
  let overflow = -1;
  for (let start = 0; start < source.length; start += block) {
    const end = Math.min(start + block, source.length);
    let unusual = 0;
    for (let i = start; i < end; i++) {
      const pattern = source[i] as number;
      const magnitude = pattern & 0x7fffffff;
      // Rebias the exponent by 15 - 127, add half of the last place (less one where the result is even).
      bits[i] =
        ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13) |
        ((pattern >>> 16) & signBit);
      // Negative once one magnitude of the block lies outside [normal16, overflow16).
      unusual |= (magnitude - normal16) | (overflow16 - 1 - magnitude);
    }
    if (unusual >= 0) continue;
    for (let i = start; i < end; i++) {
      const pattern = source[i] as number;
      const magnitude = pattern & 0x7fffffff;
      if (magnitude >= normal16 && magnitude < overflow16) continue;
      bits[i] = unusualFloat16(magnitude) | ((pattern >>> 16) & signBit);
      if (overflow < 0 && magnitude >= overflow16 && magnitude < infinity32) overflow = i;
    }
  }
  return overflow;
}

/** Exact: a bfloat16 is the upper half of a float32. */
export function decodeBfloat16(bits: Uint16Array, values: Float32Array): void {
  const target = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) target[i] = (bits[i] as number) << 16;
}

/** Rounds to nearest, ties to even. Returns the index of the first finite value that became infinite, or -1. */
export function encodeBfloat16(values: Float32Array, bits: Uint16Array): number {
  const source = new Int32Array(values.buffer, values.byteOffset, values.length);
  let overflow = -1;
  for (let start = 0; start < source.length; start += block) {
    const end = Math.min(start + block, source.length);
    let unusual = 0;
    for (let i = start; i < end; i++) {
      const pattern = source[i] as number;
      bits[i] = (pattern + 0x7fff + ((pattern >>> 16) & 1)) >>> 16;
      unusual |= overflowBfloat - 1 - (pattern & 0x7fffffff);
    }
    if (unusual >= 0) continue;
    for (let i = start; i < end; i++) {
      const pattern = source[i] as number;
      const magnitude = pattern & 0x7fffffff;
      // Rounding could carry a NaN over into infinity or zero: keep its upper payload and make it quiet.
      if (magnitude > infinity32) bits[i] = (pattern >>> 16) | 0x40;
      else if (overflow < 0 && magnitude >= overflowBfloat && magnitude < infinity32) overflow = i;
    }
  }
  return overflow;
}

/**
 * 8-bit floats (Micikevicius et al. 2022, https://arxiv.org/abs/2209.05433) as float16 patterns, which hold all of
 * their values. E5M2 is the upper byte of a float16; E4M3 has no infinity, and 1111 111 is its one NaN.
 */
export function float8Patterns(bytes: Uint8Array, dtype: "F8_E4M3" | "F8_E5M2"): Uint16Array {
  return Uint16Array.from(bytes, dtype === "F8_E5M2" ? (byte) => byte << 8 : fromE4M3);
}

function fromE4M3(byte: number): number {
  const sign = (byte & 0x80) << 8;
  const magnitude = byte & 0x7f;
  if (magnitude === 0x7f) return sign | 0x7e00;
  // Bias 7 becomes 15, three bits of mantissa ten.
  if (magnitude >= 8) return sign | ((magnitude << 7) + (8 << 10));
  if (magnitude === 0) return sign;
  // magnitude * 2^-9: normal in float16, whose smallest exponent is -14.
  const exponent = 31 - Math.clz32(magnitude);
  return sign | ((exponent + 6) << 10) | (((magnitude << (3 - exponent)) & 7) << 7);
}
