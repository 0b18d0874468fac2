/** The top bar: what is being edited, undo and redo, the palette, jobs, the device. */
import { spotlight } from "@mantine/spotlight";
import type { ReactNode } from "react";
import { keys, useCommand } from "../ui/commands.ts";
import { IconButton } from "../ui/icon-button.tsx";
import { IconArrowBackUp, IconArrowForwardUp, IconCommand } from "../ui/icons.ts";
import { Slot } from "../ui/slots.tsx";
import { DeviceChip } from "./device-chip.tsx";
import { JobsTray } from "./jobs-tray.tsx";

export function Topbar(): ReactNode {
  const undo = useCommand("undo");
  const redo = useCommand("redo");
  return (
    <header className="topbar">
      <Slot name="title" className="topbar-title" />
      <IconButton
        icon={IconArrowBackUp}
        label={undo?.label ?? "Undo"}
        hotkey={keys("mod+z")}
        disabled={undo === undefined || undo.disabled === true}
        onClick={() => undo?.run()}
      />
      <IconButton
        icon={IconArrowForwardUp}
        label={redo?.label ?? "Redo"}
        hotkey={keys("shift+mod+z")}
        disabled={redo === undefined || redo.disabled === true}
        onClick={() => redo?.run()}
      />
      <Slot name="actions" className="topbar-actions" />
      <button
        type="button"
        className="chip topbar-search"
        onClick={spotlight.open}
        aria-label="Search or run a command"
      >
        <IconCommand size={14} stroke={1.6} aria-hidden="true" />
        <span className="topbar-wide">Search or run</span>
        <span className="keys">{keys("mod+k")}</span>
      </button>
      <JobsTray />
      <DeviceChip />
    </header>
  );
}
