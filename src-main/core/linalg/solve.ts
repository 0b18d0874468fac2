/** Solves a small symmetric positive definite system by Cholesky, in float64. */

/** A ridge relative to the mean diagonal: components that nearly repeat each other share the weight. */
const ridge = 1e-9;

/** `matrix · x = right`; `matrix` is `[size, size]`, row-major, and only its lower triangle is read. */
export function solvePositive(
  matrix: Float64Array,
  right: Float64Array,
  size: number,
): Float64Array {
  let diagonal = 0;
  for (let i = 0; i < size; i++) diagonal += (matrix[i * size + i] as number) / size;
  const factor = new Float64Array(size * size);
  const solution = Float64Array.from(right);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j] as number;
      if (i === j) sum += ridge * diagonal;
      for (let k = 0; k < j; k++) {
        sum -= (factor[i * size + k] as number) * (factor[j * size + k] as number);
      }
      factor[i * size + j] =
        i === j
          ? Math.sqrt(Math.max(sum, ridge * diagonal))
          : sum / (factor[j * size + j] as number);
    }
    let value = solution[i] as number;
    for (let k = 0; k < i; k++) value -= (factor[i * size + k] as number) * (solution[k] as number);
    solution[i] = value / (factor[i * size + i] as number);
  }
  for (let i = size - 1; i >= 0; i--) {
    let value = solution[i] as number;
    for (let k = i + 1; k < size; k++) {
      value -= (factor[k * size + i] as number) * (solution[k] as number);
    }
    solution[i] = value / (factor[i * size + i] as number);
  }
  return solution;
}
