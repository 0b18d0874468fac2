/** The studio:// scheme: the same addresses as the host's, without a network. */
import { protocol } from "electron";
import type { Content } from "../host/content.ts";
import { SCHEME } from "./addresses.ts";
import { answerPage } from "./answer.ts";

/** Must run before Electron is ready, once. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([
    {
      scheme: SCHEME,
      privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true },
    },
  ]);
}

export function serveScheme(content: Content): void {
  protocol.handle(SCHEME, (request) => answerPage(request, content));
}
