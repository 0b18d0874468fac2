/** What the conventions have to say of a plan. */
import type { Plan, PlanStep } from "./plan.ts";

export type Spaced = Pick<Plan, "steps" | "space" | "initialScale">;

/** Of sigmas (one more than steps) and a time for each step. */
export function spaced(
  sigmas: readonly number[],
  timeOf: (sigma: number, place: number) => number,
): readonly PlanStep[] {
  return sigmas
    .slice(0, -1)
    .map((sigma, place) => ({ sigma, next: sigmas[place + 1] ?? 0, time: timeOf(sigma, place) }));
}
