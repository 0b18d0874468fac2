/** What may be read by address: the pages' bundle, previews by hash, staged exports by token. Never a path. */
import { lstatSync, readdirSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { foldersOf, pictureFile, previewFile, type Folders } from "../library/folders.ts";
import { attachment } from "./headers.ts";

/** A file that an address stands for, with the headers that belong to it. */
export interface Found {
  readonly file: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Pages are public; what comes from the library is not. */
  readonly visibility: "public" | "private";
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webp": "image/webp",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
};

const IMMUTABLE = "max-age=31536000, immutable";

/** Content hashes in hexadecimal; anything else cannot name a preview. */
const PICTURE = /^\/picture\/([0-9a-f]{16,128})\.(webp|png)$/;
/** Folders of staged exports have this name; uploads, which lie beside them, have not. */
const DOWNLOAD = /^\/download\/(export-[0-9a-f-]{36})$/;

/** Dots, slashes and backslashes in disguise: no address of ours has any, so they are refused before parsing. */
const DISGUISED = /%(?:2e|2f|5c|00|25)|\\|\/\.|\/\//i;

export function isPlainPath(path: string): boolean {
  return path.startsWith("/") && !DISGUISED.test(path);
}

export class Content {
  readonly #bundle: string;
  readonly #folders: Folders;
  #files: ReadonlyMap<string, Found> = new Map();
  /** When the pages were built that `#files` lists; they may be built again while this runs. */
  #built = 0;

  constructor(options: { bundle: string; library: string }) {
    this.#bundle = options.bundle;
    this.#folders = foldersOf(options.library);
  }

  /** The file behind an address; undefined where there is none. */
  find(path: string): Found | undefined {
    const [, hash, ending] = PICTURE.exec(path) ?? [];
    if (hash !== undefined) return this.#picture(hash, ending === "png");
    const download = DOWNLOAD.exec(path)?.[1];
    if (download !== undefined) return this.#download(download);
    return this.#page(path);
  }

  /** Previews of the library are WebP, pictures made here PNG. */
  #picture(hash: string, made: boolean): Found | undefined {
    const file = made ? pictureFile(this.#folders, hash) : previewFile(this.#folders, hash);
    if (!isFile(file)) return undefined;
    return {
      file,
      visibility: "private",
      headers: {
        "content-type": made ? "image/png" : "image/webp",
        "cache-control": `private, ${IMMUTABLE}`,
      },
    };
  }

  /** A staged export is the one file in the folder named after its token. */
  #download(token: string): Found | undefined {
    const folder = join(this.#folders.staging, token);
    const names = readFolder(folder).filter((name) => isFile(join(folder, name)));
    const [name] = names;
    if (name === undefined || names.length !== 1) return undefined;
    return {
      file: join(folder, name),
      visibility: "private",
      headers: {
        "content-type": "application/octet-stream",
        "content-disposition": attachment(name),
        "cache-control": "private, no-store",
      },
    };
  }

  /** Pages keep their own addresses (/library, /explore): those without a file ending are all index.html. */
  #page(path: string): Found | undefined {
    const built = statSync(join(this.#bundle, "index.html"), { throwIfNoEntry: false })?.mtimeMs;
    if (built === undefined) return undefined;
    if (built !== this.#built) {
      this.#files = listBundle(this.#bundle);
      this.#built = built;
    }
    const exact = this.#files.get(path);
    if (exact !== undefined) return exact;
    return extname(path) === "" ? this.#files.get("/index.html") : undefined;
  }
}

function isFile(path: string): boolean {
  // lstat: a link in the library's folders leads somewhere else, so it is not one of its files.
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function readFolder(folder: string): string[] {
  if (!(lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false)) return [];
  return readdirSync(folder);
}

/** Every address of the bundle, listed once: what is not in the list is not served, however it is spelt. */
function listBundle(folder: string): ReadonlyMap<string, Found> {
  const files = new Map<string, Found>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const type = TYPES[extname(entry.name)];
    if (!entry.isFile() || entry.name.startsWith(".") || type === undefined) continue;
    const file = join(entry.parentPath, entry.name);
    const address = `/${file.slice(folder.length + 1).replaceAll("\\", "/")}`;
    // Names under assets/ carry a hash of their content.
    const cache = address.startsWith("/assets/") ? `public, ${IMMUTABLE}` : "no-cache";
    files.set(address, {
      file,
      visibility: "public",
      headers: { "content-type": type, "cache-control": cache },
    });
  }
  const index = files.get("/index.html");
  if (index !== undefined) files.set("/", index);
  return files;
}
