/** Files that cross the window's edge: dropped in, picked, dragged out, downloaded. */
import { z } from "zod";
import { studio } from "./client.ts";
import { bearer } from "./session.ts";
import { shell } from "./shell.ts";

/** What Facet can read, and what belongs beside it. Other files of a dropped folder stay where they are. */
const WANTED = /\.(safetensors|pt|pth|bin|ckpt)$|adapter_config\.json$|\.(png|jpe?g|webp)$/iu;

const Uploaded = z.object({ path: z.string() });

export function pictureUrl(hash: string): string {
  return `/picture/${hash}.webp`;
}

export function carriesFiles(event: { readonly dataTransfer: DataTransfer | null }): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

/** Entries must be taken while the drop event runs; the browser empties the list afterwards. */
export function takeDropped(transfer: DataTransfer): () => Promise<string[]> {
  if (shell !== undefined) {
    const bridge = shell;
    const paths = [...transfer.files].map((file) => bridge.pathOf(file)).filter((path) => path !== "");
    return () => Promise.resolve(paths);
  }
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  return async () => {
    const files = (await Promise.all(entries.map((entry) => filesOf(entry)))).flat();
    return uploadAll(files);
  };
}

/** For the host's file input. */
export async function uploadAll(files: readonly File[], progress?: (done: number) => void): Promise<string[]> {
  const paths: string[] = [];
  for (const file of files) {
    if (!WANTED.test(file.name)) continue;
    paths.push(await upload(file));
    progress?.(paths.length);
  }
  return paths;
}

async function upload(file: File): Promise<string> {
  const response = await fetch(`/upload?name=${encodeURIComponent(file.name)}`, {
    method: "POST",
    headers: { ...bearer(), "content-type": "application/octet-stream" },
    body: file,
  });
  if (!response.ok) throw new Error(`${file.name} was not taken by the host: ${await response.text()}`);
  return Uploaded.parse(await response.json()).path;
}

async function filesOf(entry: FileSystemEntry): Promise<File[]> {
  if (isFile(entry)) return [await new Promise<File>((resolve, reject) => entry.file(resolve, reject))];
  if (!isFolder(entry)) return [];
  const reader = entry.createReader();
  const found: File[] = [];
  // A reader gives a hundred entries at a time, and an empty list at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
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
