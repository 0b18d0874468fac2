/** Undo, selection, queries, latest-wins and the words of readouts. */
import { describe, expect, test } from "vitest";
import { duration, bytes, parseNumber, percent, sigma } from "../../../src-renderer/lib/format.ts";
import { matches } from "../../../src-renderer/lib/hotkeys.ts";
import { latestWins } from "../../../src-renderer/lib/latest.ts";
import { addSample, secondsLeft, speed } from "../../../src-renderer/lib/pace.ts";
import { plausibility } from "../../../src-renderer/lib/plausibility.ts";
import { hasTerm, tagTerm, terms, toggleTerm } from "../../../src-renderer/lib/query.ts";
import {
  arrowTarget,
  nothing,
  rangeTo,
  selectOne,
  selectRange,
  toggleOne,
} from "../../../src-renderer/lib/selection.ts";
import { record, redo, settle, undo, undoable } from "../../../src-renderer/lib/undo-stack.ts";
import { contours, markOf, mixMarks, signature } from "../../../src-renderer/lib/glyph.ts";

describe("undo", () => {
  test("a drag is one step, the next drag another", () => {
    let stack = undoable(0);
    for (const value of [1, 2, 3]) stack = record(stack, value, "drag-1");
    stack = settle(stack);
    for (const value of [4, 5]) stack = record(stack, value, "drag-2");
    expect(undo(stack).present).toBe(3);
    expect(undo(undo(stack)).present).toBe(0);
    expect(undo(undo(undo(stack))).present).toBe(0);
  });

  test("the same keys after a pause are a new step", () => {
    let stack = record(undoable(0), 1, "keys");
    stack = record(settle(stack), 2, "keys");
    expect(undo(stack).present).toBe(1);
  });

  test("redo goes forward until something new is done", () => {
    const stack = undo(record(record(undoable("a"), "b"), "c"));
    expect(redo(stack).present).toBe("c");
    expect(redo(record(stack, "d")).present).toBe("d");
  });

  test("an undone gesture does not swallow the next change of the same key", () => {
    const stack = undo(record(undoable(0), 1, "drag"));
    expect(undo(record(stack, 5, "drag")).present).toBe(0);
  });
});

describe("selection", () => {
  test("Ctrl adds and takes away, Shift reaches from the anchor either way", () => {
    let selection = selectOne("e", 4);
    selection = toggleOne(selection, "h", 7);
    expect([...selection.ids]).toEqual(["e", "h"]);
    expect(rangeTo(selection, 2)).toEqual({ from: 2, to: 7 });
    selection = selectRange(selection, ["c", "d"], 2);
    expect(selection.anchor).toBe(7);
    expect(toggleOne(selection, "c", 2).ids.has("c")).toBe(false);
  });

  test("arrows stop at the ends of the grid", () => {
    expect(arrowTarget(null, "ArrowDown", 5, 100, 4)).toBe(0);
    expect(arrowTarget(3, "ArrowUp", 5, 100, 4)).toBe(0);
    expect(arrowTarget(97, "ArrowDown", 5, 100, 4)).toBe(99);
    expect(arrowTarget(50, "PageDown", 5, 100, 4)).toBe(70);
    expect(arrowTarget(50, "x", 5, 100, 4)).toBeNull();
    expect(arrowTarget(nothing.active, "End", 5, 0, 4)).toBeNull();
  });
});

describe("query", () => {
  test("a tag is put in and taken out, whatever stands around it", () => {
    const with_ = toggleTerm('freckles "two words"', tagTerm("red hair"));
    expect(with_).toBe('freckles "two words" tag:"red hair"');
    expect(hasTerm(with_, 'TAG:"red hair"')).toBe(true);
    expect(toggleTerm(with_, tagTerm("red hair"))).toBe('freckles "two words"');
  });

  test("spaces inside quotes do not part terms", () => {
    expect(terms('a tag:"b c" "d e')).toEqual(["a", 'tag:"b c"', '"d e']);
  });
});

describe("latest wins", () => {
  test("one call in flight, the newest next, the middle never", async () => {
    const asked: number[] = [];
    const told: number[] = [];
    const waiting: ((value: number) => void)[] = [];
    const pump = latestWins<number, number>(
      (input) => {
        asked.push(input);
        return new Promise((resolve) => waiting.push(resolve));
      },
      { result: (output) => told.push(output), failure: () => told.push(-1) },
    );
    for (const input of [1, 2, 3, 4]) pump.push(input);
    waiting[0]?.(10);
    await Promise.resolve();
    await Promise.resolve();
    expect(asked).toEqual([1, 4]);
    waiting[1]?.(40);
    await Promise.resolve();
    await Promise.resolve();
    expect(told).toEqual([10, 40]);
  });

  test("a failure is told only if nothing newer waits, and never after cancel", async () => {
    const failed: unknown[] = [];
    const fail: ((reason: Error) => void)[] = [];
    const pump = latestWins<number, number>(() => new Promise((_, reject) => fail.push(reject)), {
      result: () => {},
      failure: (error) => failed.push(error),
    });
    pump.push(1);
    pump.push(2);
    fail[0]?.(new Error("old"));
    await new Promise((resolve) => setImmediate(resolve));
    expect(failed).toEqual([]);
    pump.cancel();
    fail[1]?.(new Error("cancelled"));
    await new Promise((resolve) => setImmediate(resolve));
    expect(failed).toEqual([]);
  });
});

