/** What can be done right now: one list behind the command palette, the shortcuts sheet and the keyboard. */
import { useEffect } from "react";
import { create } from "zustand";
import { matches, shown } from "../lib/hotkeys.ts";

export interface Command {
  readonly id: string;
  readonly label: string;
  readonly group: string;
  run(): void;
  readonly hotkeys?: readonly string[];
  readonly disabled?: boolean;
  readonly description?: string;
  /** Listed among the shortcuts but not in the palette, e.g. keys of a grid that need a focused card. */
  readonly hidden?: boolean;
  /** The page's own widget handles the key; here it is only told. */
  readonly toldOnly?: boolean;
}

export const useCommandStore = create<{ sources: Readonly<Record<string, readonly Command[]>> }>(
  () => ({
    sources: {},
  }),
);

/** Offers commands for as long as the calling component is on the page. `commands` should be memoised. */
export function useCommands(source: string, commands: readonly Command[]): void {
  useEffect(() => {
    useCommandStore.setState((state) => ({ sources: { ...state.sources, [source]: commands } }));
    return () =>
      useCommandStore.setState((state) => {
        const { [source]: _gone, ...sources } = state.sources;
        return { sources };
      });
  }, [source, commands]);
}

export function useCommand(id: string): Command | undefined {
  return useCommandStore((state) =>
    Object.values(state.sources)
      .flat()
      .find((command) => command.id === id),
  );
}

const mac = /mac/iu.test(navigator.userAgent);
export function keys(hotkey: string): string {
  return shown(hotkey, mac);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      (target instanceof HTMLInputElement &&
        !["checkbox", "radio", "range"].includes(target.type)) ||
      target instanceof HTMLTextAreaElement ||
      target instanceof HTMLSelectElement)
  );
}

export function listenForHotkeys(): void {
  window.addEventListener("keydown", (event) => {
    if (event.defaultPrevented) return;
    const typing = isTyping(event.target);
    // A dialog or an open menu owns the keyboard.
    if (document.querySelector('[role="dialog"][aria-modal="true"], [data-modal]') !== null) return;
    for (const command of Object.values(useCommandStore.getState().sources).flat()) {
      if (command.disabled === true || command.toldOnly === true) continue;
      for (const hotkey of command.hotkeys ?? []) {
        // In a text field only chords that do not edit text may act.
        if (typing && !(hotkey.includes("mod+") && /\+[k\d,]$/u.test(hotkey))) continue;
        if (!matches(hotkey, event)) continue;
        event.preventDefault();
        command.run();
        return;
      }
    }
  });
}
