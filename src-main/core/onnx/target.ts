/** What a graph is lowered for. */

export type ProviderName = "cpu" | "cuda" | "dml" | "webgpu" | "coreml";

export interface Target {
  readonly provider: ProviderName;
  /**
   * Where the runtime finds a weight's file, relative to the folder that its session is told; without it files keep
   * the names that the graph has.
   */
  readonly locate?: (path: string) => string;
}