describe("words and numbers", () => {
  test("sigma is always signed", () => {
    expect([1.35, -0.62, 0, -0.001].map(sigma)).toEqual(["+1.35", "−0.62", "+0.00", "+0.00"]);
  });

  test("what is shown can be typed again", () => {
    expect(parseNumber(sigma(-2.75))).toBe(-2.75);
    expect(parseNumber(" -1,5 σ")).toBe(-1.5);
    expect(parseNumber("a")).toBeNull();
    expect(parseNumber("")).toBeNull();
  });

  test("sizes, shares and times", () => {
    expect([0, 999, 1500, 22_800_000, 3.1e9].map(bytes)).toEqual([
      "0 B",
      "999 B",
      "1.5 kB",
      "22.8 MB",
      "3.1 GB",
    ]);
    expect([0, 0.0001, 0.03, 0.992, 0.99999, 1].map(percent)).toEqual([
      "0 %",
      "< 0.1 %",
      "3 %",
      "99.2 %",
      "> 99.9 %",
      "100 %",
    ]);
    expect([8, 200, 3600, 7500].map(duration)).toEqual(["8 s", "3 min 20 s", "1 h", "2 h 5 min"]);
  });

  test("plausibility names the component that is out", () => {
    const name = (index: number): string => ["Age", "Eye size"][index] ?? "";
    expect(plausibility(0.7, { index: 1, sigma: 2.75 }, name)).toMatchObject({
      words: "Eye size is past 99 % of members",
      caution: true,
    });
    expect(plausibility(0.3, null, name).caution).toBe(false);
    expect(plausibility(null, null, name).fill).toBe(0);
  });

  test("time left follows the last seconds, not the whole job", () => {
    let samples = addSample([], { at: 0, done: 0 });
    samples = addSample(samples, { at: 60_000, done: 10 });
    samples = addSample(samples, { at: 62_000, done: 110 });
    expect(speed(samples)).toBe(50);
    expect(secondsLeft(samples, 210)).toBe(2);
    expect(speed(addSample(samples, { at: 63_000, done: 0 }))).toBeNull();
  });
});

test("hotkeys: Shift counts for letters, and is free for signs", () => {
  const event = {
    key: "z",
    code: "KeyZ",
    ctrlKey: true,
    metaKey: false,
    shiftKey: false,
    altKey: false,
  };
  expect(matches("mod+z", event)).toBe(true);
  expect(matches("shift+mod+z", event)).toBe(false);
  expect(matches("mod+z", { ...event, key: "Z", shiftKey: true })).toBe(false);
  expect(matches("?", { ...event, key: "?", ctrlKey: false, shiftKey: true })).toBe(true);
  expect(
    matches("alt+2", { ...event, key: "™", code: "Digit2", ctrlKey: false, altKey: true }),
  ).toBe(true);
});

describe("marks", () => {
  test("the same id draws the same mark, another id another", () => {
    expect(contours(markOf("mira"), 5, 20)).toEqual(contours(markOf("mira"), 5, 20));
    expect(contours(markOf("mira"), 5, 20)).not.toEqual(contours(markOf("mirb"), 5, 20));
  });

  test("a blend of one parent alone is that parent's mark", () => {
    const [a, b] = [markOf("a"), markOf("b")];
    expect(contours(mixMarks([a, b], [0, 1]), 4, 20)).toEqual(contours(b, 4, 20));
  });

  test("every mark stays inside its box", () => {
    for (let i = 0; i < 200; i++) {
      const lines = contours(markOf(`id-${i}`), 6, 24).join(" ");
      const numbers = (lines.match(/-?\d+(?:\.\d+)?/gu) ?? []).map(Number);
      expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...numbers)).toBeLessThanOrEqual(100);
    }
  });

  test("a point's outline moves only where its component moved", () => {
    const zeros = Array.from({ length: 24 }, () => 0);
    const still = signature(zeros).split("Q");
    const moved = signature(zeros.with(5, 2)).split("Q");
    const differing = moved.flatMap((part, i) => (part === still[i] ? [] : [i]));
    expect(differing.length).toBeGreaterThan(0);
    expect(differing.every((i) => Math.abs(i - 6) <= 1)).toBe(true);
  });

  test("the mean of even a single component is a circle", () => {
    const numbers = (signature([0]).match(/Q[\d.]+ [\d.]+/gu) ?? []).map((part) =>
      part.slice(1).split(" ").map(Number),
    );
    expect(numbers.length).toBeGreaterThan(20);
    for (const [x = 0, y = 0] of numbers) expect(Math.hypot(x - 50, y - 50)).toBeCloseTo(27, 0);
  });
});
