/** Files between Facet and the real safetensors and torch of the Python that FACET_PYTHON names, both ways. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openTensorFile } from "../../src-main/core/formats/open.ts";
import { readSafetensors } from "../../src-main/core/formats/safetensors/read.ts";
import { encodeSafetensors } from "../../src-main/core/formats/safetensors/write.ts";
import { fromFloat32, type FloatDType } from "../../src-main/core/tensor/convert.ts";
import { seededRandom } from "../../src-main/core/tensor/random.ts";
import { writeAtomically } from "../../src-main/files/atomic-write.ts";
import { openFileSource } from "../../src-main/files/source.ts";

const python = process.env["FACET_PYTHON"];
const folder = mkdtempSync(join(tmpdir(), "facet-parity-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(script: string): string {
  const { stdout, stderr, status } = spawnSync(python ?? "python3", ["-c", script, folder], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  expect(status, stderr).toBe(0);
  return stdout;
}

/** Magnitudes from far below the smallest float16 to its largest. */
function wideValues(count: number): Float32Array {
  const random = seededRandom(11);
  return Float32Array.from(
    { length: count },
    () => random.normal() * 2 ** (random.uniform() * 40 - 27),
  ).map((value) => Math.max(-65000, Math.min(65000, value)));
}

test.skipIf(!python)(
  "safetensors loads what Facet wrote, name for name and number for number",
  () => {
    const values = wideValues(1000);
    const names = ["lora_unet_a.lora_up.weight", 'quotes " and \\', "é 😀", "0"];
    const dtypes: FloatDType[] = ["F32", "F16", "BF16"];
    const plan = names.flatMap((name) =>
      dtypes.map((dtype) => ({
        name: `${name} ${dtype}`,
        dtype,
        shape: [10, 100],
        values: () => values,
      })),
    );
    const metadata = { format: "pt", ss_tag_frequency: '{"a": {"b": 1}}', note: "é 😀 \u0001\n" };
    writeAtomically(join(folder, "ours.safetensors"), encodeSafetensors(plan, metadata).chunks, {
      overwrite: false,
    });
    const read = JSON.parse(
      run(`
import json, sys, torch
from safetensors import safe_open
with safe_open(sys.argv[1] + "/ours.safetensors", "pt") as f:
    tensors = {k: f.get_tensor(k) for k in f.keys()}
    print(json.dumps([f.metadata(), {k: [str(t.dtype), list(t.shape), t.double().flatten().tolist()] for k, t in tensors.items()}]))
`),
    ) as [Record<string, string>, Record<string, [string, number[], number[]]>];
    expect(read[0]).toEqual(metadata);
    expect(Object.keys(read[1]).toSorted()).toEqual(plan.map(({ name }) => name).toSorted());
    using source = openFileSource(join(folder, "ours.safetensors"));
    const ours = readSafetensors(source);
    const words = { F32: "torch.float32", F16: "torch.float16", BF16: "torch.bfloat16" };
    for (const { name, dtype } of plan) {
      expect(read[1][name]).toEqual([words[dtype], [10, 100], [...ours.readFloat32(name)]]);
    }
  },
);

test.skipIf(!python)("float16 and bfloat16 are rounded to the bits that torch makes", () => {
  run(`
import sys, torch
from safetensors.torch import save_file
torch.manual_seed(3)
x = (torch.randn(200000) * torch.exp2(torch.rand(200000) * 40 - 27)).clamp(-65000, 65000)
save_file({"F32": x, "F16": x.half(), "BF16": x.bfloat16()}, sys.argv[1] + "/theirs.safetensors")
`);
  using source = openFileSource(join(folder, "theirs.safetensors"));
  const file = readSafetensors(source);
  const values = file.readFloat32("F32");
  for (const dtype of ["F16", "BF16"] as const) {
    const bytes = fromFloat32(values, dtype, dtype);
    expect(Buffer.from(bytes).equals(file.readBytes(dtype))).toBe(true);
  }
});

test.skipIf(!python)("a state dict of torch.save is read number for number", () => {
  const expected = JSON.parse(
    run(`
import json, sys, torch
torch.manual_seed(5)
model = torch.nn.TransformerEncoderLayer(32, 4, 64)
state = {k: (v.half() if i % 3 == 0 else v.bfloat16() if i % 3 == 1 else v) for i, (k, v) in enumerate(model.state_dict().items())}
state["view"] = torch.randn(6, 7)[1::2, :5].t()
torch.save(state, sys.argv[1] + "/state.bin")
print(json.dumps({k: [list(v.shape), v.double().flatten().tolist()] for k, v in state.items()}))
`),
  ) as Record<string, [number[], number[]]>;
  using source = openFileSource(join(folder, "state.bin"));
  const file = openTensorFile(source);
  expect([...file.tensors.keys()]).toEqual(Object.keys(expected));
  for (const [name, [shape, values]] of Object.entries(expected)) {
    expect(file.tensors.get(name)?.shape).toEqual(shape);
    expect([...file.readFloat32(name)]).toEqual(values);
  }
});
