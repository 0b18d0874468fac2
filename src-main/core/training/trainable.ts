/** Everything that can be trained: a closed list, each with its own description. */
import type { TrainingPlan } from "./plan.ts";
import { type SelfTest, selfTestPlan } from "./self-test.ts";

export type Trainable = SelfTest;

export function planOf(trainable: Trainable): TrainingPlan {
  switch (trainable.kind) {
    case "self-test":
      return selfTestPlan(trainable);
  }
}
