/** Whether the fit dialog is open, and over which members: null means whatever the dialog offers first. */
import { create } from "zustand";

export const useFit = create<{ open: boolean; ids: readonly string[] | null }>(() => ({
  open: false,
  ids: null,
}));

export function openFit(ids: readonly string[] | null): void {
  useFit.setState({ open: true, ids });
}
