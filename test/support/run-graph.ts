/** Runs a graph once on the CPU: lowered, opened, run, closed. */
import type { Graph } from "../../src-main/core/graph/node.ts";
import {
  openSession,
  type SessionOptions,
  type Tensor,
  type Tensors,
} from "../../src-main/engine/session.ts";

export async function runGraph(
  graph: Graph,
  feeds: Tensors = {},
  options: Partial<SessionOptions> = {},
): Promise<Record<string, Tensor>> {
  await using session = await openSession(graph, { provider: "cpu", threads: 1, ...options });
  return await session.run(feeds);
}
