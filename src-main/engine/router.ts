/** Everything the engine answers: thin handlers over tasks/. */
import { availableParallelism, totalmem } from "node:os";
import { implement } from "@orpc/server";
import { engineContract, type TrainingReport } from "../../src-preload/contract/engine.ts";
import type { PictureEvent } from "../../src-preload/contract/previews.ts";
import { hashFile } from "../files/hash.ts";
import { deltaNorm } from "../core/lora/forms/delta.ts";
import { ends, extremity, histogram, sampleCoordinates } from "../core/spaces/distribution.ts";
import type { LatentSpace } from "../core/spaces/space.ts";
import { CopyPool } from "../export/copy-pool.ts";
import { writeLoraFile } from "../export/writer.ts";
import { embeddingsFate } from "../core/lora/embeddings.ts";
import { outward } from "./failures.ts";
import type { EngineRole } from "./launcher.ts";
import { Pictures } from "./pictures/pictures.ts";
import { runtimeProducts } from "./products.ts";
import { Runtime } from "./runtime.ts";
import { Reports } from "./reports.ts";
import { Sessions } from "./sessions.ts";
import { describeModel } from "./tasks/describe-model.ts";
import { compareLoras, fingerprintOf, sizesOf, sketchOf } from "./tasks/describe.ts";
import { fit } from "./tasks/fit.ts";
import { PartedHashes } from "./tasks/hash-part.ts";
import { LiveIdentity } from "./tasks/live.ts";
import { materialise } from "./tasks/materialise.ts";
import { openLora } from "../files/lora-file.ts";
import { scanFile } from "./tasks/scan.ts";
import { OpenSpaces } from "./tasks/spaces.ts";
import { thumbnail } from "./tasks/thumbnail.ts";
import { Trainings } from "./tasks/train.ts";

export type EngineRouter = ReturnType<typeof engineRouter>;

function membersOf({ record, memberCoordinates }: LatentSpace) {
  return {
    coordinates: memberCoordinates,
    count: record.members.length,
    components: record.components,
  };
}

/** What work tells while it is done. */
async function* streamed<T>(work: (reports: Reports<T>) => Promise<void>): AsyncGenerator<T> {
  const reports = new Reports<T>();
  const outcome = work(reports).finally(() => reports.end());
  // Whoever cancels reads no further: nobody then asks how it ended.
  outcome.catch(() => undefined);
  try {
    yield* reports;
    await outcome;
  } catch (error) {
    // Errors inside a stream pass no interceptor.
    throw outward(error);
  }
}

/** Of the machine's memory, for sessions that are kept: the engine of pictures holds whole models. */
const pictureShare = 0.75;

