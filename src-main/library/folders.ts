/** Where things lie inside a library folder. */
import { join, sep } from "node:path";

export interface Folders {
  readonly root: string;
  readonly database: string;
  readonly blobs: string;
  readonly previews: string;
  readonly recipes: string;
  readonly references: string;
  readonly spaces: string;
  readonly backups: string;
  readonly staging: string;
  /** Pictures made here: disposable. */
  readonly pictures: string;
  readonly collections: string;
}

export function foldersOf(root: string): Folders {
  return {
    root,
    database: join(root, "facet.sqlite"),
    blobs: join(root, "blobs"),
    previews: join(root, "previews"),
    recipes: join(root, "recipes"),
    references: join(root, "references"),
    spaces: join(root, "spaces"),
    backups: join(root, "backups"),
    staging: join(root, "staging"),
    pictures: join(root, "pictures"),
    collections: join(root, "collections.json"),
  };
}

/**
 * One copied original has a folder of its own, named by content: the file, its adapter_config.json where it has
 * one (the engine looks for it beside the file), and what the user added. It appears by one rename, or not at all.
 */
export function blobFolder(folders: Folders, blob: string): string {
  return join(folders.blobs, blob.slice(0, 2), blob.split("/")[0] ?? blob);
}

/** `blob` as rows hold it: folder name and file name, e.g. `abcd…/lora.safetensors`. */
export function blobFile(folders: Folders, blob: string): string {
  return join(folders.blobs, blob.slice(0, 2), ...blob.split("/"));
}

/** What a copied original's folder says of it besides the file. */
export const blobRecordName = "facet.json";
export const companionName = "adapter_config.json";

export function previewFile(folders: Folders, hash: string): string {
  return join(folders.previews, `${hash}.webp`);
}

/** A picture that was made here, named by its content. */
export function pictureFile(folders: Folders, hash: string): string {
  return join(folders.pictures, `${hash}.png`);
}

export function recipeFile(folders: Folders, id: string): string {
  return join(folders.recipes, `${id}.json`);
}

/** Records of referenced files, some hundreds to a file, so that 30,000 of them are 256 files and not 30,000. */
export function referenceFile(folders: Folders, shard: string): string {
  return join(folders.references, `${shard}.jsonl`);
}

export function shardOf(id: string): string {
  return id.slice(0, 2);
}

/** True for a path inside a folder, not for the folder itself. */
export function isInside(folder: string, path: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
