/** Plans and curves: functions of seed and step alone, and of what was added alone. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LossCurve } from "../../../../src-main/core/training/curve.ts";
import type { SelfTest } from "../../../../src-main/core/training/self-test.ts";
import { planOf } from "../../../../src-main/core/training/trainable.ts";
import { verifyGraph } from "../../../../src-main/core/graph/verify.ts";

const selfTest: SelfTest = { kind: "self-test", width: 8, batch: 4, rate: 0.01 };

function batch(seed: number, step: number, more: Partial<SelfTest> = {}) {
  const plan = planOf({ ...selfTest, ...more });
  const into = new Map(
    plan.data.map(({ name, shape }) => [
      name,
      new Float32Array(shape.reduce((product, size) => product * size, 1)),
    ]),
  );
  plan.fill(seed, step, into);
  return { points: [...(into.get("points") ?? [])], wanted: [...(into.get("wanted") ?? [])] };
}

describe("the self-test's plan", () => {
  it("is a legal step with a state that begins as the seed says", () => {
    const plan = planOf(selfTest);
    verifyGraph(plan.graph);
    const [one, same, other] = [plan.initial(1), plan.initial(1), plan.initial(2)];
    expect([...one.keys()]).toEqual(
      plan.state.filter(({ initial }) => initial === "given").map(({ name }) => name),
    );
    expect(one).toEqual(same);
    expect(one).not.toEqual(other);
  });

  it("draws each step's data from seed and step alone", () => {
    expect(batch(7, 1000)).toEqual(batch(7, 1000));
    expect(batch(7, 1000)).not.toEqual(batch(7, 1001));
    expect(batch(7, 1000)).not.toEqual(batch(8, 1000));
    expect(batch(7, 3, { spoilAt: 3 }).wanted[0]).toBeNaN();
    expect(batch(7, 4, { spoilAt: 3 })).toEqual(batch(7, 4));
  });
});

describe("a curve", () => {
  const add = (curve: LossCurve, from: number, to: number) => {
    for (let step = from; step <= to; step++) {
      curve.add({ step, loss: 1 / step, gradientNorm: Math.sqrt(step), rate: step / 10 });
    }
    return curve;
  };

  it("is the same however often it was interrupted and carried on as JSON", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 0, max: 3000 }),
        (steps, cut) => {
          const whole = add(new LossCurve(), 1, steps);
          const first = add(new LossCurve(), 1, Math.min(cut, steps));
          const carried = JSON.parse(JSON.stringify(first.state)) as LossCurve["state"];
          const second = add(new LossCurve(carried), Math.min(cut, steps) + 1, steps);
          expect(second.state).toEqual(whole.state);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("stays short and keeps the mean of what it stands for", () => {
    const { points, every, open } = add(new LossCurve(), 1, 10_000).state;
    expect(points.length).toBeGreaterThan(200);
    expect(points.length).toBeLessThan(512);
    const total = points.reduce((sum, { loss }) => sum + loss * every, open.loss);
    const harmonic = Array.from({ length: 10_000 }, (_, index) => 1 / (index + 1));
    expect(total).toBeCloseTo(
      harmonic.reduce((sum, value) => sum + value, 0),
      9,
    );
    expect(points[0]?.step).toBe(every);
    expect(points.at(-1)?.rate).toBe((points.at(-1)?.step ?? 0) / 10);
  });
});
