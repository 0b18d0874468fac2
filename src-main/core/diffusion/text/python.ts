/** How Python reads numbers and white space, on which ComfyUI's reading of prompts rests. */

/** What `str.split()` and `float` take for white space. */
const space = String.raw`\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;
const around = new RegExp(`^[${space}]+|[${space}]+$`, "gu");
const between = new RegExp(`[${space}]+`, "u");
const digits = String.raw`\d+(?:_\d+)*`;
const decimal = new RegExp(
  `^[+-]?(?:${digits}(?:\\.(?:${digits})?)?|\\.${digits})(?:[eE][+-]?${digits})?$`,
  "u",
);
const infinite = /^([+-]?)inf(?:inity)?$/iu;

/** `float(text)`, undefined where Python would refuse. */
export function pythonFloat(text: string): number | undefined {
  const trimmed = text.replace(around, "").replaceAll(/\p{Nd}/gu, digitOf);
  if (decimal.test(trimmed)) return Number(trimmed.replaceAll("_", ""));
  const sign = infinite.exec(trimmed)?.[1];
  if (sign !== undefined) return sign === "-" ? -Infinity : Infinity;
  return /^[+-]?nan$/iu.test(trimmed) ? NaN : undefined;
}

/** Digits of every script lie in runs of ten (Unicode 4.6), so the way to a run's beginning tells the value. */
function digitOf(letter: string): string {
  const point = letter.codePointAt(0) ?? 0;
  let start = point;
  while (/^\p{Nd}$/u.test(String.fromCodePoint(start - 1))) start--;
  return String((point - start) % 10);
}

/** `text.split()` */
export function pythonSplit(text: string): string[] {
  return text.split(between).filter((part) => part !== "");
}
