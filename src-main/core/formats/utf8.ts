/**
 * UTF-8 both ways. TextDecoder and TextEncoder are in every runtime that we run in, but not in the language's own
 * library, which is all that core is compiled against; declared for all of core they would clash with node's and
 * the browser's own declarations.
 */
interface Runtime {
  readonly TextDecoder: new (
    label: string,
    options: { fatal: boolean; ignoreBOM: boolean },
  ) => { decode(bytes: Uint8Array): string };
  readonly TextEncoder: new () => { encode(text: string): Uint8Array };
}

const runtime = globalThis as unknown as Runtime;
const decoder = new runtime.TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new runtime.TextEncoder();

/** Throws a TypeError where the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}
