/** The engine's end of the port to main, whether Node or Electron started it. */
import type { EnginePort } from "./launcher.ts";

interface ElectronParentPort {
  postMessage(message: unknown): void;
  on(event: "message", listener: (event: { data: unknown }) => void): void;
}

export function parentPort(): EnginePort {
  // Electron's utility processes have process.parentPort, which Node's types do not know.
  const electron = (process as { parentPort?: ElectronParentPort }).parentPort;
  if (electron !== undefined) {
    return {
      postMessage: (message) => {
        electron.postMessage(message);
      },
      on(event, listener) {
        if (event === "message") electron.on("message", listener);
      },
    };
  }
  // Main is gone: an engine without it would run on unseen.
  process.on("disconnect", () => process.exit(0));
  return {
    postMessage(message) {
      // Main may have gone while the answer was made: the disconnect that follows ends this process.
      process.send?.(message, undefined, undefined, () => undefined);
    },
    on(event, listener) {
      if (event === "message") process.on("message", (data: unknown) => listener({ data }));
      if (event === "close") process.on("disconnect", () => listener());
    },
  };
}
