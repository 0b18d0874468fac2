/** PEFT's own state: `base_model.model.` in front, the adapter's name inside `lora_A.<name>.weight`, or both. */
import { bareNames, componentNames, componentPrefixes } from "./diffusers-names.ts";
import { parseDotted, peftSuffixes } from "./dialect.ts";
import type { Dialect, KeyReading, Role } from "./dialect.ts";

const wrapper = "base_model.model.";

const matrices: ReadonlyMap<string, Role> = new Map([
  ["lora_A", "down"],
  ["lora_B", "up"],
  ["lora_magnitude_vector", "magnitude"],
  ["hada_w1_a", "hada_w1_a"],
  ["hada_w1_b", "hada_w1_b"],
  ["hada_w2_a", "hada_w2_a"],
  ["hada_w2_b", "hada_w2_b"],
  ["hada_t1", "hada_t1"],
  ["hada_t2", "hada_t2"],
  ["lokr_w1", "lokr_w1"],
  ["lokr_w1_a", "lokr_w1_a"],
  ["lokr_w1_b", "lokr_w1_b"],
  ["lokr_w2", "lokr_w2"],
  ["lokr_w2_a", "lokr_w2_a"],
  ["lokr_w2_b", "lokr_w2_b"],
  ["lokr_t2", "lokr_t2"],
  ["oft_r", "oft"],
  ["oft_R", "oft"],
  ["ia3_l", "ia3"],
]);

/** `<module>.<matrix>.<adapter>` with or without `.weight`. */
function parseNamed(key: string): KeyReading | undefined {
  const end = key.endsWith(".weight") ? key.length - ".weight".length : key.length;
  const beforeAdapter = key.lastIndexOf(".", end - 1);
  const beforeMatrix = key.lastIndexOf(".", beforeAdapter - 1);
  if (beforeAdapter < 0 || beforeMatrix < 0) return undefined;
  const role = matrices.get(key.slice(beforeMatrix + 1, beforeAdapter));
  if (role === undefined) return undefined;
  const name = key.slice(0, beforeMatrix);
  const place = name.startsWith(wrapper)
    ? (bareNames.get(name.slice(wrapper.length)) ?? componentNames.get(name.slice(wrapper.length)))
    : componentNames.get(name);
  return place && { role, place, adapter: key.slice(beforeAdapter + 1, end) };
}

export const peftRaw: Dialect = {
  id: "peft-raw",
  parse(key) {
    const named = parseNamed(key);
    if (named || !key.startsWith(wrapper)) return named;
    const inner = key.slice(wrapper.length);
    return (
      parseDotted(inner, peftSuffixes, bareNames, []) ??
      parseDotted(inner, peftSuffixes, componentNames, componentPrefixes)
    );
  },
};
