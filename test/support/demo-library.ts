/** Fills a library through the studio's own contract: what the pages look at in pictures and end-to-end tests. */
import { join } from "node:path";
import { compose } from "../../src-main/compose.ts";
import { writeDemoCollection } from "./demo-loras.ts";

export async function fillDemoLibrary(
  { library, folder }: { library: string; folder: string },
  count: number,
): Promise<void> {
  const people = join(folder, "people");
  writeDemoCollection(people, count);
  const studio = await compose({ library });
  try {
    const { client } = studio;
    const finished = async (id: string) => {
      for await (const job of await client.jobs.watch()) {
        if (job.id === id && job.finishedAt !== null) {
          if (job.state !== "done")
            throw new Error(`${job.title}: ${job.failure?.message ?? job.state}`);
          await client.jobs.dismiss({ id });
          return;
        }
      }
    };
    await finished((await client.library.import({ paths: [people] })).job);
    await finished((await client.spaces.fit({ name: "People", members: { query: "" } })).job);
    const ids = await client.library.ids({ sort: "oldest" });
    const collection = await client.library.createCollection({ name: "Client: Orchard" });
    await client.library.addToCollection({ id: collection.id, ids: ids.slice(0, 16) });
    await client.library.update({ ids: ids.slice(3, 6), changes: { favourite: true, rating: 4 } });
    const [space] = await client.spaces.list();
    const [first, second] = ids;
    if (space === undefined || first === undefined || second === undefined)
      throw new Error("nothing was made");
    const { coordinates } = await client.identities.locate({ space: space.id, id: first });
    await client.identities.keep({
      name: "Ada, older",
      draft: {
        kind: "point",
        space: space.id,
        from: first,
        coordinates: coordinates.map((value, at) => (at === 0 ? value + 1.2 : value)),
      },
    });
    await client.identities.keep({
      name: "Ada and Bela",
      draft: {
        kind: "blend",
        mode: "delta",
        parents: [
          { id: first, weight: 0.6 },
          { id: second, weight: 0.4 },
        ],
      },
    });
    for await (const { unread } of pollOverview(client)) if (unread === 0) break;
  } finally {
    await studio.close();
  }
}

/** Hashing and sketches go on in the background after an import. */
async function* pollOverview(client: Awaited<ReturnType<typeof compose>>["client"]) {
  for (;;) {
    yield await client.library.overview();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
