/** Emphasis in a prompt, `(word:1.2)`, as ComfyUI reads it (comfy/sd1_clip.py, token_weights). */
import { FacetError } from "../../errors.ts";
import { pythonFloat } from "./python.ts";

export interface Segment {
  readonly text: string;
  readonly weight: number;
}

/** Of parentheses without a number. */
const emphasis = 1.1;

/** No prompt means more; ComfyUI itself ends with an error near 1000, where Python's calls are too deep. */
const deepest = 200;

/** What stands for an escaped parenthesis while the others are read; the same letters as in ComfyUI. */
const escapes = [
  [String.raw`\)`, "\0\u0001", ")"],
  [String.raw`\(`, "\0\u0002", "("],
] as const;

/** The parts of a prompt with their weights, in order. */
export function weightedSegments(prompt: string): Segment[] {
  const escaped = escapes.reduce((text, [typed, inside]) => text.replaceAll(typed, inside), prompt);
  return weighted(escaped, 1, 0).map(({ text, weight }) => ({
    text: escapes.reduce((whole, [, inside, meant]) => whole.replaceAll(inside, meant), text),
    weight,
  }));
}

function weighted(text: string, weight: number, depth: number): Segment[] {
  if (depth > deepest) {
    throw new FacetError(
      "invalid-argument",
      `The prompt has parentheses more than ${deepest} deep: take some of them out.`,
      { field: "prompt" },
    );
  }
  return atParentheses(text).flatMap((item) => {
    if (item.length < 2 || !item.startsWith("(") || !item.endsWith(")")) {
      return [{ text: item, weight }];
    }
    const inner = item.slice(1, -1);
    const colon = inner.lastIndexOf(":");
    const number = colon > 0 ? pythonFloat(inner.slice(colon + 1)) : undefined;
    if (number === undefined) return weighted(inner, weight * emphasis, depth + 1);
    if (!Number.isFinite(number)) {
      throw new FacetError(
        "invalid-argument",
        `The prompt gives "${item}" the weight ${number}, which makes no picture: choose a number, as 1.2.`,
        { field: "prompt" },
      );
    }
    return weighted(inner.slice(0, colon), number, depth + 1);
  });
}

/** Outermost pairs with their parentheses, and what lies between; what never closes goes to the end. */
function atParentheses(text: string): string[] {
  const items: string[] = [];
  let start = 0;
  let depth = 0;
  const cut = (end: number) => {
    if (end > start) items.push(text.slice(start, end));
    start = end;
  };
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "(") {
      if (depth === 0) cut(at);
      depth++;
    } else if (text[at] === ")") {
      depth--;
      // One too many leaves a depth below zero, from which the next pair does not count as outermost.
      if (depth === 0) cut(at + 1);
    }
  }
  cut(text.length);
  return items;
}
