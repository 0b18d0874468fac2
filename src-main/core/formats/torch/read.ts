/** Opens what torch.save wrote (.pt, .bin, .pth): names and shapes from the pickle, each tensor's numbers on request. */
import { FacetError } from "../../errors.ts";
import { toFloat32 } from "../../tensor/convert.ts";
import { byteSize, elementCount } from "../../tensor/dtype.ts";
import { torchLimits as limits } from "../limits.ts";
import { entryOf, type ByteSource, type TensorEntry, type TensorFile } from "../source.ts";
import { flattenState } from "./flatten-state.ts";
import { readPickle } from "./pickle.ts";
import type { PickleTensor } from "./values.ts";
import { openZip, type Zip, type ZipEntry } from "./zip.ts";

const pickleName = "/data.pkl";

interface TorchEntry extends TensorEntry {
  readonly view: PickleTensor;
}

export function readTorch(source: ByteSource): TensorFile {
  refuseLegacy(source);
  const zip = openZip(source);
  const root = findRoot(zip, source);
  const { tensors: views, metadata } = flattenState(
    readPickle(pickleBytes(zip, root, source), source.name),
    source.name,
  );
  const tensors = new Map<string, TorchEntry>();
  for (const [name, view] of views) {
    checkView(view, name, zip, root, source);
    tensors.set(name, { name, dtype: view.storage.dtype, shape: view.shape, view });
  }
  return {
    name: source.name,
    tensors,
    metadata,
    readFloat32(name) {
      const { view } = entryOf(tensors, name, source.name);
      return readView(view, zip, storageEntry(root, view), source);
    },
  };
}

function refuse(source: ByteSource, message: string, field?: string): never {
  throw new FacetError("malformed", `"${source.name}": ${message}`, { path: source.name, field });
}

function unsupported(source: ByteSource, message: string): never {
  throw new FacetError("unsupported", `"${source.name}" ${message}`, { path: source.name });
}

function refuseLegacy(source: ByteSource): void {
  if (source.size >= 2 && source.read(0, 1)[0] === 0x80) {
    unsupported(
      source,
      "is in the format of torch before 1.6 (a bare pickle), which Facet does not read. " +
        "Load it with torch and save it again, best as safetensors.",
    );
  }
}

/** The archive's own name is arbitrary: everything lies below the folder that holds data.pkl. */
function findRoot(zip: Zip, source: ByteSource): string {
  const names = [...zip.entries.keys()];
  const pickles = names.filter(
    (name) => name.endsWith(pickleName) && name.indexOf("/") === name.length - 9,
  );
  const [pickle, ...others] = pickles;
  if (pickle === undefined) {
    unsupported(
      source,
      "is a ZIP archive without a data.pkl: no file of torch.save. If a model is inside, unpack it first.",
    );
  }
  if (others.length > 0)
    refuse(source, `it holds several data.pkl: "${pickle}", "${others.join('", "')}".`);
  const root = pickle.slice(0, -pickleName.length);
  if (names.some((name) => name === `${root}/constants.pkl` || name.startsWith(`${root}/code/`))) {
    unsupported(
      source,
      "is a TorchScript program, not weights; Facet runs no programs. Export its state dict instead.",
    );
  }
  const order = zip.entries.get(`${root}/byteorder`);
  if (order && byteOrder(order, zip, source) !== "little") {
    unsupported(source, "does not store its numbers in little-endian order, the only one read.");
  }
  return root;
}

function byteOrder(entry: ZipEntry, zip: Zip, source: ByteSource): string {
  const length = Math.min(entry.size, "little".length + 1);
  return String.fromCharCode(...source.read(zip.dataOffset(entry), length));
}

function pickleBytes(zip: Zip, root: string, source: ByteSource): Uint8Array {
  const entry = zip.entries.get(root + pickleName);
  if (!entry) return refuse(source, "it has no data.pkl.");
  if (entry.size > limits.pickleBytes) {
    throw new FacetError(
      "too-large",
      `"${source.name}": its data.pkl has ${entry.size} bytes, more than the ${limits.pickleBytes} allowed.`,
      { path: source.name, field: "data.pkl" },
    );
  }
  return source.read(zip.dataOffset(entry), entry.size);
}

function storageEntry(root: string, view: PickleTensor): string {
  return `${root}/data/${view.storage.key}`;
}

function checkView(
  view: PickleTensor,
  name: string,
  zip: Zip,
  root: string,
  source: ByteSource,
): void {
  const { storage, offset, shape, strides } = view;
  const entry = zip.entries.get(storageEntry(root, view));
  if (!entry)
    refuse(source, `the numbers of tensor "${name}" (data/${storage.key}) are missing.`, name);
  // Also says what is wrong with an archive that was packed again by another program, before a tensor is asked for.
  if (entry.packed !== undefined) zip.dataOffset(entry);
  if (entry.size !== storage.length * byteSize(storage.dtype)) {
    refuse(
      source,
      `the numbers of tensor "${name}" take ${entry.size} bytes, not those of ${storage.length} ${storage.dtype}.`,
      name,
    );
  }
  const count = elementCount(shape);
  // One that repeats its numbers (stride 0) could claim any size: nothing may be larger than what is stored.
  if (!(count <= storage.length) || offset + reach(shape, strides) > storage.length) {
    refuse(
      source,
      `tensor "${name}" of shape [${shape.join(", ")}], strides [${strides.join(", ")}] and offset ${offset} ` +
        `does not fit in the ${storage.length} numbers that are stored for it.`,
      name,
    );
  }
}

/** Elements from the first to behind the last that a view touches; 0 where it has none. */
function reach(shape: readonly number[], strides: readonly number[]): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((last, size, axis) => last + (size - 1) * (strides[axis] as number), 1);
}

function isContiguous({ shape, strides }: PickleTensor): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number;
    if (size !== 1 && strides[axis] !== step) return false;
    step *= size;
  }
  return true;
}

function readView(
  view: PickleTensor,
  zip: Zip,
  entryName: string,
  source: ByteSource,
): Float32Array {
  const { storage, offset, shape, strides } = view;
  const length = reach(shape, strides);
  if (length === 0) return new Float32Array(0);
  const entry = zip.entries.get(entryName);
  if (!entry) return refuse(source, `its entry "${entryName}" is missing.`);
  const size = byteSize(storage.dtype);
  const stored = toFloat32(
    source.read(zip.dataOffset(entry) + offset * size, length * size),
    storage.dtype,
  );
  return isContiguous(view) ? stored : gather(stored, shape, strides);
}

/** Row-major copy of a strided view whose first element is `stored[0]`. */
function gather(
  stored: Float32Array,
  shape: readonly number[],
  strides: readonly number[],
): Float32Array {
  const values = new Float32Array(elementCount(shape));
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < values.length; to++) {
    values[to] = stored[from] as number;
    // Count up the index like an odometer, last axis first.
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] as number) + 1;
      const stride = strides[axis] as number;
      if (next < (shape[axis] as number)) {
        index[axis] = next;
        from += stride;
        break;
      }
      index[axis] = 0;
      from -= (next - 1) * stride;
    }
  }
  return values;
}
