/** Words that every part of the contract shares. */
import { z } from "zod";

export const Family = z.enum(["sdxl", "sd15"]);
export type Family = z.infer<typeof Family>;

export const Form = z.enum(["standard", "aligned", "delta"]);
export type Form = z.infer<typeof Form>;

export const LoraId = z.string().min(1).max(64);
export const SpaceId = z.string().min(1).max(64);
export const JobId = z.string().min(1).max(64);
export const CollectionId = z.string().min(1).max(64);

/** What a failed call carries besides its message. */
export const Failure = z.object({
  code: z.string(),
  message: z.string(),
  path: z.string().optional(),
  field: z.string().optional(),
});
export type Failure = z.infer<typeof Failure>;

export const Rank = z.object({ min: z.int(), max: z.int() });
