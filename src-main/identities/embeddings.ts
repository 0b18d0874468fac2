/** One sentence on what becomes of trained embeddings that parents carry. */
import type { Details } from "../../src-preload/contract/library.ts";
import type { Recipe } from "../../src-preload/contract/recipe.ts";

/** Empty where no parent carries an embedding. */
export function embeddingsSentence(parents: readonly Details[], kind: Recipe["kind"]): string {
  const carriers = parents
    .map((parent) => ({ name: parent.name, tokens: parent.inspection?.embeddings ?? [] }))
    .filter(({ tokens }) => tokens.length > 0);
  if (carriers.length === 0) return "";
  const list = carriers.map(({ name, tokens }) => `${tokens.join(", ")} of ${name}`).join("; ");
  switch (kind) {
    case "point":
      return `Trained embeddings (${list}) do not enter a latent space and are left out; use a delta blend to keep them.`;
    case "delta-blend":
      return `Trained embeddings (${list}) are kept; where two identities train the same token, they are mixed by weight.`;
    case "resize":
      return `Trained embeddings (${list}) are kept as they are.`;
  }
}
