/** Keeps what is on the screen true: whenever main says that rows changed, visible queries ask again. */
import { queries, queryClient, studio } from "./client.ts";
import { useConnection } from "./connection.ts";
import { follow, onJobEnd } from "./jobs.ts";

/** An import reports many times a second; asking again twice a second is enough for eyes. */
const PAUSE_MS = 400;

let timer: ReturnType<typeof setTimeout> | undefined;

function refreshLibrary(): void {
  timer ??= setTimeout(() => {
    timer = undefined;
    void queryClient.invalidateQueries({ queryKey: queries.library.key() });
  }, PAUSE_MS);
}

export function followLibrary(): void {
  follow(async () => {
    for await (const _event of await studio.library.watch()) refreshLibrary();
  });
  onJobEnd((job) => {
    if (job.kind === "fit") void queryClient.invalidateQueries({ queryKey: queries.spaces.key() });
    refreshLibrary();
  });
  let generation = useConnection.getState().generation;
  useConnection.subscribe((state) => {
    if (state.state !== "open" || state.generation === generation) return;
    generation = state.generation;
    void queryClient.invalidateQueries();
  });
}
