/** The search language, read into terms. */
import { describe, expect, it } from "vitest";
import { sortName, nameOf } from "../../../src-main/library/names.ts";
import { parseQuery, type Term } from "../../../src-main/library/query.ts";

const words = (text: string, field: Extract<Term, { kind: "words" }>["field"] = null): Term => ({
  kind: "words",
  text,
  field,
});

describe("a query", () => {
  it.each<[string, Term[], Term[]]>([
    ["anna red", [words("anna"), words("red")], []],
    ['"anna red" -blue', [words("anna red")], [words("blue")]],
    ["rank>8", [{ kind: "number", field: "rank", comparison: ">", value: 8 }], []],
    ["rank:8", [{ kind: "number", field: "rank", comparison: "=", value: 8 }], []],
    ["SIZE>=1.5GB", [{ kind: "number", field: "size", comparison: ">=", value: 1.5e9 }], []],
    ["weight<-1", [{ kind: "number", field: "weight", comparison: "<", value: -1 }], []],
    ["-is:favorite", [], [{ kind: "state", state: "favourite" }]],
    ['tag:"old photo"', [{ kind: "equals", field: "tag", value: "old photo" }], []],
    ["name:anna", [words("anna", "name")], []],
    // No term of ours: words as they stand.
    ["style:anime", [words("style:anime")], []],
    ["rank>many", [words("rank>many")], []],
    ["is:blue", [words("is:blue")], []],
    ["family<x", [words("family<x")], []],
    ['unclosed "quote here', [words("unclosed"), words("quote here")], []],
    ["!!! - --", [], []],
  ])("%s", (text, all, none) => {
    expect(parseQuery(text)).toEqual({ all, none });
  });
});

describe("names", () => {
  it("sort numbers by value and accents with their letters", () => {
    const names = ["Anna 10", "anna 2", "Änna 3", "anna", "Bert", "anna 02b"];
    expect(names.toSorted((a, b) => (sortName(a) < sortName(b) ? -1 : 1))).toEqual([
      "anna",
      "anna 2",
      "anna 02b",
      "Änna 3",
      "Anna 10",
      "Bert",
    ]);
  });

  it("come from the folder where the file's own says nothing", () => {
    expect(nameOf("/loras/Anna.v2.safetensors")).toBe("Anna.v2");
    expect(nameOf("/loras/anna/pytorch_lora_weights.safetensors")).toBe("anna");
    expect(nameOf("/loras/anna/Adapter_Model.bin")).toBe("anna");
  });
});
