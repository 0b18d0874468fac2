/** The torch reader on files of the real torch, on hand-built ones, and on hostile ones, which it must never obey. */
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FacetError } from "../../../../src-main/core/errors.ts";
import { openTensorFile } from "../../../../src-main/core/formats/open.ts";
import { bytesSource, type TensorFile } from "../../../../src-main/core/formats/source.ts";
import {
  floats,
  p,
  pickle,
  torchFile,
  zip,
  type Instruction,
} from "../../../support/torch-archive.ts";

const folder = new URL("../../../fixtures/torch/", import.meta.url);
const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, folder)));
const expected = JSON.parse(readFileSync(new URL("expected.json", folder), "utf8")) as Record<
  string,
  Record<string, [dtype: string, shape: number[], values: number[]]>
>;

function open(bytes: Uint8Array): TensorFile {
  return openTensorFile(bytesSource("folder/x.pt", bytes));
}

function refusal(bytes: Uint8Array): FacetError {
  try {
    open(bytes);
  } catch (error) {
    if (error instanceof FacetError) return error;
    throw error;
  }
  return expect.unreachable("the file was accepted");
}

test.each(["checkpoint.pt", "views.pt", "dtypes.pt", "sole.pt"])(
  "%s of the real torch is read with its names, types and values",
  (name) => {
    const file = open(fixture(name));
    const wanted = expected[name] ?? {};
    expect([...file.tensors.keys()]).toEqual(Object.keys(wanted));
    for (const [key, [dtype, shape, values]] of Object.entries(wanted)) {
      expect(file.tensors.get(key)).toMatchObject({ name: key, dtype, shape });
      expect([...file.readFloat32(key)]).toEqual(values.map(Math.fround));
    }
  },
);

test("texts at the top become metadata, other values are passed over", () => {
  expect([...open(fixture("checkpoint.pt")).metadata]).toEqual([["note", "made by hand"]]);
});

test.each([
  ["module.pt", "unsafe-pickle", "torch.nn.modules.container.Sequential"],
  ["legacy.pt", "unsupported", "torch before 1.6"],
  ["protocol4.pt", "unsupported", "protocol 4"],
  ["script.pt", "unsupported", "TorchScript"],
])("%s of the real torch is refused by name", (name, code, words) => {
  const error = refusal(fixture(name));
  expect(error).toMatchObject({ code, path: "folder/x.pt" });
  expect(error.message).toContain(words);
});

const one = p.tensor(p.storage("FloatStorage", "0", 4), 0, [2, 2], [2, 1]);

test("a hand-built file is read, in ZIP64 and behind a comment that looks like an end record", () => {
  const data = p.dictionaryOf(["a", one]);
  const storages = { 0: floats(1, 2, 3, 4) };
  for (const options of [
    {},
    { zip64: true },
    { comment: "PK\u0005\u0006 and more text behind it" },
  ]) {
    expect([...open(torchFile(data, storages, options)).readFloat32("a")]).toEqual([1, 2, 3, 4]);
  }
});

test("storages are read only when asked for, and only the range of the view", () => {
  const bytes = torchFile(
    p.dictionaryOf(["a", p.tensor(p.storage("FloatStorage", "0", 10_000), 5000, [3], [1])]),
    { 0: floats(...Array.from({ length: 10_000 }, (_, i) => i)) },
  );
  const source = bytesSource("x.pt", bytes);
  let asked = 0;
  const file = openTensorFile({
    ...source,
    read: (offset, length) => {
      // The search for the end record reads the last 65 kB; all else is counted.
      if (offset + length < source.size) asked += length;
      return source.read(offset, length);
    },
  });
  expect([...file.readFloat32("a")]).toEqual([5000, 5001, 5002]);
  expect(asked).toBeLessThan(1000);
});

test.each<[what: string, strides: number[], shape: number[], offset: number, values: number[]]>([
  ["transposed", [1, 3], [3, 2], 0, [0, 3, 1, 4, 2, 5]],
  ["every second", [2], [3], 1, [1, 3, 5]],
  ["size-one axis of any stride", [99, 1], [1, 2], 4, [4, 5]],
  ["scalar", [], [], 5, [5]],
  ["empty", [1], [0], 6, []],
])("a strided view is gathered: %s", (_, strides, shape, offset, values) => {
  const tensor = p.tensor(p.storage("FloatStorage", "0", 6), offset, shape, strides);
  const file = open(torchFile(p.dictionaryOf(["a", tensor]), { 0: floats(0, 1, 2, 3, 4, 5) }));
  expect([...file.readFloat32("a")]).toEqual(values);
});

