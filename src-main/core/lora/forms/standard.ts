/** The standard form: SVD of each product, the root of the singular value on both sides, signs by a reference. */
import { type Lora, type LoraModule, columns as columnsOf } from "../lora.ts";
import { KeptEnergy, truncateModule } from "../truncate.ts";

/**
 * LoRA Diffusion, section 3.2: the first R singular vectors of every product, each scaled by the root of its singular
 * value. A pair of vectors (u, v) is only defined up to its sign, which the paper leaves open: here it is the one
 * whose inner product with the reference's pair is positive, or, without a reference or where that is zero, the one
 * in which the largest entry of u is positive.
 */
export function standardise(
  lora: Lora,
  rank: number,
  reference?: Lora,
): { lora: Lora; kept: number } {
  const references = new Map(reference?.modules.map((module) => [module.path, module]));
  const kept = new KeptEnergy();
  const modules = lora.modules.map((module) => {
    const standard = truncateModule(module, rank, kept);
    orientModule(standard, references.get(module.path));
    return standard;
  });
  return { lora: { ...lora, modules }, kept: kept.share() };
}

/** Flips signs in place: the factors were made a moment ago and belong to nobody else yet. */
function orientModule(module: LoraModule, reference: LoraModule | undefined): void {
  const { up, down, rank, out } = module;
  const columns = columnsOf(module);
  const agreement = new Float64Array(rank);
  if (reference !== undefined) addAgreement(agreement, module, reference);
  const peaks = new Float64Array(rank);
  for (let i = 0; i < out; i++) {
    for (let j = 0; j < rank; j++) {
      const value = up[i * rank + j] as number;
      if (Math.abs(value) > Math.abs(peaks[j] as number)) peaks[j] = value;
    }
  }
  for (let j = 0; j < rank; j++) {
    if (((agreement[j] as number) || (peaks[j] as number)) >= 0) continue;
    for (let i = 0; i < out; i++) up[i * rank + j] = -(up[i * rank + j] as number);
    const row = down.subarray(j * columns, (j + 1) * columns);
    for (let i = 0; i < columns; i++) row[i] = -(row[i] as number);
  }
}

/** Inner product of each pair with the reference's pair of the same number. */
function addAgreement(agreement: Float64Array, module: LoraModule, reference: LoraModule): void {
  const columns = columnsOf(module);
  if (reference.out !== module.out || columnsOf(reference) !== columns) return;
  const shared = Math.min(module.rank, reference.rank);
  for (let i = 0; i < module.out; i++) {
    for (let j = 0; j < shared; j++) {
      const product =
        (module.up[i * module.rank + j] as number) *
        (reference.up[i * reference.rank + j] as number);
      agreement[j] = (agreement[j] as number) + product;
    }
  }
  for (let j = 0; j < shared; j++) {
    let sum = 0;
    for (let i = j * columns; i < (j + 1) * columns; i++) {
      sum += (module.down[i] as number) * (reference.down[i] as number);
    }
    agreement[j] = (agreement[j] as number) + sum;
  }
}
