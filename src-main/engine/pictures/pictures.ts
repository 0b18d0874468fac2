/** Everything that this engine answers about pictures: models held ready, one picture after the other, and counters. */
import type { z } from "zod";
import type { ModelPlace, PictureOrder } from "../../../src-preload/contract/engine.ts";
import type { Mounted } from "../../../src-preload/contract/models.ts";
import type { PictureCounters, PictureEvent } from "../../../src-preload/contract/previews.ts";
import type { Reports } from "../reports.ts";
import type { Sessions } from "../sessions.ts";
import type { OpenSpaces } from "../tasks/spaces.ts";
import { LoraMatrices } from "./lora-matrices.ts";
import { makePicture, PictureCaches } from "./make-picture.ts";
import { Mounts } from "./mounts.ts";
import { Slots, Superseded } from "./slots.ts";

export class Pictures {
  readonly #slots = new Slots();
  readonly #mounts: Mounts;
  readonly #matrices: LoraMatrices;
  readonly #caches = new PictureCaches();
  readonly #sessions: Sessions;
  #pictures = 0;
  #steps = 0;

  constructor(sessions: Sessions, spaces: OpenSpaces) {
    this.#sessions = sessions;
    this.#mounts = new Mounts(sessions);
    this.#matrices = new LoraMatrices(spaces);
  }

  async mount(place: ModelPlace): Promise<Omit<z.infer<typeof Mounted>, "model">> {
    using turn = await this.#slots.take(`mount ${JSON.stringify(place)}`);
    const model = this.#mounts.get(place);
    await turn.check();
    return await model.openAll();
  }

  /** Gives its memory back: what no picture needs at the moment is closed. */
  async unmount(place: ModelPlace): Promise<{ found: boolean }> {
    const found = this.#mounts.forget(place);
    await this.#sessions.clear();
    return { found };
  }

  async make(
    order: PictureOrder,
    reports: Reports<PictureEvent>,
    signal?: AbortSignal,
  ): Promise<void> {
    try {
      using turn = await this.#slots.take(order.slot, signal);
      const picture = await makePicture(order, {
        mounts: this.#mounts,
        matrices: this.#matrices,
        caches: this.#caches,
        check: () => turn.check(),
        report: (event) => {
          if (event.kind === "step") this.#steps += 1;
          reports.put(event);
        },
      });
      this.#pictures += 1;
      reports.keep({ kind: "done", picture });
    } catch (error) {
      if (!(error instanceof Superseded)) throw error;
      reports.keep({ kind: "superseded" });
    }
  }

  cancel(slot: string): { found: boolean } {
    return { found: this.#slots.cancel(slot) };
  }

  get counters(): PictureCounters {
    return {
      pictures: this.#pictures,
      steps: this.#steps,
      sessionsOpened: this.#sessions.use.opened,
    };
  }
}
