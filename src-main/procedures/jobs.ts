/** Answers the jobs part of the contract. */
import type { Jobs } from "../jobs/jobs.ts";
import type { Answer } from "./errors.ts";

export function jobProcedures(answer: Answer, { jobs }: { jobs: Jobs }) {
  const os = answer.jobs;
  return os.router({
    list: os.list.handler(() => jobs.list()),
    get: os.get.handler(({ input }) => jobs.get(input.id)),
    cancel: os.cancel.handler(({ input }) => jobs.cancel(input.id)),
    pause: os.pause.handler(({ input }) => jobs.pause(input.id)),
    resume: os.resume.handler(({ input }) => jobs.resume(input.id)),
    dismiss: os.dismiss.handler(({ input }) => ({ dismissed: jobs.dismiss(input.id) })),
    watch: os.watch.handler(({ signal }) => jobs.watch(signal)),
  });
}
