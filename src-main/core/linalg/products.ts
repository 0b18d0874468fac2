/** Large matrix products: core says what it multiplies, the engine multiplies. */

export type Numbers = Float32Array | Float64Array;

export interface Product<T extends Numbers = Float32Array> {
  readonly left: T;
  readonly right: T;
  /** Rows of the result, columns of the result, length of the sum. */
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
  /** `left` is stored `[inner, rows]` instead of `[rows, inner]`. */
  readonly transposeLeft?: boolean;
  /** `right` is stored `[columns, inner]` instead of `[inner, columns]`. */
  readonly transposeRight?: boolean;
  /** Is added to the product; the size of the result. */
  readonly plus?: T;
  /** Takes the result, instead of a new array; none of the operands. */
  readonly into?: T;
}

/** Products in the precision of their factors, with a fixed order of summation: the same bytes each time on one machine. */
export interface Products {
  /** `[rows, columns]`, row-major. */
  multiply<T extends Numbers>(product: Product<T>): Promise<T>;
}

/** A result of the same precision as a factor. */
export function zerosLike<T extends Numbers>(factor: T, length: number): T {
  // The compiler does not follow that each branch is T.
  return (
    factor instanceof Float32Array ? new Float32Array(length) : new Float64Array(length)
  ) as T;
}

/** Plain loops with float64 sums: the reference for tests, and enough for small work without an engine. */
export const plainProducts: Products = {
  multiply(product) {
    const { left, right, rows, columns, inner, plus } = product;
    const result = product.into ?? zerosLike(left, rows * columns);
    const [leftRow, leftStep] = product.transposeLeft === true ? [1, rows] : [inner, 1];
    const [rightStep, rightColumn] = product.transposeRight === true ? [1, inner] : [columns, 1];
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = plus?.[i * columns + j] ?? 0;
        for (let k = 0; k < inner; k++) {
          sum +=
            (left[i * leftRow + k * leftStep] as number) *
            (right[k * rightStep + j * rightColumn] as number);
        }
        result[i * columns + j] = sum;
      }
    }
    return Promise.resolve(result);
  },
};
