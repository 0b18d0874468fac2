/** Answers the system part of the contract. */
import { Settings } from "../../src-preload/contract/system.ts";
import type { Exports } from "../export/exports.ts";
import type { Library } from "../library/library.ts";
import { version } from "../package-root.ts";
import { type Engines, examine } from "../system/doctor.ts";
import { listFolder } from "../system/list-folder.ts";
import type { ShellServices } from "../system/shell-services.ts";
import type { Answer } from "./errors.ts";

export interface SystemServices {
  readonly library: Library;
  readonly exports: Exports;
  readonly engines: Engines;
  readonly shell: ShellServices;
}

export function systemProcedures(
  answer: Answer,
  { library, exports, engines, shell }: SystemServices,
) {
  const os = answer.system;
  return os.router({
    doctor: os.doctor.handler(() => examine(library, engines, exports)),
    capabilities: os.capabilities.handler(() => ({
      shell: shell.kind,
      version,
      pickFiles: shell.pickFiles !== undefined,
      dragOut: shell.kind === "electron",
    })),
    settings: os.settings.handler(() => library.settings()),
    changeSettings: os.changeSettings.handler(({ input }) =>
      library.saveSettings(Settings.parse({ ...library.settings(), ...input })),
    ),
    remember: os.remember.handler(({ input }) => {
      library.remember(input.key, input.value);
      return { ok: true as const };
    }),
    recall: os.recall.handler(({ input }) => ({ value: library.recall(input.key) })),
    pickFiles: os.pickFiles.handler(({ input }) => shell.pickFiles?.(input) ?? []),
    listFolder: os.listFolder.handler(({ input }) => listFolder(input.path)),
    showInFolder: os.showInFolder.handler(({ input }) => {
      shell.showInFolder?.(input.path);
      return { shown: shell.showInFolder !== undefined };
    }),
  });
}
