/** Widths and open states of the side panels, remembered for each page. */
import { z } from "zod";
import { create } from "zustand";
import { remember } from "../studio/remember.ts";

interface PanelState {
  readonly widths: Readonly<Record<string, number>>;
  readonly closed: Readonly<Record<string, boolean>>;
}

const Stored = z.object({
  widths: z.record(z.string(), z.number()),
  closed: z.record(z.string(), z.boolean()),
});

export const usePanels = create<PanelState>(() => ({ widths: {}, closed: {} }));

remember(
  "panels",
  usePanels,
  ({ widths, closed }) => ({ widths, closed }),
  (value) => Stored.safeParse(value).data ?? null,
);

export function setWidth(name: string, width: number): void {
  usePanels.setState((state) => ({ widths: { ...state.widths, [name]: Math.round(width) } }));
}

export function setClosed(name: string, closed: boolean): void {
  usePanels.setState((state) => ({ closed: { ...state.closed, [name]: closed } }));
}
