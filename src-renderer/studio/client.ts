/** The typed client of main, and its queries for TanStack Query. */
import { createORPCClient } from "@orpc/client";
import type { ContractRouterClient } from "@orpc/contract";
import { createTanstackQueryUtils } from "@orpc/tanstack-query";
import { QueryClient } from "@tanstack/react-query";
import type { StudioContract } from "../../src-preload/contract/index.ts";
import { studioLink } from "./connection.ts";

export const studio: ContractRouterClient<StudioContract> = createORPCClient(studioLink);
export const queries = createTanstackQueryUtils(studio);

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // Main says when something changed (library.watch), so nothing goes stale by itself.
      staleTime: Infinity,
      gcTime: 5 * 60_000,
      retry: 1,
      refetchOnWindowFocus: false,
      // Loopback and MessagePort work without a network.
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});
