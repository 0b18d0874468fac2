/** numpy and scipy in a process of their own, which computes when it is told to. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { z } from "zod";

const Answer = z.object({ seconds: z.number(), values: z.array(z.number()) });
export type Measured = z.infer<typeof Answer>;

export class Peer {
  readonly #request: string;
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  /** @param request A name that linear_algebra.py knows, the matrix's file and sizes. */
  constructor(python: string, request: readonly (string | number)[]) {
    this.#request = request.join(" ");
    const script = join(import.meta.dirname, "linear_algebra.py");
    this.#process = spawn(python, [script], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  async measure(): Promise<Measured> {
    this.#process.stdin.write(`${this.#request}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the peer ended without an answer to ${this.#request}`);
    return Answer.parse(JSON.parse(value));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin.end();
    if (this.#process.exitCode === null) await once(this.#process, "exit");
  }
}
