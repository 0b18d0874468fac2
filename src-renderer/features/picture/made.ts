/** Pictures that were made: shown again without being made again, and as thumbnails of what they show. */
import { z } from "zod";
import { create } from "zustand";
import { Picture } from "../../../src-preload/contract/previews.ts";
import { remember } from "../../studio/remember.ts";

const Made = z.object({
  /** Of everything that the picture depends on. */
  key: z.string(),
  /** Of the identity in it alone. */
  of: z.string(),
  picture: Picture,
});
export type Made = z.infer<typeof Made>;

export const useMade = create<{ list: readonly Made[] }>(() => ({ list: [] }));

/** About 600 bytes each, well below what may be remembered; main keeps the pictures themselves longer. */
const KEPT = 300;

remember(
  "pictures",
  useMade,
  ({ list }) => ({ list }),
  (value) => z.object({ list: z.array(Made) }).safeParse(value).data ?? null,
);

export function addMade(made: Made): void {
  useMade.setState(({ list }) => ({
    list: [made, ...list.filter((each) => each.key !== made.key)].slice(0, KEPT),
  }));
}

/** For a picture whose file is gone: it is made again when it is wanted. */
export function forgetMade(sha256: string): void {
  useMade.setState(({ list }) => ({
    list: list.filter((each) => each.picture.sha256 !== sha256),
  }));
}

export function madeWith(list: readonly Made[], key: string): Made | undefined {
  return list.find((each) => each.key === key);
}

/** The newest picture of an identity, whatever its prompt. */
export function madeOf(list: readonly Made[], of: string): Made | undefined {
  return list.find((each) => each.of === of);
}