export function engineRouter(role: EngineRole) {
  const os = implement(engineContract);
  const runtime = new Runtime({ threads: Math.min(8, availableParallelism()) });
  const products = runtimeProducts(runtime);
  const sessions =
    role === "pictures"
      ? new Sessions(runtime, Math.floor(totalmem() * pictureShare))
      : new Sessions(runtime);
  const trainings = new Trainings(sessions);
  const spaces = new OpenSpaces(products);
  const live = new LiveIdentity(spaces);
  const copies = new CopyPool();
  const pictures = new Pictures(sessions, spaces);
  const hashes = new PartedHashes();

  return os.router({
    status: os.status.handler(async () => ({
      node: process.version,
      onnxruntime: runtime.version,
      providers: [...sessions.states],
      devices: await sessions.devices(),
      memoryBytes: process.memoryUsage.rss(),
      sessions: sessions.use,
    })),
    scan: os.scan.handler(({ input }) => input.paths.map(scanFile)),
    describeModel: os.describeModel.handler(({ input }) => describeModel(input.path)),
    hashPart: os.hashPart.handler(({ input, signal }) => hashes.part(input, signal)),
    read: os.read.handler(async ({ input, signal }) => {
      const lora = openLora(input.path);
      return {
        ...(await hashFile(input.path, signal)),
        fingerprint: fingerprintOf(lora),
        sketch: sketchOf(lora),
        norm: deltaNorm(lora),
      };
    }),
    describe: os.describe.handler(async ({ input }) => {
      const { lora } = await materialise(input.source, spaces);
      return {
        fingerprint: fingerprintOf(lora),
        sketch: sketchOf(lora),
        norm: deltaNorm(lora),
        ...sizesOf(lora),
      };
    }),
    thumbnail: os.thumbnail.handler(({ input }) => thumbnail(input)),
    fit: os.fit.handler(async function* ({ input, signal }) {
      const reports = new Reports<Parameters<Parameters<typeof fit>[3]>[0]>();
      const outcome = fit(
        input,
        spaces,
        products,
        (progress) => reports.put(progress),
        signal,
      ).finally(() => reports.end());
      try {
        yield* reports;
        yield await outcome;
      } catch (error) {
        // Errors inside a stream pass no interceptor.
        throw outward(error);
      }
    }),
    train: os.train.handler(({ input, signal }) =>
      streamed((reports: Reports<TrainingReport>) => trainings.train(input, reports, signal)),
    ),
    stopTraining: os.stopTraining.handler(({ input }) => ({
      found: trainings.stop(input.id, input.save),
    })),
    openSpace: os.openSpace.handler(({ input }) => {
      const space = spaces.get(input.space);
      const { record } = space;
      const members = membersOf(space);
      const indices = Array.from({ length: record.components }, (_, index) => index);
      return {
        form: record.form,
        family: record.family,
        modules: record.layout.modules.length,
        members: [...record.members],
        dimension: record.dimension,
        components: record.components,
        rank: record.rank,
        explained: [...record.explained],
        standardised: record.standardised,
        suitability: [...record.suitability],
        componentsKept: [...record.componentsKept],
        retained: record.retained,
        histograms: indices.map((index) => histogram(members, index)),
        ends: indices.map((index) => ends(members, index)),
      };
    }),
    locate: os.locate.handler(async ({ input }) => {
      const space = spaces.get(input.space);
      const { lora } = await materialise(input.source, spaces);
      const row = input.id === undefined ? -1 : space.record.members.indexOf(input.id);
      const { components } = space.record;
      const coordinates =
        row >= 0
          ? Array.from(space.memberCoordinates.subarray(row * components, (row + 1) * components))
          : await space.project(lora);
      const { left, difference } = compareLoras(lora, (await space.decode(coordinates)).lora);
      return { coordinates, residual: left === 0 ? 0 : difference / left, member: row >= 0 };
    }),
    sample: os.sample.handler(({ input }) =>
      sampleCoordinates(
        spaces.get(input.space).record.components,
        input.seed,
        input.index,
        input.spread,
      ),
    ),
    extremity: os.extremity.handler(({ input }) =>
      extremity(membersOf(spaces.get(input.space)), input.coordinates),
    ),
    live: os.live.handler(({ input }) => live.move(input)),
    mountModel: os.mountModel.handler(({ input }) => pictures.mount(input)),
    unmountModel: os.unmountModel.handler(({ input }) => pictures.unmount(input)),
    makePicture: os.makePicture.handler(({ input, signal }) =>
      streamed((reports: Reports<PictureEvent>) => pictures.make(input, reports, signal)),
    ),
    cancelPicture: os.cancelPicture.handler(({ input }) => pictures.cancel(input.slot)),
    pictureCounters: os.pictureCounters.handler(() => pictures.counters),
    compare: os.compare.handler(async ({ input }) => {
      const left = await materialise(input.left, spaces);
      const right = await materialise(input.right, spaces);
      return compareLoras(left.lora, right.lora);
    }),
    kept: os.kept.handler(async ({ input }) => ({
      kept: (await materialise(input.source, spaces)).kept,
    })),
    export: os.export.handler(async ({ input }) => {
      const { source } = input;
      const copied = source.kind === "file" ? await copies.copy(source, input) : null;
      if (copied !== null) return copied;
      const { lora } = await materialise(source, spaces);
      return {
        ...writeLoraFile({ ...input, lora }),
        fingerprint: fingerprintOf(lora),
        embeddings: embeddingsFate(lora, input.dialect),
      };
    }),
  });
}
