/** Files that cross the window's edge: dropped in, picked, dragged out, downloaded. */
import { z } from "zod";
import { randomId } from "../lib/random-id.ts";
import { studio } from "./client.ts";
import { bearer } from "./session.ts";
import { shell } from "./shell.ts";

const LORA = /\.(safetensors|pt|pth|bin|ckpt)$/iu;

/** What belongs beside a LoRA file and is found there by the import. */
const BESIDE = /adapter_config\.json$|\.(png|jpe?g|webp)$/iu;

const Uploaded = z.object({ path: z.string() });
const Refused = z.object({ error: z.object({ message: z.string() }) });

export function pictureUrl(hash: string): string {
  return `/picture/${hash}.webp`;
}

/** A picture that Facet made, as PNG with its settings inside. */
export function madeUrl(sha256: string): string {
  return `/picture/${sha256}.png`;
}

export function carriesFiles(event: { readonly dataTransfer: DataTransfer | null }): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

/** Entries must be taken while the drop event runs; the browser empties the list afterwards. */
export function takeDropped(transfer: DataTransfer): () => Promise<string[]> {
  if (shell !== undefined) {
    const bridge = shell;
    const paths = [...transfer.files]
      .map((file) => bridge.pathOf(file))
      .filter((path) => path !== "");
    return () => Promise.resolve(paths);
  }
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  return async () => uploadAll((await Promise.all(entries.map((entry) => filesOf(entry)))).flat());
}

interface Sent {
  readonly file: File;
  /** With the folders it was dropped in, so that files that belong together stay together. */
  readonly name: string;
}

/** Sends files of this computer to the host; answers the paths of those that may be LoRAs. */
export async function uploadAll(
  files: readonly Sent[],
  progress?: (done: number) => void,
): Promise<string[]> {
  const batch = randomId();
  const paths: string[] = [];
  let done = 0;
  for (const { file, name } of files) {
    const lora = LORA.test(name);
    if (lora || BESIDE.test(name)) {
      const path = await upload(file, name, batch);
      if (lora) paths.push(path);
    }
    progress?.(++done);
  }
  return paths;
}

async function upload(file: File, name: string, batch: string): Promise<string> {
  const query = new URLSearchParams({ name, batch });
  const response = await fetch(`/upload?${query}`, {
    method: "POST",
    headers: { ...bearer(), "content-type": "application/octet-stream" },
    body: file,
  });
  if (!response.ok)
    throw new Error(
      `${file.name} was not taken by the host: ${Refused.safeParse(await response.json().catch(() => null)).data?.error.message ?? response.statusText}`,
    );
  return Uploaded.parse(await response.json()).path;
}

async function filesOf(entry: FileSystemEntry): Promise<Sent[]> {
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return [{ file, name: entry.fullPath.replace(/^\//u, "") }];
  }
  if (!isFolder(entry)) return [];
  const reader = entry.createReader();
  const found: Sent[] = [];
  // A reader gives a hundred entries at a time, and an empty list at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return found;
    for (const each of some) found.push(...(await filesOf(each)));
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}
function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

/** Native dialog where the shell has one. */
export function pickFiles(title: string, folders: boolean): Promise<string[]> {
  return studio.system.pickFiles({ title, folders });
}

/** Must run inside the element's dragstart, with the file already written. */
export function dragOut(paths: string[]): void {
  shell?.startDrag(paths, "");
}

export function download(route: string, name: string): void {
  const link = document.createElement("a");
  link.href = route.startsWith("/") ? route : `/download/${route}`;
  link.download = name;
  link.click();
}
