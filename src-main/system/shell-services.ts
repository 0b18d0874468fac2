/** What the window around the pages can do; the host can do none of it. */

export interface ShellServices {
  readonly kind: "electron" | "host";
  readonly pickFiles: ((title: string, folders: boolean) => Promise<string[]>) | null;
  readonly showInFolder: ((path: string) => void) | null;
  readonly dragOut: boolean;
}

export const noShell: ShellServices = {
  kind: "host",
  pickFiles: null,
  showInFolder: null,
  dragOut: false,
};
