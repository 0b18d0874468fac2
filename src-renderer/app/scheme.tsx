/** Brings the theme of the settings to the page; Mantine keeps a copy so that the next start does not flash. */
import { useMantineColorScheme } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { queries } from "../studio/client.ts";

export function SchemeFromSettings(): ReactNode {
  const { setColorScheme } = useMantineColorScheme();
  const { data } = useQuery(queries.system.settings.queryOptions());
  const wanted = data?.theme;
  useEffect(() => {
    if (wanted !== undefined) setColorScheme(wanted === "system" ? "auto" : wanted);
  }, [wanted, setColorScheme]);
  return null;
}
