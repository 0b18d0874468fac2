/** Which graphs keep their weights as halves on the CPU, mapped from their files, and widen them at each run. */
import type { Graph } from "../core/graph/node.ts";
import { inOrder } from "../core/graph/order.ts";
import type { ProviderName } from "../core/onnx/target.ts";

/**
 * Bytes of half weights from which on a session leaves them as they are. The CPU computes in F32 and would widen them
 * once, when it is opened. Measured on SDXL's UNet (5.1 GB; two cores): widened once, 47 s of CPU to open, 12 GB at
 * the peak and 10.7 GB held; widened at each run, 17 s, 0.2 GB besides the file's pages, which the system may drop, and
 * no slower a step of 512 x 512. Few rows cost more (bigG's 77: 4.4 s instead of 1.9), so that small weights, which
 * take little either way, are widened once.
 */
const leastBytes = 2 ** 30;

/** Asked at every picture for graphs of ten thousand nodes. */
const known = new WeakMap<Graph, number>();

export function keepsHalves(graph: Graph, provider: ProviderName): boolean {
  if (provider !== "cpu") return false;
  const bytes = known.get(graph) ?? halfBytes(graph);
  known.set(graph, bytes);
  return bytes >= leastBytes;
}

/** Whether a session holds its half weights as F32. */
export function widensHalves(graph: Graph, provider: ProviderName): boolean {
  return provider === "cpu" && !keepsHalves(graph, provider);
}

function halfBytes({ outputs }: Graph): number {
  let bytes = 0;
  for (const node of inOrder(outputs.values())) {
    if (node.operator !== "weight" || node.parameters.source.kind !== "file") continue;
    if (node.dtype === "F16" || node.dtype === "BF16") bytes += node.parameters.source.length;
  }
  return bytes;
}

/** The runtime's passes that make wide copies of half weights: by folding the Cast, or by taking it into what reads it. */
export const wideningPasses = "ConstantFolding;FuseFp16InitializerToFp32NodeTransformer";
