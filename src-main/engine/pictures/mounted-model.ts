/** One model held ready: its graphs, the provider that runs them, and what that took. */
import type { z } from "zod";
import type { Mounted } from "../../../src-preload/contract/models.ts";
import type { Checkpoint } from "../../core/checkpoint/checkpoint.ts";
import type { ClipConfig } from "../../core/diffusion/clip-config.ts";
import type { PreviewFactors } from "../../core/diffusion/latent-preview.ts";
import { contextLayer, type Layer } from "../../core/diffusion/text/skip.ts";
import type { VaeConfig } from "../../core/diffusion/vae-config.ts";
import { vaeType } from "../../core/diffusion/vae-precision.ts";
import { FacetError } from "../../core/errors.ts";
import { symbolsOf } from "../../core/graph/dimension.ts";
import type { Graph } from "../../core/graph/node.ts";
import { inOrder } from "../../core/graph/order.ts";
import { modelModules } from "../../core/lora/architecture/index.ts";
import type { ModuleShape } from "../../core/lora/lora.ts";
import type { ProviderName } from "../../core/onnx/target.ts";
import { isProviders, reasonOf } from "../providers.ts";
import type { OpenedSession, Sessions } from "../sessions.ts";
import { keepsHalves } from "../stored-halves.ts";
import { type Adapted, type Compute, decoderGraph, textGraph, unetGraph } from "./networks.ts";

type Sizes = ReadonlyMap<string, number>;

/** A graph that is made when the type to compute in is known. */
type Network = (compute: Compute) => Graph;

/** What a model asks of the engine's sessions. */
type ModelSessions = Pick<Sessions, "states" | "lease">;

/** A provider, and the type in which it computes. */
interface Way {
  readonly provider: ProviderName;
  readonly compute: Compute;
}

export class MountedModel {
  readonly checkpoint: Checkpoint;
  /** What LoRAs may adapt. */
  readonly modules: readonly ModuleShape[];
  /** From the path to the graph of the UNet. */
  readonly graphSeconds: number;
  /** Tells this model apart from others, and from itself before its files changed. */
  readonly key: string;
  /** Fitted once to a VAE that is none of the published ones. */
  preview: PreviewFactors | null = null;
  readonly #sessions: ModelSessions;
  readonly #graphs = new Map<string, Graph>();
  /** Ways that failed for this model, with reasons. */
  readonly #failed = new Map<string, string>();
  #sessionSeconds: number | null = null;

