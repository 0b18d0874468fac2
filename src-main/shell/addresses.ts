/** The pages' own scheme, and the few places outside that a link may lead to. */

export const SCHEME = "studio";
const PAGE_HOST = "app";
export const PAGE_ORIGIN = `${SCHEME}://${PAGE_HOST}`;

const OUTSIDE = new Set(["github.com", "huggingface.co", "civitai.com", "docs.comfy.org"]);

export function isOwnPageAddress(address: string): boolean {
  const url = URL.parse(address);
  return url !== null && url.protocol === `${SCHEME}:` && url.host === PAGE_HOST;
}

/** Links that the system's browser may open: https, a known host, no credentials. */
export function mayOpenOutside(address: string): boolean {
  const url = URL.parse(address);
  return (
    url !== null &&
    url.protocol === "https:" &&
    url.username === "" &&
    url.port === "" &&
    OUTSIDE.has(url.hostname)
  );
}
