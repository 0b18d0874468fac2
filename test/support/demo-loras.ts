/** A made-up collection with something to find: people who differ along a few hidden directions, each in a basis of its own. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { columns, type Lora } from "../../src-main/core/lora/lora.ts";
import { forkedRandom, seededRandom } from "../../src-main/core/tensor/random.ts";
import { madeUpLora, writeLora } from "./loras.ts";

const names =
  "Ada Bela Cato Dora Emil Fenja Gita Hamza Ines Jun Kofi Lena Mira Noor Ola Pia Quin Ravi Sol Tomas Uma Vera Wen Xenia Yuki Zora Anouk Bertil Chidi Dalia Elif Farid Greta Hugo Iris Jonas Keira Luis Marek Nadia Oskar Petra Rosa Samir Tove Ulf Viola Yara".split(
    " ",
  );
const words = ["woman", "man", "portrait", "studio", "freckles", "beard", "older", "red hair"];
const hidden = 6;

export function demoLora(index: number, modules = 24): Lora {
  const base = madeUpLora(1000, { rank: 4, modules });
  const directions = Array.from({ length: hidden }, (_, at) =>
    madeUpLora(2000 + at, { rank: 4, modules }),
  );
  const random = forkedRandom(77, index);
  const scores = directions.map((_, at) => random.normal() * 1.6 * 0.75 ** at);
  return {
    ...base,
    modules: base.modules.map((module, at) => ({
      ...module,
      up: module.up.map(
        (value, i) =>
          value +
          scores.reduce(
            (sum, score, j) => sum + score * (directions[j]?.modules[at]?.up[i] ?? 0),
            0,
          ) +
          0.004 * random.normal(),
      ),
      // Members of one collection share what they look at; columns(module) numbers a row.
      down: module.down.map(
        (value) => value + (0.004 * random.normal()) / Math.sqrt(columns(module) / 320),
      ),
    })),
  };
}

/** Writes `count` files with the metadata that trainers leave. */
export function writeDemoCollection(folder: string, count: number): void {
  mkdirSync(folder, { recursive: true });
  for (let index = 0; index < count; index++) {
    const random = seededRandom(500 + index);
    const round = Math.floor(index / names.length);
    const name = `${names[index % names.length] ?? ""}${round === 0 ? "" : ` ${String(round + 1)}`}`;
    const tags = words.filter(() => random.uniform() < 0.3);
    writeLora(join(folder, `${name}.safetensors`), demoLora(index), {
      ss_output_name: name,
      ss_base_model_version: "sd_v1",
      ss_tag_frequency: JSON.stringify({
        "10_person": {
          [`${name.toLowerCase()} person`]: 24,
          ...Object.fromEntries(tags.map((tag) => [tag, 9])),
        },
      }),
      ss_num_train_images: "24",
      ss_steps: String(800 + 100 * Math.floor(random.uniform() * 10)),
    });
  }
}
