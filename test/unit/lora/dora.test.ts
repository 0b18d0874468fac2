/** DoRA: magnitudes along either axis are read as they are stored, and whatever cannot treat them says so. */
import { describe, expect, it } from "vitest";
import { readSafetensors } from "../../../src-main/core/formats/safetensors/read.ts";
import { encodeSafetensors } from "../../../src-main/core/formats/safetensors/write.ts";
import { fingerprint } from "../../../src-main/core/lora/fingerprint.ts";
import { deltaInner } from "../../../src-main/core/lora/forms/delta.ts";
import { inspectLora } from "../../../src-main/core/lora/inspect.ts";
import { mergeDelta } from "../../../src-main/core/lora/merge.ts";
import { readLora } from "../../../src-main/core/lora/read.ts";
import { relabelLora } from "../../../src-main/core/lora/relabel.ts";
import { resizeLora } from "../../../src-main/core/lora/resize.ts";
import { planLora } from "../../../src-main/core/lora/write.ts";
import { toForm } from "../../../src-main/core/spaces/form.ts";
import { seededRandom } from "../../../src-main/core/tensor/random.ts";
import { memoryFile } from "../../support/memory-file.ts";
import type { MemoryTensor } from "../../support/memory-file.ts";

const block = "down_blocks.1.attentions.0.transformer_blocks.0";
const square = `${block}.attn1.to_q`;
const wide = `${block}.attn2.to_k`;
const convolution = "down_blocks.1.resnets.0.conv1";
/** Of SD1.5: `[out, in]` of the weights, and kernels. */
const sizes = {
  [square]: [640, 640, 1],
  [wide]: [640, 768, 1],
  [convolution]: [640, 320, 3],
} as const;
type Path = keyof typeof sizes;

const random = seededRandom(7);
function tensor(...shape: number[]): Required<MemoryTensor> {
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  random.fillNormal(values);
  return { shape, values, dtype: "F32" };
}

function tensors(path: Path, style: "kohya" | "peft", magnitude?: Required<MemoryTensor>) {
  const [out, input, kernel] = sizes[path];
  const name = style === "kohya" ? `lora_unet_${path.replaceAll(".", "_")}` : `unet.${path}`;
  const [down, up] =
    style === "kohya"
      ? [".lora_down.weight", ".lora_up.weight"]
      : [".lora_A.weight", ".lora_B.weight"];
  const made: Record<string, Required<MemoryTensor>> = {
    [name + down]: kernel === 1 ? tensor(2, input) : tensor(2, input, kernel, kernel),
    [name + up]: kernel === 1 ? tensor(out, 2) : tensor(out, 2, 1, 1),
  };
  if (magnitude !== undefined) {
    made[name + (style === "kohya" ? ".dora_scale" : ".lora_magnitude_vector")] = magnitude;
  }
  return made;
}

const plain = tensors(wide, "kohya");

describe("magnitudes", () => {
  it.each([
    ["rows of a square weight", square, "kohya", [640, 1], "out"],
    ["columns of a square weight", square, "kohya", [1, 640], "in"],
    ["columns of a wide weight", wide, "kohya", [1, 768], "in"],
    ["rows of a convolution", convolution, "kohya", [640, 1, 1, 1], "out"],
    ["input channels of a convolution", convolution, "kohya", [1, 320, 1, 1], "in"],
    ["PEFT's rows", wide, "peft", [640], "out"],
    ["PEFT's rows of a convolution", convolution, "peft", [1, 640, 1, 1], "out"],
  ] as const)("of %s", (_, path, style, shape, axis) => {
    const magnitude = tensor(...shape);
    const file = memoryFile({
      ...tensors(path, style, magnitude),
      ...(path === wide ? {} : tensors(wide, style)),
    });
    const inspected = inspectLora(file);
    expect(inspected).toMatchObject({ needsBase: ["dora"], unmatched: [] });
    expect(inspected.adapters).toEqual(["lora", "dora"]);
    const { lora, report } = readLora(file);
    expect(report.needsBase).toEqual(["dora"]);
    const module = lora.modules.find((one) => one.path === `unet.${path}`);
    expect(module?.magnitude).toEqual({ axis, values: magnitude.values });
    const others = lora.modules.filter((one) => one !== module);
    expect(others.some((one) => "magnitude" in one)).toBe(false);
  });

  it.each([[[639, 1]], [[1, 767]], [[640, 768]], [[]]])("of shape %j fit no weight", (shape) => {
    const file = memoryFile(tensors(wide, "kohya", tensor(...shape)));
    expect(() => inspectLora(file)).toThrow(
      expect.objectContaining({
        code: "shape-mismatch",
        message: expect.stringContaining("[640, 1] or [1, 768]") as string,
      }),
    );
  });

  it("that are not finite are refused, with tensor and index", () => {
    const { values, ...rest } = tensor(640, 1);
    const magnitude = { ...rest, values: Float32Array.from(values).fill(Number.NaN, 9, 10) };
    expect(() => readLora(memoryFile(tensors(wide, "kohya", magnitude)))).toThrow(
      expect.objectContaining({
        code: "not-finite",
        message: expect.stringContaining("at index 9 of 640") as string,
      }),
    );
  });

  it("without matrices say nothing", () => {
    const name = `lora_unet_${square.replaceAll(".", "_")}.dora_scale`;
    const inspected = inspectLora(memoryFile({ ...plain, [name]: tensor(640, 1) }));
    expect(inspected).toMatchObject({ needsBase: [], unmatched: [name], modules: 1 });
  });

  it("are part of what a LoRA is", () => {
    const identity = (shape: number[]): string => {
      const file = memoryFile({
        ...plain,
        [`lora_unet_${wide.replaceAll(".", "_")}.dora_scale`]: { shape },
      });
      const seen: number[] = [];
      return fingerprint(readLora(file).lora, {
        update: (bytes) => void seen.push(bytes.length, ...bytes.slice(0, 20)),
        digest: () => seen.join(),
      });
    };
    expect(identity([640, 1])).not.toBe(identity([1, 768]));
  });
});

