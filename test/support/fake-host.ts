/**
 * A studio without files behind it, for looking at the pages: 2,000 made-up LoRAs, two spaces, jobs that pretend.
 * Run: node test/support/fake-host.ts [port]; needs `vite build -c src-renderer/vite.config.ts` first.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { implement, ORPCError } from "@orpc/server";
import { RPCHandler } from "@orpc/server/ws";
import { WebSocketServer } from "ws";
import type { z } from "zod";
import { studioContract } from "../../src-preload/contract/index.ts";
import type { Model, Mounted } from "../../src-preload/contract/models.ts";
import { Settings } from "../../src-preload/contract/system.ts";
import { parseQuery } from "../../src-main/library/query.ts";
import { collections, identities, spaces, type FakeIdentity } from "./fake-identities.ts";
import { FakeJobs } from "./fake-jobs.ts";
import {
  cancelFake,
  counters,
  fakeModelFolders,
  fakeModels,
  fakePictures,
  fakeVaes,
  makeFake,
} from "./fake-pictures.ts";

const bundle = fileURLToPath(new URL("../../out/renderer", import.meta.url));
const os = implement(studioContract);
const jobs = new FakeJobs();
const remembered = new Map<string, unknown>();
let settings: z.output<typeof Settings> = Settings.parse({});
let revision = 0;
const watchers = new Set<() => void>();

function changed(): void {
  revision++;
  for (const wake of watchers) wake();
}

function find(id: string): FakeIdentity {
  const found = identities.find((each) => each.id === id);
  if (found === undefined)
    throw new ORPCError("not-found", { message: `No LoRA has the id ${id}.` });
  return found;
}

interface Asked {
  query: string;
  collection?: string | undefined;
  view: string;
  sort: string;
}
function filtered({ query, collection, view, sort }: Asked): FakeIdentity[] {
  const { all } = parseQuery(query);
  const list = identities.filter((each) => {
    if (each.trashed !== (view === "trash")) return false;
    if (view === "favourites" && !each.favourite) return false;
    if (view === "trouble" && each.trouble === null) return false;
    if (collection !== undefined && !each.collections.includes(collection)) return false;
    return all.every((term) => {
      if (term.kind === "words")
        return `${each.name} ${each.tags.join(" ")}`
          .toLowerCase()
          .includes(term.text.toLowerCase());
      if (term.kind === "number")
        return compare(
          term.field === "rating" ? each.rating : each.rank.max,
          term.comparison,
          term.value,
        );
      if (term.kind === "state")
        return term.state === "favourite" ? each.favourite : each.kind === term.state;
      if (term.field === "tag") return each.tags.includes(term.value);
      return term.field === "family" ? each.family === term.value : each.dialect === term.value;
    });
  });
  const by: Record<string, (a: FakeIdentity, b: FakeIdentity) => number> = {
    newest: (a, b) => b.createdAt - a.createdAt,
    oldest: (a, b) => a.createdAt - b.createdAt,
    name: (a, b) => a.name.localeCompare(b.name),
    rating: (a, b) => b.rating - a.rating,
    size: (a, b) => b.bytes - a.bytes,
  };
  return list.sort(by[sort]);
}
function compare(left: number, sign: string, right: number): boolean {
  return sign === "<"
    ? left < right
    : sign === "<="
      ? left <= right
      : sign === ">"
        ? left > right
        : sign === ">="
          ? left >= right
          : left === right;
}
const live = (): FakeIdentity[] => identities.filter((each) => !each.trashed);
function similarity(a: FakeIdentity, b: FakeIdentity): number {
  const dot = a.place.reduce((sum, value, i) => sum + value * (b.place[i] ?? 0), 0);
  return dot / (Math.hypot(...a.place) * Math.hypot(...b.place));
}

function spaceOf(id: string) {
  const found = spaces.find((each) => each.id === id);
  if (found === undefined) throw new ORPCError("missing-space", { message: "This space is gone." });
  return found;
}
const summary = (space: (typeof spaces)[number]) => ({
  ...space,
  componentList: undefined,
  suitability: undefined,
  standardised: undefined,
});

function measure(coordinates: number[], from: FakeIdentity | null) {
  const far = coordinates.findIndex((value) => Math.abs(value) > 2.6);
  const norm = Math.hypot(...coordinates);
  const start = from?.place ?? [];
  const moved = Math.hypot(...coordinates.map((value, i) => value - (start[i] ?? 0)));
  return {
    coordinates,
    residual: from === null ? null : 0.041,
    difference: null,
    distance: moved / 14,
    kept: 0.992,
    extremity: 1 - Math.exp(-((norm / 5.1) ** 4)),
    beyond: far < 0 ? null : { index: far, sigma: coordinates[far] ?? 0 },
    rank: 16,
    modules: 722,
    embeddings: "",
    milliseconds: 0.6 + Math.random(),
  };
}

function normal(seed: number): number {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296 || 1e-9;
  };
  return Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

const folders = [
  {
    path: "/home/ada/ComfyUI/models/loras",
    source: "usual place",
    tool: "ComfyUI",
    exists: true,
    writable: true,
  },
  {
    path: "/mnt/models/shared/loras",
    source: "extra_model_paths.yaml",
    tool: "ComfyUI",
    exists: true,
    writable: false,
  },
  {
    path: "/home/ada/stable-diffusion-webui/models/Lora",
    source: "usual place",
    tool: "A1111",
    exists: true,
    writable: true,
  },
];

const precision = { inference: "F32", training: "F32", reason: "as fast as any here" } as const;

const models = new Map(
  process.argv.includes("--no-models") ? [] : fakeModels.map((model) => [model.id, model]),
);
const mounted = new Map<string, Mounted>();
function modelOf(id: string): Model {
  const model = models.get(id);
  if (model === undefined)
    throw new ORPCError("not-found", { message: `No model has the id ${id}.` });
  return model;
}

const router = os.router({
  library: {
    list: os.library.list.handler(({ input }) => {
      const all = filtered(input);
      return { total: all.length, cards: all.slice(input.offset, input.offset + input.limit) };
    }),
    ids: os.library.ids.handler(({ input }) => filtered(input).map((each) => each.id)),
    get: os.library.get.handler(({ input }) => find(input.id)),
    update: os.library.update.handler(({ input }) => {
      for (const id of input.ids) {
        const { addTags, removeTags, ...plain } = input.changes;
        const each = find(id);
        Object.assign(each, plain);
        each.tags = [...new Set([...each.tags, ...(addTags ?? [])])].filter(
          (tag) => removeTags?.includes(tag) !== true,
        );
      }
      changed();
      return { updated: input.ids.length };
    }),
    import: os.library.import.handler(({ input }) => ({
      job: jobs.start("import", `Import ${input.paths.length} files`, 1200, "files", {
        imported: [],
        skipped: [
          {
            path: "/home/ada/loras/notes.bin",
            code: "not-a-lora",
            reason:
              "No key of notes.bin belongs to a LoRA: 12 tensors, the first is “encoder.weight”. Left out.",
          },
        ],
        importedCount: 1199,
        skippedCount: 1,
      }),
    })),
    inspect: os.library.inspect.handler(() => {
      throw new ORPCError("not-found", { message: "There are no files behind this studio." });
    }),
    remove: os.library.remove.handler(({ input }) => {
      for (const id of input.ids) find(id).trashed = true;
      changed();
      return { removed: input.ids.length };
    }),
    restore: os.library.restore.handler(({ input }) => {
      for (const id of input.ids) find(id).trashed = false;
      changed();
      return { restored: input.ids.length };
    }),
    emptyTrash: os.library.emptyTrash.handler(() => ({ erased: 0 })),
    similar: os.library.similar.handler(({ input }) => {
      const one = find(input.id);
      return live()
        .filter((each) => each !== one)
        .map((each) => ({ card: each, similarity: similarity(one, each) }))
        .sort((a, b) => b.similarity - a.similarity)
        .slice(0, input.limit);
    }),
    duplicates: os.library.duplicates.handler(({ input }) =>
      live()
        .slice(0, 40)
        .flatMap((one) => {
          const near = live().filter(
            (each) => each !== one && similarity(one, each) > input.threshold,
          );
          return near.length === 0
            ? []
            : [
                [
                  { card: one, similarity: 1 },
                  ...near.map((each) => ({ card: each, similarity: similarity(one, each) })),
                ],
              ];
        }),
    ),
    overview: os.library.overview.handler(() => {
      const all = live();
      const tags = new Map<string, number>();
      for (const each of all) for (const tag of each.tags) tags.set(tag, (tags.get(tag) ?? 0) + 1);
      return {
        all: all.length,
        favourites: all.filter((each) => each.favourite).length,
        trouble: all.filter((each) => each.trouble !== null).length,
        trash: identities.length - all.length,
        bytes: all.reduce((sum, each) => sum + each.bytes, 0),
        collections: collections.map((each) => ({
          ...each,
          count: all.filter((one) => one.collections.includes(each.id)).length,
        })),
        tags: [...tags].map(([tag, count]) => ({ tag, count })).sort((a, b) => b.count - a.count),
        unread: 0,
      };
    }),
    createCollection: os.library.createCollection.handler(({ input }) => {
      const made = { id: `c${Date.now()}`, name: input.name };
      collections.push(made);
      changed();
      return { ...made, count: 0 };
    }),
    renameCollection: os.library.renameCollection.handler(({ input }) => {
      const one = collections.find((each) => each.id === input.id);
      if (one !== undefined) one.name = input.name;
      changed();
      return { id: input.id, name: input.name, count: 0 };
    }),
    removeCollection: os.library.removeCollection.handler(({ input }) => {
      collections.splice(
        collections.findIndex((each) => each.id === input.id),
        1,
      );
      changed();
      return { removed: true };
    }),
    addToCollection: os.library.addToCollection.handler(({ input }) => {
      for (const id of input.ids)
        find(id).collections = [...new Set([...find(id).collections, input.id])];
      changed();
      return { id: input.id, name: "", count: 0 };
    }),
    removeFromCollection: os.library.removeFromCollection.handler(({ input }) => {
      for (const id of input.ids)
        find(id).collections = find(id).collections.filter((each) => each !== input.id);
      changed();
      return { id: input.id, name: "", count: 0 };
    }),
    setPreview: os.library.setPreview.handler(() => ({ preview: null })),
    rebuild: os.library.rebuild.handler(() => ({
      job: jobs.start("rebuild", "Rebuild the index", 2000, "files", null),
    })),
    watch: os.library.watch.handler(async function* ({ signal }) {
      while (signal?.aborted !== true) {
        await new Promise<void>((resolve) => {
          watchers.add(resolve);
          signal?.addEventListener("abort", () => resolve());
        });
        yield { revision };
      }
    }),
  },
  spaces: {
    list: os.spaces.list.handler(() => spaces.map(summary)),
    get: os.spaces.get.handler(({ input }) => spaceOf(input.id)),
    fit: os.spaces.fit.handler(({ input }) => ({
      job: jobs.start("fit", `Fit ${input.name ?? "a space"}`, 1200, "members", {
        space: "s1",
        kind: "pca",
        form: "aligned",
        members: 1200,
        dimension: 99648,
        components: 24,
        explained: [0.3, 0.2, 0.1],
        retained: 0.99,
        suitability: [],
        seconds: 8,
        peakBytes: 1,
        skipped: [],
      }),
    })),
    rename: os.spaces.rename.handler(({ input }) => {
      spaceOf(input.id).name = input.name;
      return summary(spaceOf(input.id));
    }),
    describeComponent: os.spaces.describeComponent.handler(({ input }) => {
      const component = spaceOf(input.id).componentList[input.index];
      if (component === undefined)
        throw new ORPCError("invalid-argument", { message: "No such component." });
      if (input.name !== undefined) component.name = input.name;
      if (input.starred !== undefined) component.starred = input.starred;
      return component;
    }),
    remove: os.spaces.remove.handler(({ input }) => {
      spaceOf(input.id).available = false;
      return { removed: true };
    }),
    restore: os.spaces.restore.handler(({ input }) => {
      spaceOf(input.id).available = true;
      return summary(spaceOf(input.id));
    }),
  },
  identities: {
    locate: os.identities.locate.handler(({ input }) => ({
      coordinates: find(input.id).place.slice(0, spaceOf(input.space).components),
      residual: 0.041,
      member: true,
    })),
    measure: os.identities.measure.handler(({ input }) => {
      if (input.kind === "point")
        return measure(input.coordinates, input.from === undefined ? null : find(input.from));
      if (input.kind === "sample")
        return measure(
          Array.from(
            { length: spaceOf(input.space).components },
            (_, i) => normal(input.seed * 7919 + input.index * 131 + i) * input.spread,
          ),
          null,
        );
      if (input.kind === "blend")
        return {
          ...measure(
            input.mode === "delta"
              ? []
              : Array.from({ length: 24 }, (_, i) =>
                  input.parents.reduce(
                    (sum, parent) => sum + parent.weight * (find(parent.id).place[i] ?? 0),
                    0,
                  ),
                ),
            null,
          ),
          distance: null,
          difference: 0.031,
          kept: 0.992,
          extremity: input.mode === "delta" ? null : 0.42,
          beyond: null,
          rank: input.rank ?? 16,
          embeddings:
            input.parents.length > 2
              ? "Mira carries the embedding <s1>; a blend leaves it out."
              : "",
        };
      return measure([], null);
    }),
    keep: os.identities.keep.handler(({ input }) => {
      const [model] = identities;
      if (model === undefined) throw new Error("no identities");
      const id = `k${Date.now()}${Math.round(Math.random() * 1e6)}`;
      identities.unshift({
        ...model,
        id,
        name: input.name,
        kind: "recipe",
        createdAt: Date.now(),
        trouble: null,
        rating: 0,
        favourite: false,
        tags: [],
      });
      changed();
      return { id, name: input.name, measure: measure([], null) };
    }),
    reopen: os.identities.reopen.handler(() => find("i0")),
    verify: os.identities.verify.handler(() => ({ same: true, expected: "a", made: "a" })),
    recipe: os.identities.recipe.handler(({ input }) => find(input.id).recipe),
  },
  models: {
    list: os.models.list.handler(() => ({
      models: [...models.values()],
      vaes: models.size === 0 ? [] : fakeVaes,
      folders: fakeModelFolders,
      problems: [],
      looking: false,
    })),
    refresh: os.models.refresh.handler(() => ({ models: models.size })),
    add: os.models.add.handler(({ input }) => {
      if (!input.path.endsWith(".safetensors") && models.size > 0)
        throw new ORPCError("not-found", {
          message: `"${input.path}" holds no checkpoint that Facet knows.`,
        });
      for (const model of fakeModels) models.set(model.id, model);
      return [...models.values()];
    }),
    forget: os.models.forget.handler(({ input }) => {
      for (const { id, path } of models.values()) if (path === input.path) models.delete(id);
      return { ok: true } as const;
    }),
    change: os.models.change.handler(({ input }) => {
      const model = modelOf(input.id);
      const next = {
        ...model,
        ...Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)),
      };
      next.needs = model.needs.filter((need) =>
        need === "vae" ? next.vae === null : next.textFrom === null,
      );
      models.set(input.id, next);
      return next;
    }),
    hash: os.models.hash.handler(({ input }) => ({
      job: jobs.start("hash-model", `Hash ${modelOf(input.id).name}`, 6938, "MB", null),
    })),
    mount: os.models.mount.handler(async ({ input }) => {
      const { notes } = { notes: ["Weights stay in half precision: 24 GB would not hold both."] };
      await setTimeout(3000);
      const one = {
        model: modelOf(input.id).id,
        graphSeconds: 1.92,
        sessionSeconds: 14.3,
        provider: "cpu",
        precision: "F32",
        peakBytes: 9_840_000_000,
        notes,
      };
      mounted.set(input.id, one);
      return one;
    }),
    unmount: os.models.unmount.handler(({ input }) => {
      mounted.delete(input.id);
      return { ok: true } as const;
    }),
    mounted: os.models.mounted.handler(() => [...mounted.values()]),
  },
  previews: {
    make: os.previews.make.handler(({ input, signal }) => makeFake(input, signal)),
    cancel: os.previews.cancel.handler(({ input }) => ({ found: cancelFake(input.slot) })),
    counters: os.previews.counters.handler(() => counters),
  },
  exports: {
    start: os.exports.start.handler(({ input }) => ({
      job: jobs.start("export", `Export ${input.ids.length} LoRAs`, input.ids.length, "files", {
        files: input.ids.slice(1).map((id) => ({
          id,
          path: `${input.to}/${find(id).name}.safetensors`,
          bytes: 22_800_000,
          sha256: "0".repeat(64),
          modules: 722,
        })),
        failed: input.ids.slice(0, 1).map((id) => ({
          id,
          name: find(id).name,
          code: "overflow",
          reason: `mid_block.attentions.0.proj_in has the value 81,204, which f16 cannot hold. Choose bf16 or f32.`,
        })),
      }),
    })),
    preview: os.exports.preview.handler(({ input }) =>
      input.ids.map((id, i) =>
        input.template
          .replaceAll("{name}", find(id).name)
          .replaceAll("{rank}", String(find(id).rank.max))
          .replaceAll("{index}", String(i + 1))
          .replaceAll("{dtype}", input.dtype),
      ),
    ),
    stage: os.exports.stage.handler(({ input }) => ({
      path: `/tmp/${input.id}.safetensors`,
      download: input.id,
      name: `${find(input.id).name}.safetensors`,
    })),
    folders: os.exports.folders.handler(() => folders),
  },
  jobs: {
    list: os.jobs.list.handler(() => jobs.all()),
    get: os.jobs.get.handler(({ input }) => jobs.get(input.id)),
    cancel: os.jobs.cancel.handler(({ input }) => jobs.set(input.id, { state: "cancelled" })),
    pause: os.jobs.pause.handler(({ input }) => jobs.set(input.id, { state: "paused" })),
    resume: os.jobs.resume.handler(({ input }) => jobs.set(input.id, { state: "running" })),
    dismiss: os.jobs.dismiss.handler(({ input }) => ({ dismissed: jobs.dismiss(input.id) })),
    watch: os.jobs.watch.handler(({ signal }) => jobs.watch(signal)),
  },
  training: {
    start: os.training.start.handler(() => {
      throw new ORPCError("unsupported", { message: "Nothing is trained here." });
    }),
    curve: os.training.curve.handler(() => []),
  },
  system: {
    doctor: os.system.doctor.handler(() => ({
      facet: "0.1.0",
      node: "24.21.0",
      onnxruntime: "1.30.0",
      sqlite: "3.53.0",
      platform: "linux x64",
      cores: 2,
      memoryBytes: 24_000_000_000,
      providers: [
        { name: "cpu", available: true, precision },
        {
          name: "cuda",
          available: false,
          reason: "libcudart.so.13 was not found. “facet doctor --install-cuda” fetches it.",
          precision,
        },
        { name: "webgpu", available: false, reason: "No adapter answered.", precision },
      ],
      devices: [{ name: "AMD EPYC", provider: "cpu", memoryBytes: null }],
      library: {
        path: "/home/ada/Facet",
        loras: live().length,
        spaces: spaces.length,
        version: "1",
      },
      engine: { running: true, memoryBytes: 1_100_000_000 },
      engines: [],
      comfy: folders,
    })),
    capabilities: os.system.capabilities.handler(() => ({
      shell: "host",
      version: "0.1.0",
      pickFiles: false,
      dragOut: false,
    })),
    settings: os.system.settings.handler(() => settings),
    changeSettings: os.system.changeSettings.handler(({ input }) => {
      settings = { ...settings, ...input } as z.output<typeof Settings>;
      return settings;
    }),
    remember: os.system.remember.handler(({ input }) => {
      remembered.set(input.key, input.value);
      return { ok: true } as const;
    }),
    recall: os.system.recall.handler(({ input }) => ({ value: remembered.get(input.key) ?? null })),
    pickFiles: os.system.pickFiles.handler(() => []),
    listFolder: os.system.listFolder.handler(({ input }) => {
      const path = input.path ?? "/home/ada";
      return {
        path,
        parent: path === "/" ? null : join(path, ".."),
        folders: ["ComfyUI", "Documents", "loras", "old loras", "Pictures"].map((name) => ({
          name,
          path: join(path, name),
        })),
        loras: path.endsWith("loras") ? 1200 : 0,
      };
    }),
    showInFolder: os.system.showInFolder.handler(() => ({ shown: false })),
  },
});

const types: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; connect-src 'self' ws:; font-src 'self'";
const server = createServer((request, response) => {
  const path = new URL(request.url ?? "/", "http://fake").pathname;
  if (path === "/session") return response.writeHead(204).end();
  const picture = fakePictures.get(/^\/picture\/([0-9a-f]+)\.png$/.exec(path)?.[1] ?? "");
  if (picture !== undefined)
    return response.writeHead(200, { "content-type": "image/png" }).end(picture);
  try {
    const body = readFileSync(join(bundle, path === "/" ? "index.html" : path));
    response
      .writeHead(200, {
        "content-type": types[extname(path === "/" ? ".html" : path)] ?? "text/html",
        "content-security-policy": policy,
      })
      .end(body);
  } catch {
    response.writeHead(404).end();
  }
  return undefined;
});
const handler = new RPCHandler(router);
const sockets = new WebSocketServer({ server, path: "/rpc" });
sockets.on("connection", (socket) => void handler.upgrade(socket));

const port = Number(process.argv[2] ?? 4173);
server.listen(port, "127.0.0.1", () =>
  console.log(`http://127.0.0.1:${port}/#token=${"fake".repeat(8)}`),
);
if (process.argv.includes("--busy"))
  jobs.start("export", "Export 600 LoRAs", 600, "files", null, 412);
