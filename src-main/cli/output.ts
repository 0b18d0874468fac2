/** What a command prints: one JSON document, or words and tables; progress goes to stderr either way. */
import type { Writable } from "node:stream";
import type { Failure } from "../../src-preload/contract/common.ts";
import type { Job } from "../../src-preload/contract/jobs.ts";

/** Between two progress lines where stderr is a file or a pipe. */
const plainProgressMs = 2000;

export interface Terminal {
  readonly stdout: Writable;
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
}

export class Output {
  readonly json: boolean;
  readonly #terminal: Terminal;
  #shown = "";
  #lastPlain = performance.now();

  constructor(json: boolean, terminal: Terminal) {
    this.json = json;
    this.#terminal = terminal;
  }

  /** The command's answer. `words` is only asked for where people read. */
  print(document: unknown, words: () => string): void {
    this.clear();
    const text = this.json ? JSON.stringify(document, null, 2) : words();
    this.#terminal.stdout.write(`${text.replace(/\n+$/, "")}\n`);
  }

  /** The reason why a command failed; with `--json` the document on stdout. */
  fail(failure: Failure, rest: Readonly<Record<string, unknown>> = {}): void {
    this.clear();
    const { code, message, path } = failure;
    const error = { code, message, ...(path === undefined ? {} : { path }) };
    if (this.json) this.#terminal.stdout.write(`${JSON.stringify({ ...rest, error }, null, 2)}\n`);
    else this.#terminal.stderr.write(`${message}\n`);
  }

  note(line: string): void {
    this.clear();
    this.#terminal.stderr.write(`${line}\n`);
  }

  progress(job: Job): void {
    this.doing(progressLine(job));
  }

  /** What is being done now: a line that the next one takes the place of. */
  doing(text: string): void {
    const { stderr } = this.#terminal;
    if (stderr.isTTY === true) {
      const line = text.slice(0, (stderr.columns ?? 80) - 1);
      stderr.write(`\r${line.padEnd(this.#shown.length)}`);
      this.#shown = line;
    } else if (performance.now() - this.#lastPlain > plainProgressMs) {
      this.#lastPlain = performance.now();
      stderr.write(`${text}\n`);
    }
  }

  /** Takes the progress line away. */
  clear(): void {
    if (this.#shown === "") return;
    this.#terminal.stderr.write(`\r${" ".repeat(this.#shown.length)}\r`);
    this.#shown = "";
  }
}

function progressLine({ title, done, total, unit, step }: Job): string {
  const share = total > 0 ? ` ${Math.floor((100 * done) / total)} %` : "";
  const counted = total > 0 ? `, ${done} of ${total} ${unit}` : "";
  return `${title}${share}${counted}${step === "" ? "" : `: ${step}`}`;
}

/** Columns as wide as their widest cell; numbers stand to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const numeric = head.map(
    (_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === "number"),
  );
  return cells
    .map((row) =>
      row
        .map((cell, column) =>
          numeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** `name  value` lines. */
export function facts(entries: readonly (readonly [string, string | number])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}

export function byteText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ""}`;
}

export function shareText(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