  constructor(checkpoint: Checkpoint, sessions: ModelSessions, key: string, started: number) {
    this.checkpoint = checkpoint;
    this.key = key;
    this.modules = modelModules(checkpoint.config);
    this.#sessions = sessions;
    this.#graph(
      "unet low-rank",
      (compute) => unetGraph(checkpoint, compute, "low-rank"),
      this.compute,
    );
    this.graphSeconds = (performance.now() - started) / 1000;
  }

  get provider(): ProviderName {
    return this.#way.provider;
  }

  get compute(): Compute {
    return this.#way.compute;
  }

  /** Why other ways do not run this model. */
  get passedOver(): readonly string[] {
    return Array.from(this.#failed, ([way, reason]) => `Not on ${way}: ${reason}`);
  }

  /** The first way of this machine's providers that has not failed for this model; devices without halves have another. */
  get #way(): Way {
    const ways = this.#sessions.states
      .filter(({ available }) => available)
      .flatMap(({ name, precision }): Way[] => [
        ...(precision.inference === "F16" ? [{ provider: name, compute: "F16" as const }] : []),
        { provider: name, compute: "F32" },
      ]);
    return (
      ways.find((way) => !this.#failed.has(wayText(way))) ?? { provider: "cpu", compute: "F32" }
    );
  }

  /** Takes the next way. @returns A sentence about it; null where there is none left. */
  giveUp(error: unknown): string | null {
    const way = this.#way;
    if (way.provider === "cpu") return null;
    // Inside the refusal is what the provider itself said.
    const cause = error instanceof FacetError ? (error.cause ?? error) : error;
    this.#failed.set(wayText(way), reasonOf(cause));
    return this.passedOver.at(-1) ?? null;
  }

  unet(adapted: Adapted, sizes: Sizes, compute?: Compute): Promise<OpenedSession & Disposable> {
    const { checkpoint } = this;
    return this.#open(
      `unet ${adapted}`,
      (type) => unetGraph(checkpoint, type, adapted),
      sizes,
      compute,
    );
  }

  text(
    config: ClipConfig,
    layer: Layer,
    adapted: Adapted,
    sizes: Sizes,
  ): Promise<OpenedSession & Disposable> {
    const { checkpoint } = this;
    return this.#open(
      `${config.component} ${layer.index} ${String(layer.normalized)} ${adapted}`,
      (type) => textGraph(checkpoint, config, layer, type, adapted),
      sizes,
    );
  }

  /** `safe`: in F32 whatever the provider prefers. */
  decoder(sizes: Sizes, safe = false): Promise<OpenedSession & Disposable> {
    return this.#open(
      "decoder",
      (type) => this.decoderGraph(type),
      sizes,
      safe ? "F32" : this.vaeCompute,
    );
  }

  get vaeCompute(): Compute {
    const { family } = this.checkpoint.config;
    return vaeType({ provider: this.provider, family });
  }

  decoderGraph(compute: Compute): Graph {
    return this.#graph("decoder", (type) => decoderGraph(this.checkpoint, this.vae, type), compute);
  }

  get vae(): VaeConfig {
    const { config, path } = this.checkpoint;
    if (config.vae !== null) return config.vae;
    throw new FacetError(
      "not-found",
      `"${path}" has no VAE, so its latents cannot become a picture. Choose one for it on the Models page, or with facet models --vae.`,
      { path, field: "vae" },
    );
  }

  get textEncoders(): readonly ClipConfig[] {
    const { config, path } = this.checkpoint;
    if (config.textEncoders.length > 0) return config.textEncoders;
    throw new FacetError(
      "not-found",
      `"${path}" has no text encoders, so it cannot read a prompt. Choose a checkpoint whose text encoders it may use, on the Models page.`,
      { path, field: "text encoders" },
    );
  }

  /** Opens every part once, one after the other, so that they need not fit into memory together. */
  async openAll(): Promise<Omit<z.infer<typeof Mounted>, "model">> {
    const started = performance.now();
    const few = new Map<string, number>();
    for (const config of this.textEncoders) {
      const layer = contextLayer("comfy", this.checkpoint.config.family, config, null);
      (await this.text(config, layer, "low-rank", few))[Symbol.dispose]();
    }
    (await this.decoder(few))[Symbol.dispose]();
    using opened = await this.unet("low-rank", few);
    this.#sessionSeconds ??= (performance.now() - started) / 1000;
    return {
      graphSeconds: this.graphSeconds,
      sessionSeconds: this.#sessionSeconds,
      provider: opened.provider,
      precision: this.compute,
      peakBytes: process.resourceUsage().maxRSS * 1024,
      notes: [...this.passedOver, ...this.#kept()],
    };
  }

  #kept(): string[] {
    const unet = this.#graphs.get(`unet low-rank ${this.compute}`);
    return unet !== undefined && keepsHalves(unet, this.provider)
      ? [
          "The UNet's weights stay in their file as halves, which saves memory; each step widens them.",
        ]
      : [];
  }

  #graph(name: string, network: Network, compute: Compute): Graph {
    const key = `${name} ${compute}`;
    const graph = this.#graphs.get(key) ?? network(compute);
    this.#graphs.set(key, graph);
    return graph;
  }

  /** On the first provider that opens it; what a provider cannot do is remembered for this model. */
  async #open(
    name: string,
    network: Network,
    sizes: Sizes,
    compute?: Compute,
  ): Promise<OpenedSession & Disposable> {
    for (;;) {
      const { provider } = this;
      const graph = this.#graph(name, network, compute ?? this.compute);
      try {
        return await this.#sessions.lease(graph, {
          what: `The ${name.split(" ")[0]?.replaceAll("_", " ") ?? "network"} of "${this.checkpoint.path}"`,
          sizes: withDefaults(sizes, graph),
          provider,
          fallback: false,
        });
      } catch (error) {
        if (!isProviders(error) || this.giveUp(error) === null) throw error;
      }
    }
  }
}

function wayText({ provider, compute }: Way): string {
  return `${provider} in ${compute}`;
}

const symbols = new WeakMap<Graph, readonly string[]>();

/** What is not said is small: one picture, one token, no LoRA. */
function withDefaults(sizes: Sizes, graph: Graph): Sizes {
  let known = symbols.get(graph);
  if (known === undefined) {
    const inputs = inOrder(graph.outputs.values()).filter(({ operator }) => operator === "input");
    known = [...new Set(inputs.flatMap(({ shape }) => shape.flatMap(symbolsOf)))];
    symbols.set(graph, known);
  }
  return new Map(
    known.map((name) => [name, sizes.get(name) ?? (name.startsWith("rank_of_") ? 0 : 1)]),
  );
}