const storage = p.storage("FloatStorage", "0", 6);
const six = { 0: floats(0, 1, 2, 3, 4, 5) };

test.each<[what: string, file: Uint8Array, code: string, ...words: string[]]>([
  [
    "a view that starts behind the end",
    torchFile(p.dictionaryOf(["a", p.tensor(storage, 6, [1], [1])]), six),
    "malformed",
    `"a"`,
    "6 numbers",
  ],
  [
    "a view that runs past the end",
    torchFile(p.dictionaryOf(["a", p.tensor(storage, 0, [2, 2], [5, 1])]), six),
    "malformed",
    "[5, 1]",
  ],
  [
    "a repeated number of any size",
    torchFile(p.dictionaryOf(["a", p.tensor(storage, 0, [1_000_000_000], [0])]), six),
    "malformed",
    "1000000000",
  ],
  [
    "a negative stride",
    torchFile(p.dictionaryOf(["a", p.tensor(storage, 5, [2], [-1])]), six),
    "malformed",
    "strides",
  ],
  [
    "a negative offset",
    torchFile(p.dictionaryOf(["a", p.tensor(storage, -1, [2], [1])]), six),
    "malformed",
  ],
  [
    "strides that do not match",
    torchFile(p.dictionaryOf(["a", p.tensor(storage, 0, [2, 2], [1])]), six),
    "malformed",
  ],
  [
    "a missing storage",
    torchFile(p.dictionaryOf(["a", p.tensor(storage, 0, [6], [1])])),
    "malformed",
    "data/0",
    "missing",
  ],
  [
    "a storage of another length",
    torchFile(p.dictionaryOf(["a", p.tensor(storage, 0, [6], [1])]), { 0: floats(1) }),
    "malformed",
    "4 bytes",
  ],
  [
    "a storage type that is none",
    torchFile(p.dictionaryOf(["a", p.tensor(p.storage("Size", "0", 6), 0, [6], [1])]), six),
    "malformed",
    "unknown type",
  ],
  [
    "two tensors of one name",
    torchFile(p.dictionaryOf(["a", one], ["a", one]), { 0: floats(1, 2, 3, 4) }),
    "malformed",
    `"a"`,
  ],
])("refuses %s", (_, file, code, ...words) => {
  const error = refusal(file);
  expect(error).toMatchObject({ code, path: "folder/x.pt" });
  for (const word of words) expect(error.message).toContain(word);
});

/** All of these run a program, or do other harm, when Python's own unpickler reads them. */
test.each<[what: string, pickled: Uint8Array, name: string]>([
  [
    "os.system",
    pickle(p.protocol, p.global("os", "system"), p.tupleOf(p.text("touch /tmp/facet-owned")), "R."),
    "os.system",
  ],
  [
    "posix.system after harmless values",
    p.dictionaryOf(["a", pickle(p.global("posix", "system"), p.tupleOf(p.text("id")), "R")]),
    "posix.system",
  ],
  [
    "builtins.eval",
    pickle(p.protocol, p.global("builtins", "eval"), p.tupleOf(p.text("1")), "R."),
    "builtins.eval",
  ],
  [
    "__builtin__.exec",
    pickle(p.protocol, p.global("__builtin__", "exec"), ")R."),
    "__builtin__.exec",
  ],
  [
    "a name that leads on from an allowed one",
    pickle(p.protocol, p.global("torch", "Size.__init__.__globals__"), "."),
    "torch.Size.__init__.__globals__",
  ],
  ["torch.hub.load", pickle(p.protocol, p.global("torch.hub", "load"), "."), "torch.hub.load"],
  [
    "torch.load by _utils",
    pickle(p.protocol, p.global("torch._utils", "_rebuild_device_tensor_from_numpy"), "."),
    "torch._utils._rebuild_device_tensor_from_numpy",
  ],
  [
    "a pandas frame",
    pickle(p.protocol, p.global("pandas.core.frame", "DataFrame"), ")", 0x81, "."),
    "pandas.core.frame.DataFrame",
  ],
])("refuses %s by its name", (_, pickled, name) => {
  const error = refusal(torchFile(pickled));
  expect(error).toMatchObject({ code: "unsafe-pickle", field: name });
  expect(error.message).toContain(`"${name}"`);
});

test("a call of an allowed name with strange arguments makes nothing", () => {
  for (const [module, name, parameters] of [
    ["torch._utils", "_rebuild_tensor_v2", ")"],
    ["torch._utils", "_rebuild_parameter", p.tupleOf(p.text("x"))],
    ["torch", "Size", p.tupleOf(p.text("x"))],
    ["torch", "FloatStorage", ")"],
    ["torch", "float32", ")"],
    ["collections", "OrderedDict", p.tupleOf("]")],
  ] as const) {
    const error = refusal(torchFile(pickle(p.protocol, p.global(module, name), parameters, "R.")));
    expect(error.code).toBe("malformed");
  }
});

