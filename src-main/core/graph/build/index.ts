/** Every function that makes nodes, so that networks read like the papers' equations. */
export * from "./contraction.ts";
export * from "./elementwise.ts";
export * from "./indexing.ts";
export * from "./layout.ts";
export * from "./leaves.ts";
export * from "./reduction.ts";
