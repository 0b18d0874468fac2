/** Starts an engine in one of Electron's utility processes. */
import { join } from "node:path";
import { utilityProcess } from "electron";
import type { Launcher } from "../engine/launcher.ts";

export const forkUtility: Launcher = (role) => {
  const child = utilityProcess.fork(join(import.meta.dirname, "engine.js"), [role], {
    serviceName: `Facet engine (${role})`,
    stdio: "inherit",
  });
  return {
    get pid() {
      return child.pid;
    },
    port: {
      postMessage(message) {
        child.postMessage(message);
      },
      on(event, listener) {
        // oRPC expects a message inside an event, as a port has it; a utility process gives it bare.
        if (event === "message") child.on("message", (data: unknown) => listener({ data }));
        if (event === "close") child.on("exit", () => listener());
      },
    },
    onExit(listener) {
      child.on("exit", (code) => listener(code));
    },
    kill() {
      child.kill();
    },
  };
};
