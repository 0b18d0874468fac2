/**
 * Writes a plain LoRA under other names without touching a number: no rounding, and several times faster than through
 * float32. Alphas stay as they are.
 */
import { FacetError } from "../errors.ts";
import type { SafetensorsFile } from "../formats/safetensors/read.ts";
import type { PlannedTensor } from "../formats/safetensors/write.ts";
import type { TensorEntry } from "../formats/source.ts";
import { toFloat32 } from "../tensor/convert.ts";
import { byteSize, elementCount } from "../tensor/dtype.ts";
import { alphasFound } from "./alpha.ts";
import type { Written } from "./metadata.ts";
import type { ScannedModule } from "./scan.ts";
import { scanLora } from "./scan.ts";
import { writerFor } from "./write.ts";
import type { WrittenDialect, WrittenDtype } from "./write.ts";

export interface Relabelled {
  readonly tensors: PlannedTensor[];
  readonly written: Written;
}

/**
 * Null where the matrices must be computed: other element types, other kinds of adapter, alphas outside the file
 * or such as diffusers misreads, embeddings. Throws what `readLora` would throw.
 * @param data the file's whole data section.
 */
export function relabelLora(
  file: SafetensorsFile,
  data: Uint8Array,
  dialect: WrittenDialect,
  dtype: WrittenDtype,
): Relabelled | null {
  const scan = scanLora(file);
  if (scan.needsBase.length > 0 || scan.embeddings.length > 0) return null;
  const writer = writerFor(dialect, scan.family);
  const { suffixes } = writer;
  const bytes = (entry: TensorEntry): Uint8Array => {
    const stored = file.tensors.get(entry.name);
    return data.subarray(stored?.start, stored?.end);
  };
  const tensors: PlannedTensor[] = [];
  const modules: Written["modules"][number][] = [];
  for (const scanned of scan.modules) {
    const { module, rank, parts } = scanned;
    const alpha = alphaOf(scanned, bytes);
    if (scanned.adapter.kind !== "lora" || alpha === null) return null;
    const matrices = [
      {
        role: "down",
        shape: module.conv ? [rank, module.in, ...module.kernel] : [rank, module.in],
      },
      { role: "up", shape: module.conv ? [module.out, rank, 1, 1] : [module.out, rank] },
    ] as const;
    const name = writer.write(module, scan.family);
    for (const { role, shape } of matrices) {
      const entry = parts.need(role);
      if (entry.dtype !== dtype) return null;
      const values = bytes(entry);
      refuseNotFinite(values, dtype, entry, file.name);
      tensors.push({ name: `${name}${suffixes[role]}`, dtype, shape, values: () => values });
    }
    if (suffixes.alpha !== undefined)
      tensors.push({ ...alpha.tensor, name: `${name}${suffixes.alpha}` });
    if (scanned.magnitude) {
      const { entry, stored } = scanned.magnitude;
      // Only LyCORIS' and only among its own: PEFT's means the norms of another sum, under settings of its own.
      if (stored !== "dora" || dialect === "peft" || !isWritten(entry.dtype)) return null;
      const values = bytes(entry);
      refuseNotFinite(values, entry.dtype, entry, file.name);
      const { shape } = entry;
      tensors.push({ name: `${name}.dora_scale`, dtype: entry.dtype, shape, values: () => values });
    }
    modules.push({ path: module.path, rank, alpha: alpha.value, kernel: module.kernel });
  }
  if (suffixes.alpha !== undefined && !alphasFound(modules)) return null;
  return { tensors, written: { family: scan.family, dialect, modules } };
}

/** As stored, or the rank where absence means scale 1; null where its place is another file or the metadata. */
function alphaOf(
  { alpha, peft, rank }: ScannedModule,
  bytes: (entry: TensorEntry) => Uint8Array,
): { value: number; tensor: Omit<PlannedTensor, "name"> } | null {
  if (alpha === undefined) {
    if (peft) return null;
    return {
      value: rank,
      tensor: { dtype: "F32", shape: [], values: () => Float32Array.of(rank) },
    };
  }
  if (elementCount(alpha.shape) !== 1) return null;
  const { dtype } = alpha;
  const stored = bytes(alpha);
  const [value] = toFloat32(stored, dtype);
  if (value === undefined || !Number.isFinite(value)) return null;
  return { value, tensor: { dtype, shape: [], values: () => stored } };
}

/** Exponent bits that mean infinity or NaN, in both halves of a 32-bit word; one bit below and the top bit of each. */
const special = {
  F16: { exponent: 0x7c00_7c00, ones: 0x0001_0001, tops: 0x8000_8000 },
  BF16: { exponent: 0x7f80_7f80, ones: 0x0001_0001, tops: 0x8000_8000 },
  F32: { exponent: 0x7f80_0000, ones: 1, tops: 0x8000_0000 },
} as const;

function isWritten(dtype: TensorEntry["dtype"]): dtype is WrittenDtype {
  return dtype in special;
}

/** Whether some number of the type is infinity or NaN, without looking at them one by one. */
function hasSpecial(stored: Uint8Array, dtype: WrittenDtype): boolean {
  const { exponent, ones, tops } = special[dtype];
  // Headers of other tools may leave the data at odd places.
  const bytes = stored.byteOffset % byteSize(dtype) === 0 ? stored : stored.slice();
  const start = Math.min(bytes.byteLength, bytes.byteOffset % 4);
  const count = Math.floor((bytes.byteLength - start) / 4);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + start, count);
  let found = 0;
  for (let index = 0; index < count; index++) {
    // A part is special where all exponent bits are set: where this is zero, found as zero bytes are in C strings.
    const rest = ~(words[index] as number) & exponent;
    found |= (rest - ones) & ~rest & tops;
  }
  const ends = [bytes.subarray(0, start), bytes.subarray(start + 4 * count)];
  return (
    found !== 0 ||
    ends.some((end) => toFloat32(end, dtype).some((value) => !Number.isFinite(value)))
  );
}

function refuseNotFinite(
  values: Uint8Array,
  dtype: WrittenDtype,
  entry: TensorEntry,
  path: string,
): void {
  if (!hasSpecial(values, dtype)) return;
  const numbers = toFloat32(values, dtype);
  const at = numbers.findIndex((value) => !Number.isFinite(value));
  throw new FacetError(
    "not-finite",
    `${entry.name} holds ${numbers[at]} at index ${at} of ${numbers.length}: the training or the conversion that made it diverged.`,
    { path, field: entry.name },
  );
}
