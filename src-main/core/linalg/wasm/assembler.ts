/** A few lines of WebAssembly assembler: enough to write the hot loops of linear algebra without a build step. */

/** Value types of the binary format. */
export const valueType = { i32: 0x7f, v128: 0x7b } as const;
export type ValueType = keyof typeof valueType;

/** Encoded bytes of one instruction. */
export type Code = readonly number[];

/** LEB128, the format's variable-length integers. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) {
      bytes.push(low);
      return bytes;
    }
    bytes.push(low | 0x80);
  }
}

const simd = (code: number): Code => [0xfd, ...unsigned(code)];
/** Alignment hint 0 (any address) and a constant offset. */
const memory = (offset: number): Code => [0, ...unsigned(offset)];

/** Instructions by what they do; the format's own names stand beside them. */
export const op = {
  get: (local: number): Code => [0x20, ...unsigned(local)],
  set: (local: number): Code => [0x21, ...unsigned(local)],
  tee: (local: number): Code => [0x22, ...unsigned(local)],
  constant: (value: number): Code => [0x41, ...signed(value)],
  add: [0x6a] as Code, // i32.add
  subtract: [0x6b] as Code, // i32.sub
  multiply: [0x6c] as Code, // i32.mul
  atLeast: [0x4f] as Code, // i32.ge_u
  and: [0x71] as Code, // i32.and
  select: [0x1b] as Code,
  block: [0x02, 0x40] as Code,
  loop: [0x03, 0x40] as Code,
  if: [0x04, 0x40] as Code,
  end: [0x0b] as Code,
  branch: (depth: number): Code => [0x0c, ...unsigned(depth)],
  branchIf: (depth: number): Code => [0x0d, ...unsigned(depth)],
  load: (offset: number): Code => [...simd(0x00), ...memory(offset)], // v128.load
  /** One float64 into both lanes. */
  loadSplat: (offset: number): Code => [...simd(0x0a), ...memory(offset)], // v128.load64_splat
  /** Eight bytes into the low lane, the high one zero. */
  loadLow: (offset: number): Code => [...simd(0x5d), ...memory(offset)], // v128.load64_zero
  /** Four bytes into the lowest lane, the others zero. */
  loadLowest: (offset: number): Code => [...simd(0x5c), ...memory(offset)], // v128.load32_zero
  store: (offset: number): Code => [...simd(0x0b), ...memory(offset)], // v128.store
  storeLow: (offset: number): Code => [...simd(0x5b), ...memory(offset), 0], // v128.store64_lane 0
  storeLowest: (offset: number): Code => [...simd(0x5a), ...memory(offset), 0], // v128.store32_lane 0
  zero: [...simd(0x0c), ...new Array<number>(16).fill(0)] as Code, // v128.const 0
  addPair: simd(0xf0), // f64x2.add
  multiplyPair: simd(0xf2), // f64x2.mul
  widenPair: simd(0x5f), // f64x2.promote_low_f32x4
  narrowPair: simd(0x5e), // f32x4.demote_f64x2_zero
  /** Low lanes of two vectors. */
  lowLanes: [
    ...simd(0x0d),
    ...[0, 1, 2, 3, 4, 5, 6, 7],
    ...[16, 17, 18, 19, 20, 21, 22, 23],
  ] as Code,
  /** High lanes of two vectors. */
  highLanes: [
    ...simd(0x0d),
    ...[8, 9, 10, 11, 12, 13, 14, 15],
    ...[24, 25, 26, 27, 28, 29, 30, 31],
  ] as Code,
} as const;

/** One function: i32 parameters, no result. Locals are numbered after the parameters. */
export class FunctionBuilder {
  readonly parameters: number;
  readonly #locals: number[] = [];
  readonly #code: number[] = [];

  constructor(parameters: number) {
    this.parameters = parameters;
  }

  local(type: ValueType): number {
    this.#locals.push(valueType[type]);
    return this.parameters + this.#locals.length - 1;
  }

  emit(...codes: readonly Code[]): void {
    for (const code of codes) for (const byte of code) this.#code.push(byte);
  }

  /** `for (counter = 0; counter < limit; counter += step)`. */
  loop(counter: number, limit: number, step: number, body: () => void): void {
    this.emit(op.constant(0), op.set(counter), op.block, op.loop);
    this.emit(op.get(counter), op.get(limit), op.atLeast, op.branchIf(1));
    body();
    this.increase(counter, op.constant(step));
    this.emit(op.branch(0), op.end, op.end);
  }

  /** `do … while (--counter)`: one test a turn, for the innermost loops; the count must be at least 1. */
  repeat(counter: number, body: () => void): void {
    this.emit(op.loop);
    body();
    this.emit(
      op.get(counter),
      op.constant(1),
      op.subtract,
      op.tee(counter),
      op.branchIf(0),
      op.end,
    );
  }

  increase(local: number, amount: Code): void {
    this.emit(op.get(local), amount, op.add, op.set(local));
  }

  /** Size, local declarations, code, end: an entry of the code section. */
  encode(): number[] {
    const locals = this.#locals.flatMap((type) => [1, type]);
    const body = [...unsigned(this.#locals.length), ...locals, ...this.#code, ...op.end];
    return [...unsigned(body.length), ...body];
  }
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function vector(entries: readonly (readonly number[])[]): number[] {
  return [...unsigned(entries.length), ...entries.flat()];
}

function name(text: string): number[] {
  return [...unsigned(text.length), ...Array.from(text, (letter) => letter.charCodeAt(0))];
}

/** A module that exports the functions and its memory (`memory`, one page to begin with). */
export function assembleModule(
  functions: Readonly<Record<string, FunctionBuilder>>,
): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(functions);
  const types = entries.map(([, { parameters }]) => {
    const list = new Array<number>(parameters).fill(valueType.i32);
    return [0x60, ...unsigned(parameters), ...list, 0];
  });
  const exported = entries.map(([title], index) => [...name(title), 0x00, ...unsigned(index)]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // "\0asm", version 1
    ...section(1, vector(types)),
    ...section(3, vector(entries.map((_, index) => unsigned(index)))),
    ...section(5, vector([[0x00, 1]])),
    ...section(7, vector([[...name("memory"), 0x02, 0], ...exported])),
    ...section(10, vector(entries.map(([, builder]) => builder.encode()))),
  ]);
}
