/** The bridge that Electron's preload puts on the window; undefined in a browser that the host serves. */

export interface ShellBridge {
  readonly shell: "electron";
  /** Asks for a connection; the answer is a window message `facet:port` that carries a MessagePort. */
  connect(): void;
  pathOf(file: File): string;
  startDrag(paths: string[], icon: string): void;
}

declare global {
  interface Window {
    readonly studio?: ShellBridge;
  }
}

export const shell: ShellBridge | undefined = window.studio;