describe("what knows no base model", () => {
  const dora = readLora(memoryFile(tensors(wide, "kohya", tensor(640, 1)))).lora;
  const other = readLora(memoryFile(plain)).lora;

  it.each([
    ["be blended", () => mergeDelta([other, dora], [0.5, 0.5], 2)],
    ["be cut to another rank", () => resizeLora(dora, 1)],
    ["take part in a space", () => toForm("aligned", dora, 2, null)],
    ["be compared", () => deltaInner(other, dora)],
    ["be written anew", () => planLora(dora, "kohya", "F16")],
  ])("says that it cannot %s", (words, run) => {
    expect(run).toThrow(
      expect.objectContaining({
        code: "needs-base-weight",
        field: `unet.${wide}`,
        message: expect.stringMatching(
          new RegExp(`1 module, the first unet\\..*${words}`),
        ) as string,
      }),
    );
  });

  it("copies an original in its own convention, and no other", () => {
    const scale = tensor(640, 1);
    const relabelled = (style: "kohya" | "peft", to: "kohya" | "kohya-diffusers" | "peft") => {
      const file = stored({ ...tensors(square, style, scale), ...tensors(wide, style) }, style);
      return relabelLora(file.file, file.data, to, "F32");
    };
    const copy = relabelled("kohya", "kohya-diffusers");
    const written = copy?.tensors.find(({ name }) => name.endsWith(".dora_scale"));
    expect(written).toMatchObject({
      name: `lora_unet_${square.replaceAll(".", "_")}.dora_scale`,
      dtype: "F32",
      shape: [640, 1],
    });
    const bytes = written?.values() ?? new Uint8Array();
    expect(new Float32Array(Uint8Array.from(bytes).buffer)).toEqual(scale.values);
    expect(relabelled("kohya", "peft")).toBeNull();
    expect(relabelled("peft", "kohya")).toBeNull();
  });
});

/** As bytes; kohya's alphas are the rank. */
function stored(made: Record<string, Required<MemoryTensor>>, style: "kohya" | "peft") {
  const planned = Object.entries(made).map(([name, { shape, values }]) => ({
    name,
    dtype: "F32" as const,
    shape,
    values: () => Float32Array.from(values),
  }));
  if (style === "kohya") {
    for (const { name } of planned.filter(({ name: key }) => key.endsWith("_down.weight"))) {
      const key = name.replace(".lora_down.weight", ".alpha");
      planned.push({ name: key, dtype: "F32", shape: [], values: () => Float32Array.of(2) });
    }
  }
  const bytes = Buffer.concat([...encodeSafetensors(planned, {}).chunks]);
  const file = readSafetensors({
    name: "dora.safetensors",
    size: bytes.length,
    read: (offset, count) => new Uint8Array(bytes.subarray(offset, offset + count)),
  });
  return { file, data: new Uint8Array(bytes.subarray(file.dataOffset)) };
}
