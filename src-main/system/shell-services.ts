/** What the window around the pages can do; a browser can do none of it. */

export interface ShellServices {
  readonly kind: "electron" | "host";
  readonly pickFiles?:
    | ((request: { title: string; folders: boolean }) => Promise<string[]>)
    | undefined;
  readonly showInFolder?: ((path: string) => void) | undefined;
}
