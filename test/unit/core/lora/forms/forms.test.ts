import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alignTo, balance } from "../../../../../src-main/core/lora/forms/aligned.ts";
import { deltaInner, deltaNorm } from "../../../../../src-main/core/lora/forms/delta.ts";
import { standardise } from "../../../../../src-main/core/lora/forms/standard.ts";
import { type Lora, columns } from "../../../../../src-main/core/lora/lora.ts";
import { seededRandom } from "../../../../../src-main/core/tensor/random.ts";
import {
  changeBasis,
  factorDistance,
  frobenius,
  innerProduct,
  matrixOf,
  plainSingularValues,
  productDistance,
  productOf,
  randomLora,
  times,
  turned,
} from "../../../../support/dense.ts";

const rank = fc.integer({ min: 1, max: 6 });
const seed = fc.nat();
const runs = { numRuns: 30 };

describe("every form", () => {
  it("leaves the products as they are, in whatever basis the factors came", () => {
    fc.assert(
      fc.property(rank, seed, (size, at) => {
        const lora = randomLora(at, size);
        const other = changeBasis(lora, at + 1);
        const reference = balance(randomLora(at + 2, size), size).lora;
        for (const form of [
          standardise(other, size).lora,
          standardise(other, size, reference).lora,
          balance(other, size).lora,
          alignTo(reference, balance(other, size).lora),
        ]) {
          expect(productDistance(form, lora)).toBeLessThan(1e-5);
        }
      }),
      runs,
    );
  });

  it("is one and the same for two factorisations of the same products", () => {
    fc.assert(
      fc.property(rank, seed, (size, at) => {
        const lora = randomLora(at, size);
        const other = changeBasis(lora, at + 1);
        const reference = balance(randomLora(at + 2, size), size).lora;
        const aligned = (given: Lora) => alignTo(reference, balance(given, size).lora);
        expect(factorDistance(aligned(other), aligned(lora))).toBeLessThan(1e-3);
        const self = balance(lora, size).lora;
        expect(factorDistance(alignTo(self, balance(other, size).lora), self)).toBeLessThan(1e-4);
        expect(deltaInner(other, lora) / deltaInner(lora, lora)).toBeCloseTo(1, 5);
      }),
      runs,
    );
  });

  it("is padded to a common rank and says what share a lower rank keeps", () => {
    const lora = randomLora(3, 4);
    let [whole, left] = [0, 0];
    for (const module of lora.modules) {
      const squares = plainSingularValues(productOf(module)).map((s) => s * s);
      whole += squares.reduce((sum, s) => sum + s, 0);
      left += squares.slice(0, 2).reduce((sum, s) => sum + s, 0);
    }
    for (const form of [standardise, balance]) {
      const wide = form(lora, 7);
      expect(wide.kept).toBeCloseTo(1, 10);
      expect(wide.lora.modules.map((module) => module.up.length / module.out)).toEqual(
        lora.modules.map(() => 7),
      );
      expect(productDistance(wide.lora, lora)).toBeLessThan(1e-6);
      expect(form(lora, 2).kept).toBeCloseTo(left / whole, 8);
    }
  });
});

describe("the standard form", () => {
  it("has orthogonal columns and rows whose lengths are the roots of the singular values", () => {
    const lora = randomLora(8, 4);
    for (const module of standardise(lora, 4).lora.modules) {
      const spectrum = plainSingularValues(
        productOf(lora.modules.find(({ path }) => path === module.path) ?? module),
      );
      const up = matrixOf(module.up, module.out, 4);
      const down = matrixOf(module.down, 4, columns(module));
      for (const gram of [times(turned(up), up), times(down, turned(down))]) {
        gram.forEach((row, i) =>
          row.forEach((x, j) => {
            const wanted = i === j ? (spectrum[i] ?? 0) : 0;
            expect(Math.abs(x - wanted)).toBeLessThan(1e-5 * (spectrum[0] ?? 0));
          }),
        );
      }
    }
  });

  it("is invariant under a change of basis, signs included", () => {
    fc.assert(
      fc.property(seed, (at) => {
        // Well separated singular values: where two are equal, their vectors are not defined.
        const lora = separated(at);
        const reference = standardise(separated(at + 2), 3).lora;
        for (const by of [undefined, reference]) {
          const [a, b] = [
            standardise(lora, 3, by).lora,
            standardise(changeBasis(lora, at + 1), 3, by).lora,
          ];
          expect(factorDistance(b, a)).toBeLessThan(1e-3);
        }
      }),
      runs,
    );
  });

  it("takes its signs from the reference, or makes the largest entry of up positive", () => {
    const lora = separated(5);
    const plain = standardise(lora, 3).lora;
    for (const { up, out } of plain.modules) {
      for (const column of turned(matrixOf(up, out, 3))) {
        const peak = column.reduce((best, x) => (Math.abs(x) > Math.abs(best) ? x : best), 0);
        expect(peak).toBeGreaterThan(0);
      }
    }
    // A reference with components 0 and 2 turned round turns them round here, too.
    const turnedRound = plain.modules.map((module) => {
      const width = columns(module);
      return {
        ...module,
        up: module.up.map((x, at) => (at % 3 === 1 ? x : -x)),
        down: module.down.map((x, at) => (Math.floor(at / width) === 1 ? x : -x)),
      };
    });
    const reference = { ...plain, modules: turnedRound };
    expect(factorDistance(standardise(lora, 3, reference).lora, reference)).toBeLessThan(1e-6);
    // One without the module, or with zeros in it, says nothing.
    const empty = {
      ...plain,
      modules: plain.modules
        .slice(1)
        .map((m) => ({ ...m, up: m.up.map(() => 0), down: m.down.map(() => 0) })),
    };
    expect(factorDistance(standardise(lora, 3, empty).lora, plain)).toBe(0);
  });
});

