/** Where the library lies by default. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";
import { defaultLibraryFolder } from "../../src-main/library-folder.ts";

it("is the platform's place for an application's data", () => {
  expect(defaultLibraryFolder({}, "linux")).toBe(join(homedir(), ".local/share/facet/library"));
  expect(defaultLibraryFolder({ XDG_DATA_HOME: "/data" }, "linux")).toBe(
    join("/data", "facet", "library"),
  );
  expect(defaultLibraryFolder({}, "darwin")).toContain(join("Application Support", "Facet"));
  expect(defaultLibraryFolder({ LOCALAPPDATA: "C:\\Local" }, "win32")).toContain("Facet");
});

it("is what FACET_LIBRARY says, made absolute", () => {
  expect(defaultLibraryFolder({ FACET_LIBRARY: "my loras" }, "linux")).toBe(resolve("my loras"));
  expect(defaultLibraryFolder({ FACET_LIBRARY: "" }, "linux")).toContain("facet");
});
