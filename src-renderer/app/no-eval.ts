/** Must be imported first: zod compiles parsers with `new Function` unless told not to, and the page's policy forbids it. */
import { config } from "zod";

config({ jitless: true });
