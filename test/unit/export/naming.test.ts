/** File names: every system takes them, nothing is cut in two, no two are alike. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkTemplate,
  fields,
  Names,
  sanitise,
  shorten,
  stemFor,
  stemLimit,
} from "../../../src-main/export/naming.ts";

const bytes = (text: string) => Buffer.byteLength(text, "utf8");
const values = {
  name: "Ada",
  id: "0123456789ab",
  rank: "16",
  family: "sdxl",
  date: "2026-11-21",
  index: "3",
  dialect: "kohya",
  dtype: "f16",
};

/** What Windows says about names, written from its documentation and not from the code. */
function windowsTakes(name: string): boolean {
  if (name === "" || name.length > 255) return false;
  for (const character of name) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 32 || '<>:"/\\|?*'.includes(character)) return false;
  }
  if (name.endsWith(".") || name.endsWith(" ")) return false;
  const base = (name.split(".")[0] ?? "").trimEnd().toUpperCase();
  const devices = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
  for (const digit of "0123456789¹²³") devices.push(`COM${digit}`, `LPT${digit}`);
  return !devices.includes(base);
}

describe("sanitise", () => {
  it("gives a name that Windows, macOS and Linux take, whatever comes in", () => {
    const anything = fc.oneof(
      fc.string({ unit: "binary", maxLength: 400 }),
      fc.string({ unit: "grapheme", maxLength: 400 }),
      fc.constantFrom(
        "con",
        "CON.x",
        "nul ",
        " aux.",
        "...",
        "",
        "a/b\\c:d*e?",
        "com¹",
        "COM1.tar.gz",
        "\u202Egpj.exe",
      ),
    );
    fc.assert(
      fc.property(anything, (text) => {
        const stem = sanitise(text, "0123456789ab");
        expect(windowsTakes(stem)).toBe(true);
        expect(windowsTakes(`${stem}.safetensors`)).toBe(true);
        expect(stem).not.toMatch(/^\./);
        expect(stem.isWellFormed()).toBe(true);
        // The longest ending and a number still fit into 255 bytes.
        expect(bytes(`${stem} (99999).safetensors`)).toBeLessThanOrEqual(255);
        expect(sanitise(stem)).toBe(stem);
      }),
    );
  });

  it("keeps what is harmless", () => {
    for (const name of [
      "Ada Lovelace",
      "Zoë",
      "李小龍",
      "v1.2_final-3",
      "👩‍🚀 crew",
      "O'Neil & co",
      "flag 🇨🇭",
    ]) {
      expect(sanitise(name)).toBe(name);
    }
  });

  it("takes the same letters for the same name, however they are composed", () => {
    expect(sanitise("Zoe\u0308")).toBe(sanitise("Zo\u00EB"));
  });

  it("falls back to the id where nothing is left", () => {
    expect(sanitise("...", "0123456789ab")).toBe("0123456789ab");
    expect(sanitise("\u0000\u0007")).toBe("lora");
  });

  it("drops marks that would make a name read backwards, but keeps the joiners of emoji", () => {
    expect(sanitise("a\u202Eb")).toBe("ab");
    expect(sanitise("👨‍👩‍👧")).toBe("👨‍👩‍👧");
  });
});

describe("shorten", () => {
  it("cuts between whole characters only, and no earlier than it must", () => {
    const segments = (text: string) =>
      Array.from(
        new Intl.Segmenter("en", { granularity: "grapheme" }).segment(text),
        ({ segment }) => segment,
      );
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), fc.nat(120), (text, limit) => {
        const short = shorten(text, limit);
        expect(bytes(short)).toBeLessThanOrEqual(limit);
        const whole = segments(text);
        const kept = segments(short);
        expect(whole.slice(0, kept.length)).toEqual(kept);
        const next = whole[kept.length];
        if (next !== undefined) expect(bytes(short + next)).toBeGreaterThan(limit);
      }),
    );
  });

  it("leaves out a family emoji that does not fit, not a part of it", () => {
    const family = "👨‍👩‍👧‍👦"; // 25 bytes
    expect(shorten(`ab${family}`, 26)).toBe("ab");
    expect(shorten(`ab${family}`, 27)).toBe(`ab${family}`);
    expect(sanitise(family.repeat(20))).toBe(family.repeat(Math.floor(stemLimit / 25)));
  });
});

describe("templates", () => {
  it("fills every field", () => {
    const template = fields.map((field) => `{${field}}`).join("_");
    expect(stemFor(template, values)).toBe("Ada_0123456789ab_16_sdxl_2026-11-21_3_kohya_f16");
  });

  it("does not fill in what a name contains", () => {
    expect(stemFor("{name}", { ...values, name: "{id}" })).toBe("{id}");
    expect(stemFor("{name}-{rank}", { ...values, name: "$& $1" })).toBe("$& $1-16");
  });

  it("never leaves the folder", () => {
    expect(stemFor("../{name}", { ...values, name: "../../etc/passwd" })).not.toMatch(/[/\\]/);
  });

  it("says which field does not exist", () => {
    expect(() => checkTemplate("{nmae}")).toThrow(/\{nmae\}.*\{name\}/);
    expect(() => checkTemplate("plain {}")).toThrow(/\{\}/);
    expect(() => checkTemplate("plain")).not.toThrow();
  });
});

describe("names in a folder", () => {
  const endings = [".safetensors", ".json"];

  it("never gives two files the same name on a system that folds case", () => {
    const stems = fc.array(
      fc.constantFrom("ada", "Ada", "ADA", "ada (2)", "Zo\u00EB", "Zoe\u0308", "bob"),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(
        stems,
        stems,
        fc.constantFrom("number" as const, "overwrite" as const),
        (there, wanted, policy) => {
          const present = there.map((stem) => `${stem}.json`);
          const names = new Names(present, endings, policy);
          const given = wanted.map((stem) => names.take(stem));
          const folded = given.map((stem) => stem.normalize("NFC").toLowerCase());
          expect(new Set(folded).size).toBe(folded.length);
          if (policy === "number") {
            const taken = new Set(there.map((stem) => stem.normalize("NFC").toLowerCase()));
            for (const stem of folded) expect(taken.has(stem)).toBe(false);
          }
        },
      ),
    );
  });

  it("numbers, also where only a sidecar is in the way", () => {
    const names = new Names(["Ada.json"], endings, "number");
    expect(names.take("ada")).toBe("ada (2)");
    expect(names.take("ada")).toBe("ada (3)");
    names.appeared("ada (4).safetensors");
    expect(names.take("ada")).toBe("ada (5)");
  });

  it("overwrites what was there, but not its own", () => {
    const names = new Names(["ada.safetensors"], endings, "overwrite");
    expect(names.take("ada")).toBe("ada");
    expect(names.take("ada")).toBe("ada (2)");
  });

  it("refuses, naming the file and telling the two reasons apart", () => {
    const names = new Names(["ada.safetensors"], endings, "refuse");
    expect(() => names.take("Ada")).toThrow(/Ada\.safetensors is in the folder/);
    names.take("bob");
    expect(() => names.take("bob")).toThrow(/Two of these would be called bob\.safetensors/);
  });

  it("numbers ten thousand of one name in linear time", () => {
    const names = new Names([], endings, "number");
    for (let count = 0; count < 10_000; count++) names.take("same");
    expect(names.take("same")).toBe("same (10001)");
  });
});
