/**
 * Reads the pickle of a torch file into plain data. It executes nothing: there is no way from a name to a function.
 *
 * The instructions are those of protocol 2 that torch.save uses (torch/_weights_only_unpickler.py; meanings in
 * CPython's Lib/pickletools.py). Every count in the file is checked against what is left of it before it is used.
 */
import { FacetError, type ErrorCode } from "../../errors.ts";
import { torchLimits as limits } from "../limits.ts";
import { decodeUtf8 } from "../utf8.ts";
import { call, checkGlobal, isKind, persistentStorage } from "./globals.ts";
import type { PickleDictionary, PickleSequence, PickleValue } from "./values.ts";

const op = {
  mark: 0x28,
  emptyTuple: 0x29,
  stop: 0x2e,
  binFloat: 0x47,
  binInt: 0x4a,
  binInt1: 0x4b,
  binInt2: 0x4d,
  none: 0x4e,
  binPersistentId: 0x51,
  reduce: 0x52,
  shortBinString: 0x55,
  binUnicode: 0x58,
  emptyList: 0x5d,
  append: 0x61,
  build: 0x62,
  global: 0x63,
  appends: 0x65,
  binGet: 0x68,
  longBinGet: 0x6a,
  binPut: 0x71,
  longBinPut: 0x72,
  setItem: 0x73,
  tuple: 0x74,
  setItems: 0x75,
  emptyDict: 0x7d,
  protocol: 0x80,
  newObject: 0x81,
  tuple1: 0x85,
  tuple2: 0x86,
  tuple3: 0x87,
  newTrue: 0x88,
  newFalse: 0x89,
  long1: 0x8a,
  emptySet: 0x8f,
} as const;

/** The protocol that torch.save writes; higher ones bring instructions that weights do not need. */
const supportedProtocol = 2;

export function readPickle(bytes: Uint8Array, file: string): PickleValue {
  return new Unpickler(bytes, file).run();
}

class Unpickler {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #file: string;
  readonly #memo = new Map<number, PickleValue>();
  #at = 0;
  #stack: PickleValue[] = [];
  /** The stacks below each open mark. */
  readonly #marks: PickleValue[][] = [];
  /** Values on all stacks. */
  #waiting = 0;

  constructor(bytes: Uint8Array, file: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#file = file;
  }

  run(): PickleValue {
    for (let count = 0; count < limits.opcodes; count++) {
      const instruction = this.#view.getUint8(this.#take(1));
      if (instruction === op.stop) {
        const result = this.#pop();
        if (this.#waiting > 0 || this.#marks.length > 0)
          this.#refuse("it ends with values left over");
        return result;
      }
      this.#execute(instruction);
    }
    return this.#refuse(`it has more than ${limits.opcodes} instructions`, "too-large");
  }

  #execute(instruction: number): void {
    switch (instruction) {
      case op.protocol:
        return this.#protocol();
      case op.none:
        return this.#push(null);
      case op.newTrue:
        return this.#push(true);
      case op.newFalse:
        return this.#push(false);
      case op.binInt:
        return this.#push(this.#view.getInt32(this.#take(4), true));
      case op.binInt1:
        return this.#push(this.#view.getUint8(this.#take(1)));
      case op.binInt2:
        return this.#push(this.#view.getUint16(this.#take(2), true));
      case op.long1:
        return this.#push(this.#long(this.#view.getUint8(this.#take(1))));
      case op.binFloat:
        return this.#push(this.#view.getFloat64(this.#take(8), false));
      case op.binUnicode:
        return this.#push(this.#text(this.#view.getUint32(this.#take(4), true)));
      case op.shortBinString:
        return this.#push(this.#text(this.#view.getUint8(this.#take(1))));
      case op.global:
        return this.#global();
      case op.binPersistentId:
        return this.#push(persistentStorage(this.#pop(), this.#file));
      case op.reduce:
      case op.newObject:
        return this.#call();
      case op.build:
        return this.#build();
      case op.binPut:
        return this.#put(this.#view.getUint8(this.#take(1)));
      case op.longBinPut:
        return this.#put(this.#view.getUint32(this.#take(4), true));
      case op.binGet:
        return this.#get(this.#view.getUint8(this.#take(1)));
      case op.longBinGet:
        return this.#get(this.#view.getUint32(this.#take(4), true));
      default:
        return this.#executeContainer(instruction);
    }
  }

