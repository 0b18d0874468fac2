/** Which addresses are our own pages, and which may be opened in the system's browser. */
import { describe, expect, it } from "vitest";
import { isOwnPageAddress, mayOpenOutside } from "../../../src-main/shell/addresses.ts";

describe("our own pages", () => {
  it.each(["studio://app/", "studio://app/library?x=1#y", "studio://app"])(
    "%s is one",
    (address) => {
      expect(isOwnPageAddress(address)).toBe(true);
    },
  );

  it.each([
    "studio://elsewhere/",
    "studio://app.evil.example/",
    "studio://app@evil.example/",
    "studio:app",
    "https://app/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "nothing",
    "",
  ])("%s is none", (address) => {
    expect(isOwnPageAddress(address)).toBe(false);
  });
});

describe("links to the outside", () => {
  it.each(["https://github.com/comfyanonymous/ComfyUI", "https://civitai.com/models/1"])(
    "%s may be opened",
    (address) => {
      expect(mayOpenOutside(address)).toBe(true);
    },
  );

  it.each([
    "http://github.com/",
    "https://github.com:8443/",
    "https://user@github.com/",
    "https://github.com.evil.example/",
    "https://evil.example/?github.com",
    "file:///usr/bin/xcalc",
    "smb://github.com/share",
    "ms-settings:",
  ])("%s may not", (address) => {
    expect(mayOpenOutside(address)).toBe(false);
  });
});