/** Orthogonal factors would do; columns that fall by 10 are near enough. */
function separated(at: number): Lora {
  return randomLora(at, 3, 0.1);
}

describe("the aligned form", () => {
  it("is nearer to the reference than any other rotation tried", () => {
    const reference = balance(randomLora(1, 4), 4).lora;
    const lora = balance(randomLora(2, 4), 4).lora;
    const aligned = alignTo(reference, lora);
    const random = seededRandom(7);
    const distanceTo = (a: Lora) =>
      a.modules.reduce((sum, module, index) => {
        const other = reference.modules[index];
        const part = (x: Float32Array, y: Float32Array) =>
          x.reduce((total, value, i) => total + (value - (y[i] ?? 0)) ** 2, 0);
        return other === undefined
          ? sum
          : sum + part(module.up, other.up) + part(module.down, other.down);
      }, 0);
    const best = distanceTo(aligned);
    expect(best).toBeLessThan(distanceTo(lora));
    for (let attempt = 0; attempt < 50; attempt++) {
      const modules = aligned.modules.map((module) => {
        const angle = random.normal() * 0.2;
        return rotated(module, attempt % 3, 3, angle);
      });
      expect(distanceTo({ ...aligned, modules })).toBeGreaterThan(best);
    }
  });

  it("keeps balance and rank-deficient modules", () => {
    const reference = balance(randomLora(1, 5), 5).lora;
    const aligned = alignTo(reference, balance(randomLora(2, 2), 5).lora);
    for (const { up, down, out, ...shape } of aligned.modules) {
      const [a, b] = [matrixOf(up, out, 5), matrixOf(down, 5, columns({ ...shape, out }))];
      const [ups, downs] = [times(turned(a), a), times(b, turned(b))];
      expect(
        frobenius(ups.map((row, i) => row.map((x, j) => x - (downs[i]?.[j] ?? 0)))),
      ).toBeLessThan(1e-5 * frobenius(ups));
    }
    expect(productDistance(aligned, randomLora(2, 2))).toBeLessThan(1e-5);
  });

  it("leaves modules that the reference lacks or has as zero, and names a rank that differs", () => {
    const lora = balance(randomLora(2, 3), 3).lora;
    const reference = balance(randomLora(1, 3), 3).lora;
    const [first, ...rest] = reference.modules.map((m) => ({
      ...m,
      up: m.up.map(() => 0),
      down: m.down.map(() => 0),
    }));
    expect(factorDistance(alignTo({ ...reference, modules: rest }, lora), lora)).toBe(0);
    expect(() => alignTo(balance(randomLora(1, 2), 2).lora, lora)).toThrow(first?.path);
  });
});

/** The rank's indices p and q turned into each other: another balanced factorisation of the same product. */
function rotated(module: Lora["modules"][number], p: number, q: number, angle: number) {
  const { rank: size, out, up, down } = module;
  const width = columns(module);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const [newUp, newDown] = [up.slice(), down.slice()];
  for (let i = 0; i < out; i++) {
    const [x, y] = [up[i * size + p] ?? 0, up[i * size + q] ?? 0];
    newUp[i * size + p] = c * x - s * y;
    newUp[i * size + q] = s * x + c * y;
  }
  for (let j = 0; j < width; j++) {
    const [x, y] = [down[p * width + j] ?? 0, down[q * width + j] ?? 0];
    newDown[p * width + j] = c * x - s * y;
    newDown[q * width + j] = s * x + c * y;
  }
  return { ...module, up: newUp, down: newDown };
}

describe("the delta form", () => {
  it("is the inner product of the dense products, whatever the ranks", () => {
    fc.assert(
      fc.property(rank, rank, seed, (left, right, at) => {
        const [a, b] = [randomLora(at, left), randomLora(at + 1, right)];
        const wanted = a.modules.reduce((sum, module, index) => {
          const other = b.modules[index];
          return other === undefined
            ? sum
            : sum + innerProduct(productOf(module), productOf(other));
        }, 0);
        const scale = deltaNorm(a) * deltaNorm(b);
        expect(Math.abs(deltaInner(a, b) - wanted) / scale).toBeLessThan(1e-12);
        expect(deltaInner(b, a) / scale).toBeCloseTo(wanted / scale, 12);
        expect(deltaNorm(a) ** 2 / deltaInner(a, a)).toBeCloseTo(1, 12);
      }),
      runs,
    );
  });

  it("counts missing modules as zero and names one whose shape differs", () => {
    const [a, b] = [randomLora(1, 2), randomLora(2, 3)];
    const [first] = a.modules;
    const without = { ...b, modules: b.modules.slice(1) };
    const part = { ...a, modules: a.modules.slice(1) };
    expect(deltaInner(a, without)).toBeCloseTo(deltaInner(part, b), 10);
    const wrong = {
      ...b,
      modules: [...b.modules.map((m, i) => (i === 0 ? { ...m, out: 23 } : m))],
    };
    expect(() => deltaInner(a, wrong)).toThrow(first?.path);
  });
});
