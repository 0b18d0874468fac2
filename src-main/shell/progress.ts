/** Long work as the desktop shows it: the taskbar's bar, and a notice when it ends behind other windows. */
import { BrowserWindow, Notification } from "electron";
import type { Job } from "../../src-preload/contract/jobs.ts";
import { taskbarValue } from "./taskbar-value.ts";
import { studioWindow } from "./windows.ts";

export async function showProgress(changes: AsyncIterable<Job>): Promise<void> {
  const jobs = new Map<string, Job>();
  for await (const job of changes) {
    const before = jobs.get(job.id)?.state;
    jobs.set(job.id, job);
    studioWindow()?.setProgressBar(taskbarValue(jobs.values()));
    const ended = job.state === "done" || job.state === "failed";
    if (before === "running" && ended && BrowserWindow.getFocusedWindow() === null) notify(job);
  }
}

function notify(job: Job): void {
  if (!Notification.isSupported()) return;
  const notice = new Notification({
    title: job.title,
    body: job.failure === null ? "Finished" : job.failure.message,
  });
  notice.on("click", () => studioWindow()?.show());
  notice.show();
}