test.each<[what: string, instructions: Instruction[], words: string]>([
  [
    "an opcode outside the list",
    [p.protocol, "i", "os\nsystem\n", "."],
    "instruction 0x69 at byte 2",
  ],
  ["STACK_GLOBAL", [p.protocol, 0x93, "."], "0x93"],
  ["an extension code", [p.protocol, 0x82, 1, "."], "0x82"],
  ["calling a text", [p.protocol, p.text("os.system"), ")", "R", "."], "no allowed global"],
  ["building onto a text", [p.protocol, p.text("x"), "}", "b", "."], "attributes"],
  ["an empty stack", [p.protocol, "."], "empty stack"],
  ["values left over", [p.protocol, "}", "}", "."], "left over"],
  ["an open mark", [p.protocol, "}", "(", "}", "."], "left over"],
  ["a mark never set", [p.protocol, "}", "u", "."], "mark"],
  ["a key without a value", [p.protocol, "}", "(", p.text("a"), "u", "."], "without a value"],
  ["an item of a list", [p.protocol, "]", p.text("a"), "N", "s", "."], "no dictionary"],
  ["an element of a dictionary", [p.protocol, "}", "N", "a", "."], "no list"],
  ["a memo never filled", [p.protocol, p.get(5), "."], "value 5"],
  ["a memo of nothing", [p.protocol, p.put(0), "."], "not there"],
  [
    "a text of 4 GB",
    [p.protocol, "X", Uint8Array.of(255, 255, 255, 255), "a."],
    "4294967295 bytes",
  ],
  ["text that is not UTF-8", [p.protocol, "X", Uint8Array.of(1, 0, 0, 0, 0xff), "."], "UTF-8"],
  ["an integer of 255 bytes cut short", [p.protocol, 0x8a, 255, 1, "."], "255 bytes"],
  ["a global that does not end", [p.protocol, "ctorch"], "does not end"],
  ["no end", [p.protocol, "}"], "ends at 3"],
  ["two hundred marks and one", [p.protocol, "(".repeat(201), "."], "deeper than 200"],
  ["too many values", [p.protocol, "N".repeat(100_001), "."], "100000 values"],
  ["endless instructions", [p.protocol, "]", "Na".repeat(2_000_001), "."], "4000000 instructions"],
])("refuses a pickle with %s", (_, instructions, words) => {
  const error = refusal(torchFile(pickle(...instructions)));
  expect(["malformed", "unsupported", "truncated", "too-large"]).toContain(error.code);
  expect(error).toMatchObject({ path: "folder/x.pt", field: "data.pkl" });
  expect(error.message).toContain(words);
});

test("containers that contain themselves are refused", () => {
  const itself = pickle(p.protocol, "}", p.put(0), p.text("a"), p.get(0), "s.");
  expect(refusal(torchFile(itself)).message).toContain("contains itself");
  const list = pickle(p.protocol, "]", p.put(0), p.get(0), "a.");
  expect(refusal(torchFile(list)).message).toContain("contains itself");
});

test("a dictionary shared two to the thirtieth times over is refused in finite time", () => {
  // Level n holds level n - 1 under two names.
  const levels: Instruction[] = ["}", p.put(0)];
  for (let level = 1; level <= 30; level++) {
    levels.push(
      "}",
      "(",
      p.text("a"),
      p.get(level - 1),
      p.text("b"),
      p.get(level - 1),
      "u",
      p.put(level),
    );
  }
  const file = torchFile(pickle(p.protocol, "(", ...levels, "t", "."));
  expect(refusal(file)).toMatchObject({ code: "too-large" });
});

test("dictionaries nested deeper than any checkpoint are refused", () => {
  const deep = pickle(
    p.protocol,
    pickle(...Array.from({ length: 40 }, () => pickle("}", p.text("a")))),
    "N",
    "s".repeat(40),
    ".",
  );
  expect(refusal(torchFile(deep)).message).toContain("deeper than 32");
});

const data = p.dictionaryOf(["a", one]);
const numbers = floats(1, 2, 3, 4);

