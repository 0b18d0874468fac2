/** Models that the engine of pictures holds ready, as the studio's pages see them. */
import type { z } from "zod";
import type { Mounted } from "../../src-preload/contract/models.ts";
import type { Engine } from "../engine/client.ts";
import type { Models } from "./models.ts";

type MountedModel = z.infer<typeof Mounted>;

export class Mounts {
  readonly #models: Models;
  readonly #engine: Engine;
  readonly #mounted = new Map<string, MountedModel>();

  constructor(models: Models, engine: Engine) {
    this.#models = models;
    this.#engine = engine;
    // What it held went with it.
    engine.onExit(() => this.#mounted.clear());
  }

  async mount(id: string): Promise<MountedModel> {
    const { id: model, place } = await this.#models.placeOf(id);
    const mounted = { model, ...(await this.#engine.client.mountModel(place)) };
    this.#mounted.set(model, mounted);
    return mounted;
  }

  async unmount(id: string): Promise<void> {
    this.#mounted.delete(id);
    if (this.#engine.pid === undefined) return;
    const { place } = await this.#models.placeOf(id);
    await this.#engine.client.unmountModel(place);
  }

  mounted(): MountedModel[] {
    return Array.from(this.#mounted.values());
  }
}
