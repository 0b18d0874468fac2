/** Keyboard shortcuts written as text: "mod+z", "shift+mod+z", "Delete", "/". `mod` is Ctrl, or Cmd on a Mac. */

interface KeyEvent {
  readonly key: string;
  readonly code: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

export function matches(hotkey: string, event: KeyEvent): boolean {
  const parts = hotkey.split("+");
  const key = parts.at(-1) ?? "";
  if (parts.includes("mod") !== (event.ctrlKey || event.metaKey)) return false;
  if (parts.includes("alt") !== event.altKey) return false;
  // "?" and "/" are made with Shift on many layouts, so Shift only counts where it is named or the key is a letter.
  const named = parts.includes("shift");
  if (named && !event.shiftKey) return false;
  if (!named && event.shiftKey && (key.length > 1 || /[a-z0-9]/iu.test(key))) return false;
  if (event.key.toLowerCase() === key.toLowerCase()) return true;
  // With Alt a Mac types another character; the physical digit is what was meant.
  return /^\d$/u.test(key) && event.code === `Digit${key}`;
}

/** As shown on keys: "Ctrl Z", "⌘ ⇧ Z". */
export function shown(hotkey: string, mac: boolean): string {
  const names: Record<string, string> = mac
    ? { mod: "⌘", shift: "⇧", alt: "⌥", Delete: "⌫", ArrowUp: "↑", Escape: "Esc" }
    : { mod: "Ctrl", shift: "Shift", alt: "Alt", Escape: "Esc", ArrowUp: "↑" };
  return hotkey
    .split("+")
    .map((part) => names[part] ?? (part.length === 1 ? part.toUpperCase() : part))
    .join(" ");
}
