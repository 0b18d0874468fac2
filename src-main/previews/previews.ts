/** Pictures of identities as the studio offers them: names become matrices' sources, models become places on disk. */
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { z } from "zod";
import type { ModelPlace, PictureOrder } from "../../src-preload/contract/engine.ts";
import type {
  PictureCounters,
  PictureEvent,
  PictureRequest,
} from "../../src-preload/contract/previews.ts";
import type { Engine } from "../engine/client.ts";
import type { Identities } from "../identities/identities.ts";
import type { Library } from "../library/library.ts";

type Request = z.output<typeof PictureRequest>;
type OrderedLora = PictureOrder["loras"][number];

/** What pictures need to know of models. */
export interface ModelPlaces {
  /** The model named, else the one used last, else the only one. Throws `not-found` and says what to do. */
  placeOf(id: string | undefined): Promise<{ id: string; place: ModelPlace }>;
  used(id: string): void;
}

export interface PreviewsParts {
  readonly engine: Engine;
  readonly models: ModelPlaces;
  readonly library: Library;
  readonly identities: Identities;
  readonly folder: string;
}

/** Pictures are disposable: these are kept, the oldest go. */
const kept = 1000;

export class Previews {
  readonly #parts: PreviewsParts;
  #prepared = false;

  constructor(parts: PreviewsParts) {
    this.#parts = parts;
  }

  async *make(request: Request, signal: AbortSignal | undefined): AsyncGenerator<PictureEvent> {
    const { engine, models, folder } = this.#parts;
    this.#prepareFolder();
    const { id, place } = await models.placeOf(request.model);
    const loras: OrderedLora[] = [];
    for (const lora of request.loras) loras.push(await this.#lora(lora));
    const { slot, settings } = request;
    const order = { slot, model: place, loras, settings, to: folder };
    const events = await engine.client.makePicture(order, signal === undefined ? {} : { signal });
    for await (const event of events) {
      if (event.kind === "done") models.used(id);
      yield event;
    }
  }

  async cancel(slot: string): Promise<{ found: boolean }> {
    const { engine } = this.#parts;
    return engine.pid === undefined ? { found: false } : engine.client.cancelPicture({ slot });
  }

  async counters(): Promise<PictureCounters> {
    const { engine } = this.#parts;
    return engine.pid === undefined
      ? { pictures: 0, steps: 0, sessionsOpened: 0 }
      : engine.client.pictureCounters({});
  }

  /** Before the first picture, not at each start: most commands make none. */
  #prepareFolder(): void {
    if (this.#prepared) return;
    const { folder } = this.#parts;
    mkdirSync(folder, { recursive: true });
    sweep(folder);
    this.#prepared = true;
  }

  async #lora(lora: Request["loras"][number]): Promise<OrderedLora> {
    const { library, identities } = this.#parts;
    switch (lora.kind) {
      case "library": {
        const { name, recipe } = library.get(lora.id);
        const source = identities.resolver.resolve(lora.id);
        const file = source.kind === "file" ? basename(source.path) : `${name}.safetensors`;
        return { name, file, source, strength: lora.strength, recipe };
      }
      case "file":
        return {
          name: basename(lora.path),
          file: basename(lora.path),
          source: { kind: "file", path: lora.path },
          strength: lora.strength,
          recipe: null,
        };
      case "draft": {
        const { recipe, source } = await identities.sourceOfDraft(lora.draft);
        const name = "draft";
        return { name, file: `${name}.safetensors`, source, strength: lora.strength, recipe };
      }
    }
  }
}

function sweep(folder: string): void {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".png"))
    .map((name) => ({ path: join(folder, name), at: statSync(join(folder, name)).mtimeMs }))
    .toSorted((left, right) => right.at - left.at);
  for (const { path } of files.slice(kept)) rmSync(path, { force: true });
}
