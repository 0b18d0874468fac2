/** Finding: the search language against a plain filter over the same cards, odd strings, pages, counts. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Card } from "../../../src-preload/contract/library.ts";
import { writeFakeLora } from "../../support/fake-engine.ts";
import { join } from "node:path";
import { testLibrary, type TestLibrary } from "../../support/library.ts";

const names = [
  "Anna red",
  "anna blue",
  "Bert 2",
  "Bert 10",
  "Élodie",
  "木村 photo",
  "a_b-c",
  'say "hi"',
  "100%",
  "🎨 art",
];
const tags = ["woman", "portrait", "old photo"];

async function filled(): Promise<TestLibrary> {
  const made = await testLibrary();
  const paths: string[] = [];
  for (const [index, name] of names.entries()) {
    const path = join(made.files, String(index), `${name}.safetensors`);
    paths.push(
      await writeFakeLora(path, {
        seed: index,
        rank: 2 ** (index % 5),
        family: index % 3 === 0 ? "sd15" : "sdxl",
        dialect: index % 2 === 0 ? "kohya-sgm" : "peft",
        total: index === 4 ? 40 : 30,
        matched: 30,
        padding: index * 100,
      }),
    );
  }
  for (const path of paths) await made.import([path]);
  const all = made.library.list({ sort: "oldest" }).cards;
  for (const [index, card] of all.entries()) {
    await made.library.update([card.id], {
      addTags: tags.filter((_, at) => (index >> at) % 2 === 1),
      rating: index % 6,
      favourite: index % 4 === 0,
      notes: index === 3 ? "with care, for the show" : "",
      triggerWords: index === 5 ? ["sks woman"] : [],
    });
  }
  return made;
}

describe("search", () => {
  it("finds by the beginnings of words, by terms and without them", async () => {
    const { library } = await filled();
    const found = (query: string) =>
      library.list({ query, sort: "oldest" }).cards.map(({ name }) => name);
    expect(found("anna")).toEqual(["Anna red", "anna blue"]);
    expect(found("AN re")).toEqual(["Anna red"]);
    expect(found("elodie")).toEqual(["Élodie"]);
    expect(found("b-c")).toEqual(["a_b-c"]);
    expect(found("村")).toEqual(["木村 photo"]);
    expect(found("🎨")).toEqual(["🎨 art"]);
    expect(found("anna -blue")).toEqual(["Anna red"]);
    expect(found("care")).toEqual(["Bert 10"]);
    expect(found('"for the"')).toEqual(["Bert 10"]);
    expect(found('"the for"')).toEqual([]);
    expect(found("name:care")).toEqual([]);
    expect(found("notes:care")).toEqual(["Bert 10"]);
    expect(found("trigger:sks")).toEqual(["木村 photo"]);
    expect(found("is:trouble")).toEqual(["Élodie"]);
    expect(found('tag:"old photo" tag:woman')).toEqual(
      found("tag:woman").filter((name) => found('tag:"OLD photo"').includes(name)),
    );
    expect(found("family:SD1.5")).toEqual(found("family:sd15"));
    expect(found("dialect:kohya")).toHaveLength(5);
    expect(found("-is:favourite -family:sdxl")).toEqual(["Bert 10", "a_b-c", "🎨 art"]);
    expect(found("rank=4 or")).toEqual([]);
    expect(found("")).toHaveLength(names.length);
    expect(found("!!! ???")).toHaveLength(names.length);
  });

  it("agrees with a plain filter over the cards", async () => {
    const { library } = await filled();
    const cards = library.list({ sort: "oldest" }).cards;
    type Check = [string, (card: Card) => boolean];
    const compare: Record<string, (a: number, b: number) => boolean> = {
      "<": (a, b) => a < b,
      "<=": (a, b) => a <= b,
      ">": (a, b) => a > b,
      ">=": (a, b) => a >= b,
      "=": (a, b) => a === b,
    };
    const checks: Check[] = [
      ["family:sdxl", (card) => card.family === "sdxl"],
      ["is:favourite", (card) => card.favourite],
      ["is:trouble", (card) => card.trouble !== null],
      ["dialect:peft", (card) => card.dialect === "peft"],
      ["is:tagged", (card) => card.tags.length > 0],
      ...tags.map((tag): Check => [`tag:"${tag}"`, (card) => card.tags.includes(tag)]),
      ...Object.entries(compare).flatMap(([sign, test]): Check[] => [
        [`rank${sign}4`, (card) => test(card.rank.max, 4)],
        [`rating${sign}3`, (card) => test(card.rating, 3)],
        [`size${sign}0.5kb`, (card) => test(card.bytes, 500)],
        [`modules${sign}10`, (card) => test(card.modules, 10)],
      ]),
      ["anna", (card) => /anna/i.test(card.name)],
      ["bert", (card) => /bert/i.test(card.name)],
    ];
    const term = fc.record({ check: fc.constantFrom(...checks), not: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(term, { maxLength: 4 }),
        fc.constantFrom("newest", "oldest", "name", "rating", "size" as const),
        (terms, sort) => {
          const query = terms.map(({ check, not }) => (not ? "-" : "") + check[0]).join(" ");
          const expected = cards.filter((card) =>
            terms.every(({ check, not }) => check[1](card) !== not),
          );
          const { total, cards: found } = library.list({ query, sort });
          expect(total).toBe(expected.length);
          expect(found.map(({ id }) => id).toSorted()).toEqual(
            expected.map(({ id }) => id).toSorted(),
          );
          expect(library.ids({ query, sort })).toEqual(found.map(({ id }) => id));
        },
      ),
      { numRuns: 150 },
    );
  });

  it("takes any string for what it is: no error, no harm", async () => {
    const { library } = await filled();
    const odd = [
      '"',
      '""',
      '"""',
      "'",
      "''; drop table loras; --",
      "a OR b",
      "NOT",
      "a NOT b",
      "NEAR(a b, 2)",
      "name:",
      ":",
      "-",
      "--",
      '-"',
      "*",
      "a*",
      "^a",
      "{name} : a",
      "(a",
      "a)",
      "\\",
      "%",
      "_",
      "rank>",
      "rank>x",
      "rank>1e9",
      "size>5qb",
      "is:",
      "is:nothing",
      "tag:",
      "family:*",
      "dialect:[a",
      "\u0000",
      "\ud800",
      "a\u0000b",
      "collection:x",
      "weight>0",
    ];
    const unharmed = library.list({}).total;
    for (const query of odd) expect(() => library.list({ query }), query).not.toThrow();
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary", maxLength: 60 }),
          fc.string({ unit: fc.constantFrom(..."\"-:*()<>= anrk^{}'\\".split("")), maxLength: 30 }),
        ),
        (query) => {
          const { total, cards } = library.list({ query });
          expect(total).toBe(cards.length);
          library.list({ query, view: "trash", sort: "name" });
        },
      ),
      { numRuns: 500 },
    );
    expect(library.list({}).total).toBe(unharmed);
  });

  it("sorts names as people do", async () => {
    const { library } = await filled();
    const { cards } = library.list({ query: "bert", sort: "name" });
    expect(cards.map(({ name }) => name)).toEqual(["Bert 2", "Bert 10"]);
  });

  it("gives pages that together are the whole, with the same total", async () => {
    const { library } = await filled();
    for (const sort of ["newest", "name", "size", "rating"] as const) {
      const whole = library.ids({ sort });
      const pages: string[] = [];
      for (let offset = 0; offset < 15; offset += 3) {
        const { total, cards } = library.list({ sort }, { offset, limit: 3 });
        if (offset < whole.length) expect(total).toBe(whole.length);
        pages.push(...cards.map(({ id }) => id));
      }
      expect(pages).toEqual(whole);
    }
  });

  it("searches the trash by the same words, and only there", async () => {
    const { library } = await filled();
    const [anna = ""] = library.ids({ query: "anna red" });
    await library.remove([anna]);
    expect(library.ids({ query: "anna" })).toHaveLength(1);
    expect(library.ids({ query: "anna", view: "trash" })).toEqual([anna]);
    expect(library.ids({ query: "bert", view: "trash" })).toEqual([]);
    await library.update([anna], { name: "Renamed" });
    expect(library.ids({ query: "renamed", view: "trash" })).toEqual([anna]);
    await library.restore([anna]);
    expect(library.ids({ query: "renamed" })).toEqual([anna]);
    expect(library.ids({ query: "", view: "trash" })).toEqual([]);
  });
});
