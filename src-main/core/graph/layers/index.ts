/** Layers built of operators, so that networks read as their papers and their torch modules do. */
export * from "./attention.ts";
export * from "./blocks.ts";
export * from "./convolution.ts";
export * from "./embedding.ts";
export * from "./feed-forward.ts";
export * from "./initial.ts";
export * from "./linear.ts";
export * from "./losses.ts";
export * from "./normalization.ts";
export * from "./parameters.ts";