test.each<[what: string, file: Uint8Array, code: string, words: string]>([
  ["a ZIP without a pickle", zip([["notes.txt", numbers]]), "unsupported", "without a data.pkl"],
  [
    "two pickles",
    zip([
      ["a/data.pkl", data],
      ["b/data.pkl", data],
    ]),
    "malformed",
    "several data.pkl",
  ],
  [
    "an entry named twice",
    zip([
      ["a/data.pkl", data],
      ["a/data.pkl", data],
    ]),
    "malformed",
    "two entries",
  ],
  [
    "a compressed pickle",
    zip([["a/data.pkl", data, { method: 8 }]]),
    "unsupported",
    "compressed (method 8)",
  ],
  [
    "compressed numbers",
    zip([
      ["a/data.pkl", data],
      ["a/data/0", numbers, { method: 8 }],
    ]),
    "unsupported",
    "compressed",
  ],
  [
    "encrypted numbers",
    zip([
      ["a/data.pkl", data],
      ["a/data/0", numbers, { flags: 1 }],
    ]),
    "unsupported",
    "encrypted",
  ],
  [
    "an entry larger than the file",
    zip([
      ["a/data.pkl", data],
      ["a/data/0", numbers, { size: 1e9 }],
    ]),
    "malformed",
    "runs into",
  ],
  [
    "entries that share their bytes",
    zip([
      ["a/data.pkl", data],
      ["a/data/0", numbers],
      ["a/data/1", numbers, { offset: 64 }],
    ]),
    "malformed",
    "runs into",
  ],
  [
    "an entry that begins nowhere",
    zip([["a/data.pkl", data, { offset: 8 }]]),
    "malformed",
    "header of its entry",
  ],
  [
    "more entries claimed than listed",
    zip([["a/data.pkl", data]], { entries: 2 }),
    "malformed",
    "entry 1 of 2",
  ],
  [
    "fewer entries claimed than listed",
    zip(
      [
        ["a/data.pkl", data],
        ["a/data/0", numbers],
      ],
      { entries: 1 },
    ),
    "malformed",
    "follow",
  ],
  [
    "a million entries claimed",
    zip([["a/data.pkl", data]], { entries: 1e6, zip64: true }),
    "too-large",
    "1000000 entries",
  ],
  [
    "numbers in big-endian order",
    zip([
      ["a/data.pkl", data],
      ["a/byteorder", Buffer.from("big")],
    ]),
    "unsupported",
    "little-endian order",
  ],
])("refuses an archive with %s", (_, file, code, words) => {
  const error = refusal(file);
  expect(error).toMatchObject({ code, path: "folder/x.pt" });
  expect(error.message).toContain(words);
});

test("an entry whose own header pushes its bytes into the next one is refused", () => {
  const bytes = torchFile(data, { 0: numbers });
  new DataView(bytes.buffer).setUint16(28, 500, true);
  expect(refusal(bytes)).toMatchObject({ code: "malformed", field: "archive/data.pkl" });
});

test("a torch file cut at any place is refused by a FacetError", () => {
  const bytes = fixture("sole.pt");
  for (let length = 0; length < bytes.length; length++) {
    expect(refusal(bytes.slice(0, length)).path).toBe("folder/x.pt");
  }
});

function expectReadable(bytes: Uint8Array): void {
  try {
    const file = open(bytes);
    for (const [name, { shape }] of file.tensors) {
      expect(file.readFloat32(name)).toHaveLength(shape.reduce((count, size) => count * size, 1));
    }
  } catch (error) {
    expect(error).toBeInstanceOf(FacetError);
    expect((error as FacetError).message).toContain("folder/x.pt");
  }
}

test("whatever happens to a torch file's bytes, it is refused by a FacetError or read consistently", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("checkpoint.pt", "views.pt", "dtypes.pt"),
      fc.array(fc.tuple(fc.nat(5000), fc.integer({ min: 0, max: 255 })), {
        minLength: 1,
        maxLength: 5,
      }),
      (name, changes) => {
        const bytes = fixture(name);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        expectReadable(bytes);
      },
    ),
    { numRuns: 1500 },
  );
});

test("any sequence of instructions is refused by a FacetError or read consistently", () => {
  const instruction = fc.oneof(
    fc.constantFrom<Instruction>(
      ..."(t)}]seuaRbN.0q\u0000h\u0000".split(""),
      0x81,
      0x85,
      0x86,
      0x87,
      0x88,
      0x8f,
    ),
    fc.constantFrom<Instruction>(p.text("a"), p.integer(1), p.put(0), p.get(0), storage, one),
    fc.constantFrom<Instruction>(p.global("collections", "OrderedDict"), p.global("torch", "Size")),
  );
  fc.assert(
    fc.property(fc.array(instruction, { maxLength: 30 }), (instructions) => {
      expectReadable(torchFile(pickle(p.protocol, ...instructions, "."), six));
    }),
    { numRuns: 1500 },
  );
});
