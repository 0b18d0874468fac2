/** Which page was open last. */
import { z } from "zod";
import { create } from "zustand";
import { remember } from "../studio/remember.ts";
import { pages } from "./pages.ts";

const usePage = create<{ page: string }>(() => ({ page: "/library" }));

remember(
  "page",
  usePage,
  ({ page }) => ({ page }),
  (value) =>
    z.object({ page: z.enum(pages.map((page) => page.path)) }).safeParse(value).data ?? null,
);

export function lastPage(): string {
  return usePage.getState().page;
}

export function visited(page: string): void {
  if (pages.some((each) => each.path === page)) usePage.setState({ page });
}
