/** Matrix products as spaces need them: core says what it multiplies, the engine multiplies. */

export interface Product {
  readonly left: Float32Array;
  readonly right: Float32Array;
  /** Rows of the result, columns of the result, length of the sum. */
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
  /** `left` is stored `[inner, rows]` instead of `[rows, inner]`. */
  readonly transposeLeft?: boolean;
  /** `right` is stored `[columns, inner]` instead of `[inner, columns]`. */
  readonly transposeRight?: boolean;
}

/** Float32 products with a fixed order of summation: the same bytes each time on one machine. */
export interface Products {
  /** `[rows, columns]`, row-major. */
  multiply(product: Product): Promise<Float32Array>;
}

/** Plain loops with float64 sums: the reference for tests, and enough for small work without an engine. */
export const plainProducts: Products = {
  multiply(product) {
    const { left, right, rows, columns, inner } = product;
    const result = new Float32Array(rows * columns);
    const [leftRow, leftStep] = product.transposeLeft === true ? [1, rows] : [inner, 1];
    const [rightStep, rightColumn] = product.transposeRight === true ? [1, inner] : [columns, 1];
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
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
