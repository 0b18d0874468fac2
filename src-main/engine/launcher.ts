/** Starts an engine process under Node and gives the port to talk to it; Electron has a launcher of its own in shell/. */
import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const engineRoles = ["interactive", "background", "training", "pictures"] as const;
export type EngineRole = (typeof engineRoles)[number];

/** What oRPC needs of a port: the shape of Electron's MessagePortMain. */
export interface EnginePort {
  postMessage(message: unknown): void;
  on(event: string, listener: (event?: { data: unknown }) => void): void;
}

export interface EngineProcess {
  readonly port: EnginePort;
  readonly pid: number | undefined;
  /** `signal` where the system says by which one it ended. */
  onExit(listener: (code: number | null, signal?: string | null) => void): void;
  kill(): void;
}

export type Launcher = (role: EngineRole) => EngineProcess;

/** The engine's entry beside this folder: TypeScript in a checkout, JavaScript where the package is compiled. */
function entry(): string {
  const source = fileURLToPath(new URL("../engine.ts", import.meta.url));
  return existsSync(source) ? source : fileURLToPath(new URL("../engine.js", import.meta.url));
}

export const forkEngine: Launcher = (role) => {
  const child = fork(entry(), [role], {
    serialization: "advanced",
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    execArgv: ["--max-old-space-size=8192", "--disable-warning=ExperimentalWarning"],
  });
  return {
    pid: child.pid,
    port: {
      postMessage(message) {
        // A send to a process that has just ended is answered by its exit event.
        if (child.connected) child.send(message as string, () => undefined);
      },
      on(event, listener) {
        if (event === "message") child.on("message", (data: unknown) => listener({ data }));
        if (event === "close") child.on("exit", () => listener());
      },
    },
    onExit(listener) {
      child.on("exit", listener);
    },
    kill() {
      child.kill("SIGKILL");
    },
  };
};

export function isEngineRole(value: unknown): value is EngineRole {
  return engineRoles.some((role) => role === value);
}
