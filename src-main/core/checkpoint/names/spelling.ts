/** How a parameter may be spelled in a file. */

export interface Spelling {
  /** Below the component's prefix. */
  readonly name: string;
  /** Which third of the tensor's first axis it is: queries, keys, values. */
  readonly third?: 0 | 1 | 2;
  /** The tensor lies as [in, out]. */
  readonly transposed?: true;
}

/** Possible spellings of a parameter that diffusers or transformers 4 call so; the first that a file has is meant. */
export type Naming = (parameter: string) => readonly Spelling[];

/** `down.0.conv1.weight` -> `down.0.conv1` and `weight`. */
export function splitKind(parameter: string): { path: string; kind: string } {
  const dot = parameter.lastIndexOf(".");
  return { path: parameter.slice(0, dot), kind: parameter.slice(dot + 1) };
}
