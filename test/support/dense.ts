/** Plain dense algebra in float64, written for reading: what the fast kernels are compared with. */
import { modulesOf } from "../../src-main/core/lora/architecture/index.ts";
import { type Lora, type LoraModule, columns } from "../../src-main/core/lora/lora.ts";
import { type Random, seededRandom } from "../../src-main/core/tensor/random.ts";

export type Matrix = readonly (readonly number[])[];

export function matrixOf(values: ArrayLike<number>, rows: number, width: number): number[][] {
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: width }, (__, j) => values[i * width + j] ?? Number.NaN),
  );
}

export function times(a: Matrix, b: Matrix): number[][] {
  return a.map((row) =>
    (b[0] ?? []).map((_, j) => row.reduce((sum, x, k) => sum + x * (b[k]?.[j] ?? 0), 0)),
  );
}

export function turned(a: Matrix): number[][] {
  return (a[0] ?? []).map((_, j) => a.map((row) => row[j] ?? 0));
}

export function minus(a: Matrix, b: Matrix): number[][] {
  return a.map((row, i) => row.map((x, j) => x - (b[i]?.[j] ?? 0)));
}

export function plus(a: Matrix, b: Matrix, weight = 1): number[][] {
  return a.map((row, i) => row.map((x, j) => x + weight * (b[i]?.[j] ?? 0)));
}

export function frobenius(a: Matrix): number {
  return Math.sqrt(a.flat().reduce((sum, x) => sum + x * x, 0));
}

export function innerProduct(a: Matrix, b: Matrix): number {
  return a.reduce(
    (sum, row, i) => sum + row.reduce((part, x, j) => part + x * (b[i]?.[j] ?? 0), 0),
    0,
  );
}

/** `|a - b| / |b|`. */
export function distance(a: Matrix, b: Matrix): number {
  const length = frobenius(b);
  return frobenius(minus(a, b)) / (length === 0 ? 1 : length);
}

/** Largest deviation of `aᵀ a` from the identity. */
export function skewness(a: Matrix): number {
  const gram = times(turned(a), a);
  return Math.max(
    0,
    ...gram.flatMap((row, i) => row.map((x, j) => Math.abs(x - (i === j ? 1 : 0)))),
  );
}

/** Gauss-Jordan with row pivoting. */
function inverse(a: Matrix): number[][] {
  const n = a.length;
  const work = a.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let k = 0; k < n; k++) {
    const size = (i: number) => Math.abs(work[i]?.[k] ?? 0);
    let pivot = k;
    for (let i = k; i < n; i++) if (size(i) > size(pivot)) pivot = i;
    const [upper, lower] = [work[k] ?? [], work[pivot] ?? []];
    work[pivot] = upper;
    const head = lower[k] ?? 1;
    const row = lower.map((x) => x / head);
    work[k] = row;
    work.forEach((other, i) => {
      if (i === k) return;
      const scale = other[k] ?? 0;
      work[i] = other.map((x, j) => x - scale * (row[j] ?? 0));
    });
  }
  return work.map((row) => row.slice(n));
}

/** Singular values by Jacobi's classical two-sided method on `aᵀ a`: slow, and good to 1e-8 of the largest. */
export function plainSingularValues(a: Matrix): number[] {
  const gram = a.length < (a[0]?.length ?? 0) ? times(a, turned(a)) : times(turned(a), a);
  const n = gram.length;
  for (let sweep = 0; sweep < 30; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const off = gram[p]?.[q] ?? 0;
        if (off === 0) continue;
        const angle = Math.atan2(2 * off, (gram[q]?.[q] ?? 0) - (gram[p]?.[p] ?? 0)) / 2;
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        const turn = (rows: number[][]) => {
          const [x, y] = [rows[p] ?? [], rows[q] ?? []];
          rows[p] = x.map((value, k) => c * value - s * (y[k] ?? 0));
          rows[q] = x.map((value, k) => s * value + c * (y[k] ?? 0));
        };
        turn(gram);
        const columnsFirst = turned(gram);
        turn(columnsFirst);
        turned(columnsFirst).forEach((row, i) => (gram[i] = row));
      }
    }
  }
  return gram.map((row, i) => Math.sqrt(Math.max(0, row[i] ?? 0))).toSorted((x, y) => y - x);
}

export function normals(random: Random, count: number, scale = 1): Float32Array {
  return Float32Array.from({ length: count }, () => scale * random.normal());
}

/** The delta of a module. */
export function productOf({ up, down, out, rank, ...shape }: LoraModule): number[][] {
  return times(matrixOf(up, out, rank), matrixOf(down, rank, columns({ ...shape, out })));
}

/** Five small modules of the text encoder's and UNet's paths; sizes are made up, one has a 3 x 3 kernel. */
const shapes = [
  { out: 24, in: 20, kernel: [1, 1], conv: false },
  { out: 16, in: 28, kernel: [1, 1], conv: false },
  { out: 12, in: 4, kernel: [3, 3], conv: true },
  { out: 30, in: 9, kernel: [1, 1], conv: true },
  { out: 17, in: 17, kernel: [1, 1], conv: false },
] as const;

/** Random factors whose singular values fall by the given ratio; modules follow the architecture's order. */
export function randomLora(seed: number, rank: number, decay = 0.6): Lora {
  const random = seededRandom(seed);
  const paths = modulesOf("sd15");
  const modules = shapes.map((shape, index): LoraModule => {
    const path = paths[7 * index]?.path ?? "";
    const width = columns({ ...shape, path });
    const up = normals(random, shape.out * rank).map((value, at) => value * decay ** (at % rank));
    return { ...shape, path, rank, up, down: normals(random, rank * width) };
  });
  return { family: "sd15", modules, embeddings: [] };
}

/** Another factorisation of the same products: `B M` and `M⁻¹ A` with a random M of moderate condition. */
export function changeBasis(lora: Lora, seed: number): Lora {
  const random = seededRandom(seed);
  const modules = lora.modules.map((module): LoraModule => {
    const { rank, out, up, down } = module;
    const basis = matrixOf(normals(random, rank * rank, 0.3), rank, rank).map((row, i) =>
      row.map((x, j) => x + (i === j ? 1.5 : 0)),
    );
    const width = columns(module);
    return {
      ...module,
      up: Float32Array.from(times(matrixOf(up, out, rank), basis).flat()),
      down: Float32Array.from(times(inverse(basis), matrixOf(down, rank, width)).flat()),
    };
  });
  return { ...lora, modules };
}

/** Largest relative distance between the products of two LoRAs, module by module. */
export function productDistance(a: Lora, b: Lora): number {
  return Math.max(
    ...a.modules.map((module, index) => {
      const other = b.modules[index];
      if (other?.path !== module.path) return Number.POSITIVE_INFINITY;
      return distance(productOf(module), productOf(other));
    }),
  );
}

/** Largest relative distance between the factors themselves. */
export function factorDistance(a: Lora, b: Lora): number {
  return Math.max(
    ...a.modules.map((module, index) => {
      const other = b.modules[index];
      if (other === undefined) return Number.POSITIVE_INFINITY;
      const ups = distance([[...module.up]], [[...other.up]]);
      return Math.max(ups, distance([[...module.down]], [[...other.down]]));
    }),
  );
}
