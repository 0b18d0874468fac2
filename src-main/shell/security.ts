/** What no page may do, set once for every window there will ever be. */
import { app, session, shell, type WebContents } from "electron";
import { isOwnPageAddress, mayOpenOutside } from "./addresses.ts";

/** Copying an error's details is the one thing that a page asks permission for. */
const GRANTED: ReadonlySet<string> = new Set(["clipboard-sanitized-write"]);

export function forbidByDefault(): void {
  app.on("web-contents-created", (_event, contents) => keepInside(contents));
}

/** Must run when Electron is ready: sessions exist only then. */
export function denyPermissions(): void {
  const { defaultSession } = session;
  defaultSession.setPermissionRequestHandler((contents, permission, grant) => {
    grant(GRANTED.has(permission) && isOwnPageAddress(contents.getURL()));
  });
  defaultSession.setPermissionCheckHandler(
    (_contents, permission, origin) => GRANTED.has(permission) && isOwnPageAddress(origin),
  );
  defaultSession.setDevicePermissionHandler(() => false);
}

function keepInside(contents: WebContents): void {
  contents.on("will-attach-webview", (event) => event.preventDefault());
  contents.on("will-frame-navigate", (event) => {
    if (!isOwnPageAddress(event.url)) event.preventDefault();
  });
  contents.on("will-redirect", (event) => {
    if (!isOwnPageAddress(event.url)) event.preventDefault();
  });
  contents.setWindowOpenHandler(({ url }) => {
    if (mayOpenOutside(url)) void shell.openExternal(url);
    return { action: "deny" };
  });
}
