/** What a model predicts, and whether its schedule ends without a picture: by marks, metadata or the scheduler's file. */
import type { Prediction } from "../diffusion/model-config.ts";
import type { CheckpointFiles } from "./checkpoint.ts";
import { valuesOf } from "./detect/json.ts";
import { refuse } from "./problems.ts";

/** Empty tensors by which single files say it; ComfyUI reads the same. */
export const marks: ReadonlySet<string> = new Set(["v_pred", "ztsnr"]);

export interface Predicted {
  readonly prediction: Prediction;
  readonly zeroTerminalSnr: boolean;
}

/** The scheduler's file decides where there is one: diffusers goes by it. */
export function predictionOf({ path, parts, scheduler }: CheckpointFiles): Predicted {
  const has = (mark: string) => parts.some(({ tensors }) => tensors.has(mark));
  const config = valuesOf(scheduler);
  const said = config["prediction_type"];
  if (said === "sample" || said === "flow_prediction") {
    refuse(
      path,
      `predicts "${said}" by its scheduler_config.json, where Facet knows epsilon and v_prediction.`,
      "prediction_type",
    );
  }
  const velocity =
    typeof said === "string"
      ? said === "v_prediction"
      : has("v_pred") ||
        // ModelSpec 1.0 has "epsilon" and "v"; files in the wild also write v_prediction.
        parts.some(({ metadata }) => metadata.get("modelspec.prediction_type")?.startsWith("v"));
  const rescaled = config["rescale_betas_zero_snr"] === true || has("ztsnr");
  return {
    prediction: velocity ? "velocity" : "epsilon",
    // A predicted noise says nothing of the picture where there is nothing but noise: only velocities can start there.
    zeroTerminalSnr: velocity && rescaled,
  };
}
