/** The headers that keep a page to its own bundle, for the host and for Electron's protocol alike. */

/**
 * Styles are inline because Mantine writes its variables into the page; scripts never are.
 * `sockets` names the WebSocket addresses of the host; Electron needs none.
 */
function contentSecurityPolicy(sockets: readonly string[] = []): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' studio: blob: data:",
    "font-src 'self'",
    ["connect-src 'self'", ...sockets].join(" "),
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

export function securityHeaders(sockets: readonly string[] = []): Record<string, string> {
  return {
    "content-security-policy": contentSecurityPolicy(sockets),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=()",
  };
}

/** RFC 6266 with RFC 5987: a plain name for old clients and the exact one in UTF-8. */
export function attachment(name: string): string {
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, "_");
  const exact = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
}
