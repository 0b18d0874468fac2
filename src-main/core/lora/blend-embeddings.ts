/** What becomes of trained embeddings when LoRAs are mixed. */
import type { Embedding, Lora } from "./lora.ts";

interface Carrier {
  readonly embedding: Embedding;
  readonly weight: number;
}

/**
 * Every token is kept. Where several LoRAs trained the same one, equal values stay, different ones are averaged by the
 * deltas' weights (an embedding is a place, not an offset, so the weights are brought to the sum 1), and what cannot
 * be averaged (another number of vectors, or weights that cancel out) is taken from the heaviest LoRA. The sentence
 * says so and is empty without embeddings.
 */
export function blendEmbeddings(
  loras: readonly Lora[],
  weights: readonly number[],
): { embeddings: readonly Embedding[]; sentence: string } {
  const carriers = new Map<string, [Carrier, ...Carrier[]]>();
  loras.forEach((lora, index) => {
    for (const embedding of lora.embeddings) {
      const key = `${embedding.component} ${embedding.token}`;
      const carrier = { embedding, weight: weights[index] ?? 0 };
      const list = carriers.get(key);
      if (list === undefined) carriers.set(key, [carrier]);
      else list.push(carrier);
    }
  });
  const fates = { kept: new Set<string>(), mixed: new Set<string>(), heaviest: new Set<string>() };
  const embeddings = [...carriers.values()].map((list) => {
    const { embedding, fate } = blend(list);
    fates[fate].add(embedding.token);
    return embedding;
  });
  const sentence = [
    tell(fates.kept, "kept as trained"),
    tell(fates.mixed, "mixed by weight, since several of the LoRAs trained the same token"),
    tell(
      fates.heaviest,
      "taken from the LoRA with the largest weight, since the trained values cannot be averaged",
    ),
  ];
  return { embeddings, sentence: sentence.filter((part) => part !== "").join(" ") };
}

function tell(tokens: ReadonlySet<string>, fate: string): string {
  if (tokens.size === 0) return "";
  const subject = tokens.size === 1 ? "The embedding" : "The embeddings";
  return `${subject} ${[...tokens].join(", ")} ${tokens.size === 1 ? "is" : "are"} ${fate}.`;
}

function blend(carriers: readonly [Carrier, ...Carrier[]]): {
  embedding: Embedding;
  fate: "kept" | "mixed" | "heaviest";
} {
  const [first] = carriers;
  const { values, shape } = first.embedding;
  const same = carriers.every(
    ({ embedding }) =>
      embedding.shape.join() === shape.join() &&
      embedding.values.every((value, i) => value === values[i]),
  );
  if (same) return { embedding: first.embedding, fate: "kept" };
  const total = carriers.reduce((sum, { weight }) => sum + weight, 0);
  const magnitude = carriers.reduce((sum, { weight }) => sum + Math.abs(weight), 0);
  const alike = carriers.every(({ embedding }) => embedding.shape.join() === shape.join());
  // Weights that nearly cancel would throw the mean far away from every trained value.
  if (!alike || !(total > magnitude / 10)) {
    const heaviest = carriers.reduce((best, carrier) =>
      Math.abs(carrier.weight) > Math.abs(best.weight) ? carrier : best,
    );
    return { embedding: heaviest.embedding, fate: "heaviest" };
  }
  const mixed = Float32Array.from(values, (_, i) =>
    carriers.reduce(
      (sum, { embedding, weight }) => sum + (weight / total) * (embedding.values[i] ?? 0),
      0,
    ),
  );
  return { embedding: { ...first.embedding, values: mixed }, fate: "mixed" };
}
