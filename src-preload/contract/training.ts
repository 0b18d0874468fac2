/** Trainings: started as jobs that survive what happens to the engine, and their curves. */
import { oc } from "@orpc/contract";
import { z } from "zod";
import { JobId } from "./common.ts";
import { ProviderName } from "./system.ts";

/** Everything that can be trained. */
export const Trainable = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("self-test"),
    /** Of the hidden layers. */
    width: z
      .int()
      .min(1)
      .max(2 ** 24)
      .default(64),
    batch: z
      .int()
      .min(1)
      .max(2 ** 20)
      .default(64),
    rate: z.number().positive().default(0.003),
    /** A step whose data are spoilt on purpose. */
    spoilAt: z.int().min(1).optional(),
  }),
]);
export type Trainable = z.infer<typeof Trainable>;

export const CurvePoint = z.object({
  step: z.int(),
  /** Means over the steps since the point before. */
  loss: z.number(),
  gradientNorm: z.number().nullable(),
  rate: z.number(),
});
export type CurvePoint = z.infer<typeof CurvePoint>;

export const TrainRequest = z.object({
  trainable: Trainable,
  steps: z.int().min(1).max(10_000_000),
  seed: z.int().min(0).default(0),
  /** The longest time whose work a crash can cost. */
  checkpointSeconds: z.number().min(0).default(60),
  /** Left out: the first of this platform's that works. */
  provider: ProviderName.optional(),
  /** Whether another may take over where the one that was named fails; the result says so. */
  fallback: z.boolean().default(false),
});
export type TrainRequest = z.input<typeof TrainRequest>;

/** Providers that were asked for and did not run. */
export const PassedOver = z.array(z.object({ provider: ProviderName, reason: z.string() }));

/** The result of a train job; of a cancelled one, as far as it came. */
export const TrainResult = z.object({
  steps: z.int(),
  /** At the last step; null where none was made. */
  loss: z.number().nullable(),
  provider: ProviderName,
  passedOver: PassedOver,
  /** SHA-256 of the last checkpoint: equal for equal trainings on equal machines. Null where there is none. */
  fingerprint: z.string().nullable(),
  /** Where the engine ended and the training went on from a checkpoint. */
  restarts: z.array(
    z.object({
      /** The step of the checkpoint. */
      from: z.int(),
      /** Steps that had to be made again. */
      lost: z.int(),
      reason: z.string(),
    }),
  ),
  /** Why the result may differ in its last bits from an uninterrupted run; empty where it cannot. */
  inexact: z.array(z.string()),
  curve: z.array(CurvePoint),
});
export type TrainResult = z.infer<typeof TrainResult>;

export const training = {
  start: oc.input(TrainRequest).output(z.object({ job: JobId })),
  /** The course of a training as of its last checkpoint, whatever became of the job. */
  curve: oc.input(z.object({ job: JobId })).output(z.array(CurvePoint)),
};
