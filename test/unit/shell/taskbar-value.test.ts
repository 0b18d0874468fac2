/** One bar for all the work there is. */
import { expect, it } from "vitest";
import { taskbarValue } from "../../../src-main/shell/taskbar-value.ts";

it("is the mean of what runs, and nothing else counts", () => {
  expect(
    taskbarValue([
      { state: "running", done: 25, total: 100 },
      { state: "paused", done: 3, total: 4 },
      { state: "done", done: 9, total: 9 },
      { state: "queued", done: 0, total: 0 },
      { state: "failed", done: 0, total: 7 },
    ]),
  ).toBe(0.5);
});

it("says that there is none, and that the end is unknown", () => {
  expect(taskbarValue([])).toBe(-1);
  expect(taskbarValue([{ state: "cancelled", done: 1, total: 2 }])).toBe(-1);
  expect(
    taskbarValue([
      { state: "running", done: 1, total: 2 },
      { state: "running", done: 1, total: 0 },
    ]),
  ).toBe(2);
});

it("never passes the end", () => {
  expect(taskbarValue([{ state: "running", done: 12, total: 10 }])).toBe(1);
});
