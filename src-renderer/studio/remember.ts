/** What the pages find again at the next start. Main keeps it, so it follows the library and not the browser. */
import type { StoreApi } from "zustand";
import { studio } from "./client.ts";

interface Remembered {
  readonly key: string;
  load(value: unknown): void;
  save(): unknown;
  subscribe(listener: () => void): void;
}

const all: Remembered[] = [];
const dirty = new Set<Remembered>();
let begun = false;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Registers a store. `parse` gets what an older version may have written and must not throw: null means start anew. */
export function remember<T>(
  key: string,
  store: StoreApi<T>,
  save: (state: T) => unknown,
  parse: (value: unknown) => Partial<T> | null,
): void {
  if (begun)
    throw new Error(`The store ${key} came too late to be restored: import it in main.tsx.`);
  all.push({
    key,
    load(value) {
      const parsed = parse(value);
      if (parsed !== null) store.setState(parsed);
    },
    save: () => save(store.getState()),
    subscribe(listener) {
      let last = JSON.stringify(save(store.getState()));
      store.subscribe((state) => {
        const next = JSON.stringify(save(state));
        if (next === last) return;
        last = next;
        listener();
      });
    },
  });
}

/** Loads every registered store, then writes each back shortly after it changes. */
export async function restoreAll(): Promise<void> {
  begun = true;
  await Promise.all(
    all.map(async (each) => {
      try {
        const { value } = await studio.system.recall({ key: each.key });
        if (value !== null && value !== undefined) each.load(value);
      } catch {
        // A state that cannot be read is not worth a broken start.
      }
      each.subscribe(() => {
        dirty.add(each);
        clearTimeout(timer);
        timer = setTimeout(flush, 300);
      });
    }),
  );
  window.addEventListener("pagehide", flush);
}

function flush(): void {
  clearTimeout(timer);
  for (const each of dirty)
    studio.system.remember({ key: each.key, value: each.save() }).catch(() => {
      // Told by the banner already when the connection is away.
    });
  dirty.clear();
}
