/** Jobs as rows: what survives the process that ran them. */
import { z } from "zod";
import { Failure } from "../../src-preload/contract/common.ts";
import { type Job, JobKind, JobState } from "../../src-preload/contract/jobs.ts";
import type { Database } from "../library/database.ts";
import { isElsewhere, thisProcess } from "./owner.ts";

/** Finished jobs that stay in the list; older ones are forgotten. */
const finishedKept = 100;

const Row = z.object({
  id: z.string(),
  kind: JobKind,
  title: z.string(),
  state: JobState,
  done: z.number(),
  total: z.number(),
  unit: z.string(),
  step: z.string(),
  started_at: z.int().nullable(),
  finished_at: z.int().nullable(),
  failure: z.string().nullable(),
  result: z.string().nullable(),
});
const Held = z.object({ id: z.string(), owner: z.string().nullable(), heartbeat: z.number() });

const columns =
  "id, kind, title, state, done, total, unit, step, started_at, finished_at, failure, result";
const open = "('queued', 'running', 'paused')";
const finished = "('done', 'failed', 'cancelled', 'interrupted')";

export class JobStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  list(): Job[] {
    return this.#database.statement(`select ${columns} from jobs order by seq`).all().map(toJob);
  }

  get(id: string): Job | undefined {
    const row = this.#database.statement(`select ${columns} from jobs where id = ?`).get(id);
    return row === undefined ? undefined : toJob(row);
  }

  insert(job: Job, data: unknown): void {
    this.#database
      .statement(
        "insert into jobs (id, kind, title, state, data, owner, heartbeat) values (?, ?, ?, ?, ?, ?, ?)",
      )
      .run(job.id, job.kind, job.title, job.state, JSON.stringify(data), thisProcess(), Date.now());
  }

  /** What the job was asked to do and where it had come to; unknown until the kind's schema has parsed it. */
  load(id: string): { data: unknown; checkpoint: unknown } {
    const row = z
      .object({ data: z.string(), checkpoint: z.string().nullable() })
      .parse(this.#database.statement("select data, checkpoint from jobs where id = ?").get(id));
    return {
      data: JSON.parse(row.data) as unknown,
      checkpoint: row.checkpoint === null ? undefined : (JSON.parse(row.checkpoint) as unknown),
    };
  }

  save(job: Job): void {
    // Work that outlasts the closing of the studio has nowhere to report to; its row says `running` and is
    // found abandoned at the next start.
    if (!this.#database.open) return;
    this.#database
      .statement(
        `update jobs set state = ?, done = ?, total = ?, unit = ?, step = ?, started_at = ?,
           finished_at = ?, failure = ?, result = ?, heartbeat = ?, owner = ? where id = ?`,
      )
      .run(
        job.state,
        job.done,
        job.total,
        job.unit,
        job.step,
        job.startedAt,
        job.finishedAt,
        job.failure === null ? null : JSON.stringify(job.failure),
        job.result === null || job.result === undefined ? null : JSON.stringify(job.result),
        Date.now(),
        thisProcess(),
        job.id,
      );
  }

  saveCheckpoint(id: string, state: unknown): void {
    this.#database
      .statement("update jobs set checkpoint = ? where id = ?")
      .run(JSON.stringify(state), id);
  }

  /** True where the job may run now: no other process runs one of its kind. */
  claim(id: string, kind: Job["kind"]): boolean {
    return this.#database.transaction(() => {
      const now = Date.now();
      const others = this.#held(
        "state in ('running', 'paused') and kind = ? and id <> ?",
        kind,
        id,
      );
      if (others.some((row) => isElsewhere(row.owner, row.heartbeat, now))) return false;
      this.#database
        .statement("update jobs set state = 'running', owner = ?, heartbeat = ? where id = ?")
        .run(thisProcess(), now, id);
      return true;
    });
  }

  /** Jobs whose process is gone become `interrupted`. */
  interruptAbandoned(): void {
    this.#database.transaction(() => {
      const now = Date.now();
      for (const row of this.#held(`state in ${open}`)) {
        if (isElsewhere(row.owner, row.heartbeat, now)) continue;
        this.#database
          .statement(
            "update jobs set state = 'interrupted', step = '', finished_at = ? where id = ?",
          )
          .run(now, row.id);
      }
    });
  }

  isElsewhere(id: string): boolean {
    const row = this.#held(`state in ${open} and id = ?`, id)[0];
    return row !== undefined && isElsewhere(row.owner, row.heartbeat, Date.now());
  }

  beat(ids: readonly string[]): void {
    const statement = this.#database.statement("update jobs set heartbeat = ? where id = ?");
    this.#database.transaction(() => {
      for (const id of ids) statement.run(Date.now(), id);
    });
  }

  remove(id: string): boolean {
    return this.#database.statement("delete from jobs where id = ?").run(id).changes > 0;
  }

  /** Forgets the oldest finished jobs. */
  prune(): void {
    this.#database
      .statement(
        `delete from jobs where state in ${finished} and seq <=
           (select seq from jobs where state in ${finished} order by seq desc limit 1 offset ${finishedKept})`,
      )
      .run();
  }

  #held(where: string, ...parameters: unknown[]): z.infer<typeof Held>[] {
    const sql = `select id, owner, heartbeat from jobs where ${where}`;
    return z.array(Held).parse(this.#database.statement(sql).all(...parameters));
  }
}

function toJob(value: unknown): Job {
  const row = Row.parse(value);
  return {
    id: row.id,
    kind: row.kind,
    title: row.title,
    state: row.state,
    done: row.done,
    total: row.total,
    unit: row.unit,
    step: row.step,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    failure: row.failure === null ? null : Failure.parse(JSON.parse(row.failure)),
    result: row.result === null ? null : (JSON.parse(row.result) as unknown),
  };
}
