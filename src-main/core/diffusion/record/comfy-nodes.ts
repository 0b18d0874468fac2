/** The nodes of ComfyUI that a picture needs: sockets, widgets and outputs in the order of its nodes.py. */

export type SocketType = "MODEL" | "CLIP" | "VAE" | "CONDITIONING" | "LATENT" | "IMAGE";

interface NodeClass {
  readonly inputs: readonly (readonly [name: string, type: SocketType])[];
  readonly widgets: readonly string[];
  readonly outputs: readonly SocketType[];
  /** Pixels on its canvas. */
  readonly size: readonly [width: number, height: number];
}

export const nodeClasses = {
  CheckpointLoaderSimple: {
    inputs: [],
    widgets: ["ckpt_name"],
    outputs: ["MODEL", "CLIP", "VAE"],
    size: [315, 98],
  },
  DiffusersLoader: {
    inputs: [],
    widgets: ["model_path"],
    outputs: ["MODEL", "CLIP", "VAE"],
    size: [315, 98],
  },
  UNETLoader: {
    inputs: [],
    widgets: ["unet_name", "weight_dtype"],
    outputs: ["MODEL"],
    size: [315, 82],
  },
  VAELoader: { inputs: [], widgets: ["vae_name"], outputs: ["VAE"], size: [315, 58] },
  LoraLoader: {
    inputs: [
      ["model", "MODEL"],
      ["clip", "CLIP"],
    ],
    widgets: ["lora_name", "strength_model", "strength_clip"],
    outputs: ["MODEL", "CLIP"],
    size: [315, 126],
  },
  CLIPSetLastLayer: {
    inputs: [["clip", "CLIP"]],
    widgets: ["stop_at_clip_layer"],
    outputs: ["CLIP"],
    size: [315, 58],
  },
  // comfy_extras/nodes_model_advanced.py, this one and the next.
  ModelSamplingDiscrete: {
    inputs: [["model", "MODEL"]],
    widgets: ["sampling", "zsnr"],
    outputs: ["MODEL"],
    size: [315, 82],
  },
  RescaleCFG: {
    inputs: [["model", "MODEL"]],
    widgets: ["multiplier"],
    outputs: ["MODEL"],
    size: [315, 58],
  },
  CLIPTextEncode: {
    inputs: [["clip", "CLIP"]],
    widgets: ["text"],
    outputs: ["CONDITIONING"],
    size: [425, 180],
  },
  EmptyLatentImage: {
    inputs: [],
    widgets: ["width", "height", "batch_size"],
    outputs: ["LATENT"],
    size: [315, 106],
  },
  KSampler: {
    inputs: [
      ["model", "MODEL"],
      ["positive", "CONDITIONING"],
      ["negative", "CONDITIONING"],
      ["latent_image", "LATENT"],
    ],
    widgets: ["seed", "steps", "cfg", "sampler_name", "scheduler", "denoise"],
    outputs: ["LATENT"],
    size: [315, 262],
  },
  VAEDecode: {
    inputs: [
      ["samples", "LATENT"],
      ["vae", "VAE"],
    ],
    widgets: [],
    outputs: ["IMAGE"],
    size: [210, 46],
  },
  SaveImage: {
    inputs: [["images", "IMAGE"]],
    widgets: ["filename_prefix"],
    outputs: [],
    size: [400, 450],
  },
} as const satisfies Record<string, NodeClass>;

export type NodeType = keyof typeof nodeClasses;

/** One output of a node. */
export interface Socket {
  readonly node: ComfyNode;
  readonly slot: number;
}

export interface ComfyNode {
  readonly id: number;
  readonly type: NodeType;
  readonly title?: string;
  /** By the class's names, complete. */
  readonly inputs: Readonly<Record<string, Socket>>;
  readonly widgets: Readonly<Record<string, string | number | boolean>>;
}

/** The class without the literal types of its own entries. */
export function classOf(type: NodeType): NodeClass {
  return nodeClasses[type];
}
