/** Where the numbers are computed, and how much memory the engine holds. */
import { Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useLocation } from "wouter";
import { bytes, plural } from "../lib/format.ts";
import { queries } from "../studio/client.ts";
import { IconCpu } from "../ui/icons.ts";

export function DeviceChip(): ReactNode {
  const [, navigate] = useLocation();
  const { data } = useQuery(queries.system.doctor.queryOptions({ refetchInterval: 20_000 }));
  const device = data?.devices.find((each) => each.provider.toLowerCase() !== "cpu");
  const place = device?.name ?? "CPU";
  const cores =
    data === undefined ? "" : device === undefined ? `, ${plural(data.cores, "core")}` : "";
  const engine =
    data === undefined
      ? ""
      : data.engine.running
        ? ` · ${bytes(data.engine.memoryBytes)}`
        : " · engine starting";
  return (
    <Tooltip label="Device and the memory that the engine holds. Opens Settings.">
      <button
        type="button"
        className="chip"
        onClick={() => navigate("/settings")}
        aria-label={`Device: ${place}${cores}${engine}`}
      >
        <IconCpu size={14} stroke={1.6} aria-hidden="true" />
        <span className="topbar-wide device-chip">
          {place}
          {cores}
          {engine}
        </span>
      </button>
    </Tooltip>
  );
}
