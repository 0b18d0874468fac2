/** CLIP's text encoders (CLIP-L, bigG) as a graph, parameters named as transformers named them before version 5. */
import {
  add,
  cast,
  constant,
  gather,
  gelu,
  input,
  less,
  matmul,
  oneHot,
  reshape,
  scalar,
  subtract,
  quickGelu,
  where,
} from "../graph/build/index.ts";
import {
  attention,
  type AttentionNames,
  feedForward,
  type Initial,
  layerNorm,
  linear,
  type Parameters,
  within,
} from "../graph/layers/index.ts";
import type { Node } from "../graph/node.ts";
import type { ClipConfig } from "./clip-config.ts";

export interface ClipInputs {
  /** [n, positions], I32: below the vocabulary's size a token, from there on a row of `extra`. */
  readonly ids: Node;
  /** [m, width], m at least 1: vectors of trained words. */
  readonly extra: Node;
  /** [n], I32: place of the token in its row that is pooled. */
  readonly ends: Node;
}

export interface ClipOutputs {
  /** [n, positions, width] before the first layer and behind each, none of them normalised. */
  readonly hidden: readonly Node[];
  /** The last of them behind the final norm. */
  readonly final: Node;
  /** [n, projection]; [n, width] of an encoder without a projection, which nothing reads. */
  readonly pooled: Node;
  /** The final norm, for a context that leaves out layers and is normalised all the same (SD1.5). */
  readonly normalized: (hidden: Node) => Node;
}

const projections: AttentionNames = {
  query: "q_proj",
  key: "k_proj",
  value: "v_proj",
  out: "out_proj",
};

/** torch.nn.Embedding's beginning. */
const normal: Initial = { kind: "normal", deviation: 1 };

/** Far below any score, and with one added to it still above the least half float. */
const masked = -30_000;

/** Inputs under their own names: `ids`, `extra`, `ends`. */
export function clipInputs({ positions, width }: ClipConfig): ClipInputs {
  return {
    ids: input("ids", ["rows", positions], "I32"),
    extra: input("extra", ["vectors", width]),
    ends: input("ends", ["rows"], "I32"),
  };
}

/** Computes in the type in which the parameters come. */
export function clipTextModel(
  config: ClipConfig,
  parameters: Parameters,
  { ids, extra, ends }: ClipInputs,
): ClipOutputs {
  const model = within(parameters, "text_model");
  const [rows = 0] = ids.shape;
  const { positions, width } = config;
  let x = embedded(config, within(model, "embeddings"), ids, extra);
  const mask = causalMask(positions, x);
  const activation = config.activation === "gelu" ? gelu : quickGelu;
  const hidden = [x];
  for (let index = 0; index < config.layers; index++) {
    const layer = within(model, `encoder.layers.${index}`);
    x = add(
      x,
      attention(within(layer, "self_attn"), layerNorm(within(layer, "layer_norm1"), x), {
        heads: config.heads,
        mask,
        bias: true,
        names: projections,
      }),
    );
    x = add(
      x,
      feedForward(within(layer, "mlp"), layerNorm(within(layer, "layer_norm2"), x), {
        hidden: config.hidden,
        activation,
      }),
    );
    hidden.push(x);
  }
  const normalized = (state: Node) => layerNorm(within(model, "final_layer_norm"), state);
  const final = normalized(x);
  // As a product: rows of a batch of unknown size have no numbers to gather by.
  const chosen = reshape(cast(oneHot(ends, positions), final.dtype), [rows, 1, positions]);
  const last = reshape(matmul(chosen, final), [rows, width]);
  const pooled =
    config.projection === undefined
      ? last
      : linear(within(parameters, "text_projection"), last, config.projection, { bias: false });
  return { hidden, final, pooled, normalized };
}

/** Tokens' and trained words' vectors with those of their places: [n, positions, width]. */
function embedded(
  { vocabulary, positions, width }: ClipConfig,
  parameters: Parameters,
  ids: Node,
  extra: Node,
): Node {
  const [rows = 0] = ids.shape;
  const first = scalar(vocabulary, "I32");
  const none = scalar(0, "I32");
  const known = less(ids, first);
  const table = within(parameters, "token_embedding")("weight", [vocabulary, width], normal);
  const tokens = rowsOf(table, where(known, ids, none));
  const trained = cast(gather(extra, where(known, none, subtract(ids, first))), tokens.dtype);
  const chosen = where(reshape(known, [rows, positions, 1]), tokens, trained);
  const places = within(parameters, "position_embedding")("weight", [positions, width], normal);
  return add(chosen, places);
}

/** Chosen before they are cast, so that no copy of the whole table is made in another type. */
function rowsOf(table: Node, ids: Node): Node {
  const [stored] = table.inputs;
  return table.operator === "cast" && stored
    ? cast(gather(stored, ids), table.dtype)
    : gather(table, ids);
}

/** [positions, positions]: a place sees itself and what is before it. */
function causalMask(positions: number, { dtype }: Node): Node {
  const values = Float32Array.from({ length: positions ** 2 }, (_, index) =>
    index % positions > Math.floor(index / positions) ? masked : 0,
  );
  return cast(constant(values, [positions, positions]), dtype);
}
