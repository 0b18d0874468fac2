/** The queue of identities to write and how they are to be written. */
import { z } from "zod";
import { create } from "zustand";
import { ExportOptions } from "../../../src-preload/contract/exports.ts";
import { remember } from "../../studio/remember.ts";

type Options = z.output<typeof ExportOptions>;

interface ExportState {
  readonly ids: readonly string[];
  /** Null until the settings or the user said something. */
  readonly options: Options | null;
  readonly folder: string | null;
  /** The last job started here. */
  readonly job: string | null;
}

export const useExport = create<ExportState>(() => ({
  ids: [],
  options: null,
  folder: null,
  job: null,
}));

const Stored = z.object({
  ids: z.array(z.string()),
  options: ExportOptions.nullable(),
  folder: z.string().nullable(),
  job: z.string().nullable(),
});

/** Main keeps at most 1 MB for a page; a queue of more is not worth keeping anyway. */
const QUEUE_KEPT = 5000;

remember(
  "export",
  useExport,
  ({ ids, options, folder, job }) => ({ ids: ids.slice(0, QUEUE_KEPT), options, folder, job }),
  (value) => Stored.safeParse(value).data ?? null,
);

/** What was asked for takes the queue's place; a finished export has nothing left to lose. */
export function queueForExport(ids: readonly string[]): void {
  useExport.setState({ ids: [...ids], job: null });
}

export function unqueue(id: string): void {
  useExport.setState((state) => ({ ids: state.ids.filter((each) => each !== id) }));
}

export function addToQueue(ids: readonly string[]): void {
  useExport.setState((state) => ({ ids: [...new Set([...state.ids, ...ids])] }));
}
