/** The host's bearer token: taken from the address at first load, kept for this tab only, shown nowhere. */

const KEY = "facet.token";

function take(): string | null {
  const found = /(?:^#|&)token=([^&]+)/u.exec(location.hash)?.[1];
  if (found === undefined) return sessionStorage.getItem(KEY);
  const token = decodeURIComponent(found);
  sessionStorage.setItem(KEY, token);
  history.replaceState(null, "", `${location.pathname}${location.search}`);
  return token;
}

export const token: string | null = take();

export function bearer(): Record<string, string> {
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

/** Sets the cookie by which pictures load. `refused` means that the token is wrong, not that the host is away. */
export async function openSession(): Promise<"open" | "refused" | "unreachable"> {
  try {
    const response = await fetch("/session", { method: "POST", headers: bearer() });
    if (response.ok) return "open";
    return response.status === 401 || response.status === 403 ? "refused" : "unreachable";
  } catch {
    return "unreachable";
  }
}
