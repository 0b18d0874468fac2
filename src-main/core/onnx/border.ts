/** In which types values cross into a session and out of it. */
import type { GraphDType } from "../graph/operators.ts";

/** The runtime's binding for Node has no bf16: such inputs and outputs travel as F32 and are cast inside. */
export function borderType(dtype: GraphDType): Exclude<GraphDType, "BF16"> {
  return dtype === "BF16" ? "F32" : dtype;
}
