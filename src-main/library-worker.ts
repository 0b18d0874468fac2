/** Entry of the library's worker thread. */
import { startWorker } from "./library/worker.ts";

startWorker();
