/** The application's menu: what the system expects; everything of the studio's own stands in its pages. */
import { app, Menu, shell, type MenuItemConstructorOptions } from "electron";

const HELP = "https://docs.comfy.org/";

export function setMenu(): void {
  const template: MenuItemConstructorOptions[] = [
    ...(process.platform === "darwin" ? [{ role: "appMenu" } as const] : []),
    { role: "fileMenu" },
    { role: "editMenu" },
    {
      label: "View",
      submenu: [
        { role: "resetZoom" },
        { role: "zoomIn" },
        { role: "zoomOut" },
        { type: "separator" },
        { role: "togglefullscreen" },
        ...(app.isPackaged ? [] : ([{ role: "reload" }, { role: "toggleDevTools" }] as const)),
      ],
    },
    { role: "windowMenu" },
    {
      role: "help",
      submenu: [
        { label: "How ComfyUI uses LoRAs", click: () => void shell.openExternal(HELP) },
        { role: "about" },
      ],
    },
  ];
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}