  #executeContainer(instruction: number): void {
    switch (instruction) {
      case op.mark:
        if (this.#marks.length === limits.marks) {
          this.#refuse(`its values nest deeper than ${limits.marks}`, "too-large");
        }
        this.#marks.push(this.#stack);
        this.#stack = [];
        return;
      case op.emptyTuple:
        return this.#push({ kind: "tuple", items: [] });
      case op.emptyList:
        return this.#push({ kind: "list", items: [] });
      case op.emptySet:
        return this.#push({ kind: "set", items: [] });
      case op.emptyDict:
        return this.#push({ kind: "dictionary", pairs: [] });
      case op.tuple:
        return this.#push({ kind: "tuple", items: this.#popMark() });
      case op.tuple1:
      case op.tuple2:
      case op.tuple3: {
        const items: PickleValue[] = [];
        for (let count = instruction - op.tuple1; count >= 0; count--) items.push(this.#pop());
        return this.#push({ kind: "tuple", items: items.reverse() });
      }
      case op.append: {
        const item = this.#pop();
        this.#list().items.push(item);
        return;
      }
      case op.appends: {
        const items = this.#popMark();
        const list = this.#list();
        for (const item of items) list.items.push(item);
        return;
      }
      case op.setItem: {
        const value = this.#pop();
        const key = this.#pop();
        this.#dictionary().pairs.push([key, value]);
        return;
      }
      case op.setItems: {
        const items = this.#popMark();
        if (items.length % 2 !== 0) this.#refuse("a dictionary has a key without a value");
        const { pairs } = this.#dictionary();
        for (let i = 0; i < items.length; i += 2) {
          pairs.push([items[i] as PickleValue, items[i + 1] as PickleValue]);
        }
        return;
      }
      default:
        this.#refuse(
          `instruction 0x${instruction.toString(16)} at byte ${this.#at - 1} is none that torch.save writes for weights`,
          "unsupported",
        );
    }
  }

  #protocol(): void {
    const protocol = this.#view.getUint8(this.#take(1));
    if (protocol !== supportedProtocol) {
      this.#refuse(
        `it is written in protocol ${protocol}, not ${supportedProtocol} as torch.save does; save it again without ` +
          "pickle_protocol",
        "unsupported",
      );
    }
  }

  /** Two's complement, little-endian; no bytes are zero. */
  #long(length: number): number | bigint {
    const start = this.#take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--)
      value = (value << 8n) | BigInt(this.#view.getUint8(start + i));
    value = BigInt.asIntN(length * 8, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #text(length: number): string {
    const start = this.#take(length);
    try {
      return decodeUtf8(this.#bytes.subarray(start, start + length));
    } catch {
      return this.#refuse(`the text at byte ${start} is not UTF-8`);
    }
  }

  #global(): void {
    const name = `${this.#line()}.${this.#line()}`;
    checkGlobal(name, this.#file);
    this.#push({ kind: "global", name });
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0 || end - this.#at > limits.nameLength)
      this.#refuse("the name of a global does not end");
    const text = this.#text(end - this.#at);
    this.#at = end + 1;
    return text;
  }

  #call(): void {
    const parameters = this.#pop();
    const callee = this.#pop();
    if (!isKind(callee, "global") || !isKind(parameters, "tuple")) {
      this.#refuse("it calls something that is no allowed global");
    }
    this.#push(call(callee.name, parameters.items, this.#file));
  }

  /** Attributes of an object, such as the `_metadata` (version numbers) of a state dict: of no use here. */
  #build(): void {
    this.#pop();
    const target = this.#stack.at(-1);
    if (!isKind(target, "dictionary") && !isKind(target, "tensor")) {
      this.#refuse("it sets attributes of something that has none");
    }
  }

  #put(index: number): void {
    const value = this.#stack.at(-1);
    if (value === undefined) this.#refuse("it remembers a value that is not there");
    this.#memo.set(index, value);
  }

  #get(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) this.#refuse(`it recalls value ${index}, which it never remembered`);
    this.#push(value);
  }

  #list(): PickleSequence<"list"> {
    const list = this.#stack.at(-1);
    if (isKind(list, "list")) return list;
    return this.#refuse("it appends to something that is no list");
  }

  #dictionary(): PickleDictionary {
    const dictionary = this.#stack.at(-1);
    if (isKind(dictionary, "dictionary")) return dictionary;
    return this.#refuse("it sets an item of something that is no dictionary");
  }

  #push(value: PickleValue): void {
    if (this.#waiting === limits.stack) {
      this.#refuse(`more than ${limits.stack} values wait on its stack`, "too-large");
    }
    this.#waiting++;
    this.#stack.push(value);
  }

  #pop(): PickleValue {
    const value = this.#stack.pop();
    if (value === undefined) return this.#refuse("it takes a value from an empty stack");
    this.#waiting--;
    return value;
  }

  #popMark(): PickleValue[] {
    const items = this.#stack;
    const below = this.#marks.pop();
    if (!below) return this.#refuse("it closes a mark that was never set");
    this.#stack = below;
    this.#waiting -= items.length;
    return items;
  }

  /** The place of the next `length` bytes, which are then used up. */
  #take(length: number): number {
    const start = this.#at;
    if (start + length > this.#bytes.length) {
      this.#refuse(
        `${length} bytes are wanted at byte ${start}, but it ends at ${this.#bytes.length}`,
        "truncated",
      );
    }
    this.#at = start + length;
    return start;
  }

  #refuse(what: string, code: ErrorCode = "malformed"): never {
    throw new FacetError(code, `"${this.#file}": its pickle cannot be read: ${what}.`, {
      path: this.#file,
      field: "data.pkl",
    });
  }
}
