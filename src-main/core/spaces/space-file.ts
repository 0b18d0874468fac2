/** A space as a safetensors file: its record under `facet.space`, each component a tensor of its own. */
import { FacetError } from "../errors.ts";
import type { TensorFile } from "../formats/source.ts";
import type { PlannedTensor } from "../formats/safetensors/write.ts";
import { openDeltaSpace } from "./delta-space.ts";
import { openFactorSpace } from "./factor-space.ts";
import type { FittedSpace } from "./fit.ts";
import type { Products } from "../linalg/products.ts";
import type { LatentSpace, SpaceRecord } from "./space.ts";

const recordKey = "facet.space";

export function planSpace(space: FittedSpace): {
  tensors: PlannedTensor[];
  metadata: Record<string, string>;
} {
  const { record, components } = space;
  const vector = (name: string, values: Float32Array): PlannedTensor => ({
    name,
    dtype: "F32",
    shape: [values.length],
    values: () => values,
  });
  const tensors: PlannedTensor[] = Array.from({ length: components.count }, (_, row) => ({
    name: componentName(row),
    dtype: "F32",
    shape: [components.dimension],
    values: () => components.read(row),
  }));
  tensors.push({
    name: "coordinates",
    dtype: "F32",
    shape: [record.members.length, record.components],
    values: () => space.memberCoordinates,
  });
  if (space.mean !== null) tensors.push(vector("mean", space.mean));
  if (space.scale !== null) tensors.push(vector("scale", space.scale));
  if (space.reference !== null) tensors.push(vector("reference", space.reference));
  return { tensors, metadata: { [recordKey]: JSON.stringify(record) } };
}

function componentName(row: number): string {
  return `component.${String(row).padStart(5, "0")}`;
}

/** Component rows kept in memory at most; a space that needs more reads them again. */
const cacheBytes = 1024 * 1024 * 1024;

/**
 * @param parseRecord Checks the JSON under `facet.space`; the caller has the schema.
 * @throws FacetError `malformed` where the file is no space or its tensors do not fit its record.
 */
export function openSpaceFile(
  file: TensorFile,
  parseRecord: (json: unknown) => SpaceRecord,
  products: Products,
): LatentSpace {
  const text = file.metadata.get(recordKey);
  if (text === undefined) {
    throw new FacetError(
      "malformed",
      `${file.name} is not a Facet space: it has no ${recordKey} entry.`,
      {
        path: file.name,
        field: recordKey,
      },
    );
  }
  const record = parseRecord(JSON.parse(text));
  const expect = (name: string, length: number) => {
    const entry = file.tensors.get(name);
    const found = entry?.shape.reduce((product, size) => product * size, 1);
    if (found === length) return;
    throw new FacetError(
      "malformed",
      `${file.name}: tensor ${name} should hold ${String(length)} numbers and holds ${String(found ?? 0)}. Fit the space again.`,
      { path: file.name, field: name },
    );
  };
  const rows = record.form === "delta" ? record.components + 1 : record.components;
  for (let row = 0; row < rows; row++) expect(componentName(row), record.layout.dimension);
  expect("coordinates", record.members.length * record.components);
  const memberCoordinates = file.readFloat32("coordinates");
  const component = cached((row) => file.readFloat32(componentName(row)));
  if (record.form === "delta") {
    return openDeltaSpace(record, { component, memberCoordinates }, products);
  }
  expect("mean", record.layout.dimension);
  expect("reference", record.layout.dimension);
  if (record.standardised) expect("scale", record.layout.dimension);
  return openFactorSpace(record, {
    mean: file.readFloat32("mean"),
    scale: record.standardised ? file.readFloat32("scale") : null,
    reference: file.readFloat32("reference"),
    component,
    memberCoordinates,
  });
}

function cached(read: (row: number) => Float32Array): (row: number) => Float32Array {
  const rows = new Map<number, Float32Array>();
  let bytes = 0;
  return (row) => {
    const known = rows.get(row);
    if (known !== undefined) return known;
    const values = read(row);
    if (bytes + values.byteLength <= cacheBytes) {
      rows.set(row, values);
      bytes += values.byteLength;
    }
    return values;
  };
}
