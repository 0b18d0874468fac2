/** Understands a checkpoint from names and shapes alone, and checks that it is complete before anything runs. */
import { type ClipConfig, clipConfigs } from "../diffusion/clip-config.ts";
import type { Family, UnetConfig } from "../diffusion/unet-config.ts";
import type { VaeConfig } from "../diffusion/vae-config.ts";
import type { DType } from "../tensor/dtype.ts";
import type { Checkpoint, CheckpointFiles, ModelComponent, StoredWeights } from "./checkpoint.ts";
import { collect } from "./collect.ts";
import { detectClip } from "./detect/clip.ts";
import { detectUnet, pooledWidth } from "./detect/unet.ts";
import { detectVae } from "./detect/vae.ts";
import { isBuffer, locate, type Places } from "./locate.ts";
import { marks, predictionOf } from "./prediction.ts";
import { nameInFile, type Place } from "./place.ts";
import { refuseMisshapen, refuseMissing } from "./problems.ts";
import { refuseRelatives, refuseStranger } from "./refuse.ts";
import { clipRequired, unetRequired, vaeRequired } from "./required.ts";

/** Throws `unsupported`, `malformed` or `shape-mismatch` with the file, the tensor, what was expected and what found. */
export function describeCheckpoint(files: CheckpointFiles): Checkpoint {
  refuseRelatives(files);
  const places = locate(files);
  const unetPlace = places.get("unet");
  if (!unetPlace) refuseStranger(files, places);

  const used = new Set<string>();
  const components = new Map<ModelComponent, StoredWeights>();
  const { family, config: unet } = detectUnet(unetPlace);
  const textEncoders = detectEncoders(places, family);
  checkWidths(unetPlace, unet, textEncoders);
  components.set("unet", collect(unetPlace, unetRequired(unet), used));
  for (const config of textEncoders) {
    const place = places.get(config.component);
    if (place) components.set(config.component, collect(place, clipRequired(config), used));
  }

  const vaePlace = places.get("vae");
  const vae = vaePlace ? detectVae(vaePlace, family) : null;
  if (vaePlace && vae) components.set("vae", collect(vaePlace, vaeRequired(vae), used));

  const tensors = files.parts.flatMap((part) => Array.from(part.tensors.values()));
  return {
    path: files.path,
    kind: components.size === 1 ? "unet-only" : files.kind,
    config: { family, ...predictionOf(files), unet, textEncoders, vae },
    components,
    extras: tensors
      .map(({ name }) => name)
      .filter((name) => !used.has(name) && !isBuffer(name) && !marks.has(name)),
    dtypes: byFrequency(tensors.map(({ dtype }) => dtype)),
    tensors: tensors.length,
    metadata: new Map(files.parts.flatMap(({ metadata }) => Array.from(metadata))),
  };
}

/** The VAE of a file of its own, of another checkpoint, or of a diffusers folder, for models of a family. */
export function describeVae(
  files: CheckpointFiles,
  family: Family,
): { config: VaeConfig; weights: StoredWeights } {
  const places = locate(files);
  const place = places.get("vae");
  if (!place) {
    refuseMissing(files.path, "decoder.conv_in.weight", undefined, 0);
  }
  const config = detectVae(place, family);
  return { config, weights: collect(place, vaeRequired(config), new Set()) };
}

/** All of the family's, or none where the checkpoint has none. */
function detectEncoders(places: Places, family: Family): ClipConfig[] {
  const names = clipConfigs[family].map(({ component }) => component);
  const [one] = names.flatMap((name) => places.get(name) ?? []);
  if (one === undefined) return [];
  return names.map((name) => {
    const place = places.get(name);
    // Half a pair: said by the first tensor of the other half.
    return place
      ? detectClip(place, family)
      : refuseMissing(one.part.path, tokenTable(name, one.part.component !== null), undefined, 0);
  });
}

function tokenTable(component: ModelComponent, folder: boolean): string {
  const table = "text_model.embeddings.token_embedding.weight";
  if (folder) return `${component}/${table}`;
  return component === "text_encoder_2"
    ? "conditioner.embedders.1.model.token_embedding.weight"
    : `conditioner.embedders.0.transformer.${table}`;
}

/** The UNet reads what the text encoders give, side by side; the pooled vector is the last one's. */
function checkWidths(place: Place, unet: UnetConfig, textEncoders: readonly ClipConfig[]): void {
  if (textEncoders.length === 0) return;
  const context = textEncoders.reduce((sum, { width }) => sum + width, 0);
  if (context !== unet.context) {
    const out = unet.channels.at(-1) ?? 0;
    const keys = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight";
    refuseMisshapen(place.part.path, nameInFile(place, keys), [out, context], [out, unet.context]);
  }
  const pooled = textEncoders.at(-1)?.projection;
  if (unet.addition === undefined || pooled === undefined || pooled === pooledWidth(unet)) return;
  refuseMisshapen(
    place.part.path,
    nameInFile(place, "add_embedding.linear_1.weight"),
    [unet.time, unet.addition - pooledWidth(unet) + pooled],
    [unet.time, unet.addition],
  );
}

function byFrequency(dtypes: readonly DType[]): DType[] {
  const counts = new Map<DType, number>();
  for (const dtype of dtypes) counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  return Array.from(counts)
    .toSorted(([, left], [, right]) => right - left)
    .map(([dtype]) => dtype);
}
