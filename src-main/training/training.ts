/** Trainings as the studio offers them: started as jobs, their curves, and the folders of their checkpoints. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { type CurvePoint, TrainRequest, TrainResult } from "../../src-preload/contract/training.ts";
import type { Jobs } from "../jobs/jobs.ts";
import { train, TrainState, type TrainingEngine } from "./train-job.ts";

export interface TrainingParts {
  readonly jobs: Jobs;
  readonly engine: TrainingEngine;
  /** One folder a training lies in here. */
  readonly folder: string;
}

export class Training {
  readonly #jobs: Jobs;
  readonly #folder: string;

  constructor({ jobs, engine, folder }: TrainingParts) {
    this.#jobs = jobs;
    this.#folder = folder;
    this.#sweep();
    jobs.define("train", {
      data: TrainRequest,
      result: TrainResult,
      run: (context, request) =>
        train(context, request, engine, join(folder, context.id, "checkpoint.safetensors")),
    });
  }

  /** @returns The job's id. */
  start(request: z.output<typeof TrainRequest>): string {
    return this.#jobs.start("train", `Train: ${request.trainable.kind}`, request);
  }

  /** As of the last checkpoint; empty before the first. */
  curve(job: string): CurvePoint[] {
    const { kind } = this.#jobs.get(job);
    if (kind !== "train") return [];
    const state = TrainState.safeParse(this.#jobs.checkpointOf(job));
    return state.success ? state.data.curve : [];
  }

  /** Removes what trainings left that nobody can resume any more. */
  #sweep(): void {
    // The folders first: a job that another process starts meanwhile has its row before its folder.
    const found = names(this.#folder);
    const alive = new Set(
      this.#jobs
        .list()
        .filter(({ kind, state }) => kind === "train" && state !== "done" && state !== "cancelled")
        .map(({ id }) => id),
    );
    for (const name of found) {
      if (!alive.has(name)) rmSync(join(this.#folder, name), { recursive: true, force: true });
    }
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
