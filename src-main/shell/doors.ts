/** The only door to ipcMain: a message is heard if our own page sent it and its shape is right. */
import { ipcMain, type IpcMainEvent } from "electron";
import type { ZodType } from "zod";
import { PAGE_ORIGIN } from "./addresses.ts";

export function listenToPage<Message>(
  channel: `studio:${string}`,
  shape: ZodType<Message>,
  listener: (message: Message, event: IpcMainEvent) => void,
): void {
  ipcMain.on(channel, (event, message: unknown) => {
    if (!isOwnPage(event)) return;
    const parsed = shape.safeParse(message);
    if (parsed.success) listener(parsed.data, event);
  });
}

/** The top frame of one of our windows; frames inside it and pages from elsewhere have no business here. */
function isOwnPage(event: IpcMainEvent): boolean {
  const frame = event.senderFrame;
  return frame !== null && frame === event.sender.mainFrame && frame.origin === PAGE_ORIGIN;
}
