/** What is known about one LoRA file from its header: the answer of `inspect` and the base of a library row. */
import { z } from "zod";
import { Family, Rank } from "./common.ts";

export const Inspection = z.object({
  /** A dialect's id (see core/lora/dialects), e.g. `kohya-sgm`. */
  dialect: z.string(),
  family: Family,
  /** Of the model that it is for, e.g. `32 / 64 / 128`; null for the family's published ones. */
  widths: z.string().nullable().default(null),
  modules: z.int(),
  rank: Rank,
  /** Numbers in the adapter's matrices. */
  parameters: z.int(),
  /** Keys understood, and keys there are. */
  matched: z.int(),
  total: z.int(),
  unmatched: z.array(z.string()),
  metadata: z.record(z.string(), z.string()),
  /** Tokens of trained embeddings inside the file. */
  embeddings: z.array(z.string()),
  /** Element types of the matrices, most frequent first. */
  dtypes: z.array(z.string()),
  /** Components touched: `unet`, `text_encoder`, `text_encoder_2`. */
  components: z.array(z.string()),
  /** Kinds of adapter met, e.g. `lora`, `loha`; anything but `lora` is converted by SVD on use. */
  adapters: z.array(z.string()),
  /** Kinds that mean nothing without the base weight: `dora` (pictures can be made with it), and those never read. */
  needsBase: z.array(z.string()),
  triggerWords: z.array(z.string()),
  title: z.string().optional(),
  bytes: z.int(),
});
export type Inspection = z.infer<typeof Inspection>;
