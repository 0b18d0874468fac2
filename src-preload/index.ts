/** The bridge between a page and Electron: three operations, each a function of its own. */
import { contextBridge, ipcRenderer, webUtils } from "electron";

// What a page finds as `window.studio` (src-renderer/studio/shell.ts has its type); in a browser there is none.
contextBridge.exposeInMainWorld("studio", {
  shell: "electron",

  /**
   * Asks for the contract's port. It arrives as a message `facet:port` to the window, because a
   * MessagePort can cross into the page's world only that way.
   */
  connect(): void {
    const { port1, port2 } = new MessageChannel();
    ipcRenderer.postMessage("studio:connect", null, [port2]);
    window.postMessage("facet:port", window.location.origin, [port1]);
  },

  /** Where a dropped file lies; empty for one that is not on the disk. */
  pathOf(file: File): string {
    return webUtils.getPathForFile(file);
  },

  /** Begins a native drag of staged files; to be called in `dragstart`. `icon` is a PNG as a data address. */
  startDrag(paths: readonly string[], icon: string): void {
    ipcRenderer.send("studio:start-drag", { paths, icon });
  },
});
