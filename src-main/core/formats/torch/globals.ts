/**
 * The Python globals that a torch pickle may name, and what calling them means here. Anything else refuses the file.
 *
 * In Python a pickle calls whatever it names; here a call is a case below that builds a description.
 * The list is the part of torch's own weights_only list that state dicts need (torch/_weights_only_unpickler.py).
 */
import { FacetError } from "../../errors.ts";
import type { DType } from "../../tensor/dtype.ts";
import { torchLimits as limits } from "../limits.ts";
import type { PickleStorage, PickleTensor, PickleValue } from "./values.ts";

const storageTypes: ReadonlyMap<string, DType> = new Map([
  ["torch.DoubleStorage", "F64"],
  ["torch.FloatStorage", "F32"],
  ["torch.HalfStorage", "F16"],
  ["torch.BFloat16Storage", "BF16"],
  ["torch.LongStorage", "I64"],
  ["torch.IntStorage", "I32"],
  ["torch.ShortStorage", "I16"],
  ["torch.CharStorage", "I8"],
  ["torch.ByteStorage", "U8"],
  ["torch.BoolStorage", "BOOL"],
]);

const callable: ReadonlySet<string> = new Set([
  "torch._utils._rebuild_tensor_v2",
  "torch._utils._rebuild_parameter",
  "collections.OrderedDict",
  "torch.Size",
  "torch.device",
  "_codecs.encode",
]);

const scalarTypes: ReadonlySet<string> = new Set(
  (
    "float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool " +
    "float double half long int short complex64 complex128"
  )
    .split(" ")
    .map((name) => `torch.${name}`),
);

/** Throws `unsafe-pickle` by name. */
export function checkGlobal(name: string, file: string): void {
  if (callable.has(name) || storageTypes.has(name) || scalarTypes.has(name)) return;
  throw new FacetError(
    "unsafe-pickle",
    `"${file}" asks Python for "${name}", which plain weights do not need and which can run any program on the ` +
      "machine that opens it. Facet runs nothing and refused the file. If you trust where it comes from, save only " +
      "its weights as safetensors with the tool that made it.",
    { path: file, field: name },
  );
}

function refuse(file: string, message: string, field?: string): never {
  throw new FacetError("malformed", `"${file}": ${message}`, { path: file, field });
}

/** What REDUCE and NEWOBJ make of a global from the list and its arguments. */
export function call(name: string, parameters: readonly PickleValue[], file: string): PickleValue {
  switch (name) {
    case "torch._utils._rebuild_tensor_v2":
      return rebuildTensor(parameters, file);
    case "torch._utils._rebuild_parameter": {
      const [data] = parameters;
      if (!isKind(data, "tensor"))
        refuse(file, "a parameter is made of something that is no tensor.");
      return data;
    }
    case "collections.OrderedDict": {
      // With arguments (a list of pairs) only very old Python wrote it.
      if (parameters.length > 0) refuse(file, "an OrderedDict is made with arguments.");
      return { kind: "dictionary", pairs: [] };
    }
    case "torch.Size": {
      const [sizes] = parameters;
      if (!isKind(sizes, "tuple") && !isKind(sizes, "list"))
        refuse(file, "a torch.Size is made of no sequence.");
      return { kind: "tuple", items: sizes.items };
    }
    case "torch.device":
    case "_codecs.encode":
      return { kind: "opaque" };
    default:
      return refuse(file, `its pickle calls "${name}", which is not to be called.`, name);
  }
}

/** What BINPERSID makes of ("storage", type, key, device, length). */
export function persistentStorage(id: PickleValue, file: string): PickleStorage {
  const [kind, type, key, , length] = isKind(id, "tuple") ? id.items : [];
  const dtype = isKind(type, "global") ? storageTypes.get(type.name) : undefined;
  if (kind !== "storage" || typeof key !== "string" || !isSize(length)) {
    refuse(file, "a reference to stored numbers is not as torch writes it.");
  }
  if (!dtype)
    refuse(
      file,
      `the numbers stored under "${key.slice(0, 100)}" have an unknown type.`,
      key.slice(0, 100),
    );
  return { kind: "storage", dtype, key, length };
}

function rebuildTensor(parameters: readonly PickleValue[], file: string): PickleTensor {
  const [storage, offset, size, stride] = parameters;
  const shape = isKind(size, "tuple") ? size.items.filter(isSize) : undefined;
  const strides = isKind(stride, "tuple") ? stride.items.filter(isSize) : undefined;
  if (
    !isKind(storage, "storage") ||
    !isSize(offset) ||
    !isKind(size, "tuple") ||
    !isKind(stride, "tuple") ||
    shape?.length !== size.items.length ||
    strides?.length !== stride.items.length ||
    shape.length !== strides.length ||
    shape.length > limits.dimensions
  ) {
    refuse(file, "a tensor's storage, offset, sizes or strides are not as torch writes them.");
  }
  return { kind: "tensor", storage, offset, shape, strides };
}

type Tagged = Extract<PickleValue, { readonly kind: string }>;

export function isKind<Kind extends Tagged["kind"]>(
  value: PickleValue | undefined,
  kind: Kind,
): value is Extract<Tagged, { readonly kind: Kind }> {
  return typeof value === "object" && value !== null && value.kind === kind;
}

function isSize(value: PickleValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
