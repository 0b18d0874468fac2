/** Gives each page a port to the contract. */
import type { WebContents } from "electron";
import type { AnyRouter } from "@orpc/server";
import { RPCHandler } from "@orpc/server/message-port";
import { z } from "zod";
import { listenToPage } from "./doors.ts";

/** A page may ask before the library is open; its calls wait in the port until then. */
export function answerPages(router: Promise<AnyRouter>): void {
  const handler = router.then((ready) => new RPCHandler(ready));
  const closers = new WeakMap<WebContents, () => void>();

  listenToPage("studio:connect", z.null(), (_message, event) => {
    const [port] = event.ports;
    if (port === undefined) return;
    const page = event.sender;
    // A page that reloads asks again: the port of its former life ends with its streams.
    closers.get(page)?.();
    const close = () => port.close();
    closers.set(page, close);
    page.once("destroyed", close);
    void handler.then((ready) => {
      ready.upgrade(port);
      port.start();
    });
  });
}
