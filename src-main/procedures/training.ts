/** Answers the training part of the contract. */
import type { Training } from "../training/training.ts";
import type { Answer } from "./errors.ts";

export function trainingProcedures(answer: Answer, training: Training) {
  const os = answer.training;
  return os.router({
    start: os.start.handler(({ input }) => ({ job: training.start(input) })),
    curve: os.curve.handler(({ input }) => training.curve(input.job)),
  });
}
