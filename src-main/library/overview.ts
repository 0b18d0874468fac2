/** The numbers beside the views, collections and tags. Each is one short walk over an index. */
import { z } from "zod";
import type { Overview } from "../../src-preload/contract/library.ts";
import type { Collections } from "./collections.ts";
import type { Database } from "./database.ts";

/** Tags listed, the most used first. */
const mostTags = 500;

const Numbers = z.object({
  all: z.int(),
  bytes: z.number(),
  favourites: z.int(),
  trouble: z.int(),
  trash: z.int(),
  unread: z.int(),
});
const Tag = z.object({ tag: z.string(), count: z.int() });

export function overviewOf(database: Database, collections: Collections): Overview {
  const numbers = database
    .statement(
      `select live.*, 
         (select count(*) from loras where favourite = 1 and deleted_at is null) as favourites,
         (select count(*) from loras where trouble is not null and deleted_at is null) as trouble,
         (select count(*) from loras where deleted_at is not null) as trash,
         (select count(*) from loras where state = 'unread' and deleted_at is null) as unread
       from (select count(*) as "all", coalesce(sum(bytes), 0) as bytes from loras
         where deleted_at is null) as live`,
    )
    .get();
  const tags = database
    .statement("select tag, count from tags where count > 0 order by count desc, tag limit ?")
    .all(mostTags);
  return {
    ...Numbers.parse(numbers),
    collections: collections.list(),
    tags: z.array(Tag).parse(tags),
  };
}
