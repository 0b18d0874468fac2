/** Whether the jobs tray is open: messages about a job's end may open it. */
import { create } from "zustand";

export const useTray = create<{ open: boolean }>(() => ({ open: false }));

export function openTray(): void {
  useTray.setState({ open: true });
}
