/** A line of measured numbers. Each keeps its place while it is not known. */
import { Tooltip } from "@mantine/core";
import type { ReactNode } from "react";
import "./readout.css";

interface ReadoutProps {
  readonly label: string;
  readonly value: string | null;
  readonly about?: string;
  readonly after?: string;
  readonly caution?: boolean;
}

export function Readout({ label, value, about, after, caution }: ReadoutProps): ReactNode {
  const body = (
    <span className="readout" data-caution={caution === true || undefined}>
      {label !== "" && `${label} `}
      <strong>{value ?? "–"}</strong>
      {after !== undefined && ` ${after}`}
    </span>
  );
  return about === undefined ? (
    body
  ) : (
    <Tooltip label={about} multiline maw={280}>
      {body}
    </Tooltip>
  );
}

export function Readouts({
  children,
  busy,
  label,
}: {
  readonly children: ReactNode;
  readonly busy?: boolean;
  readonly label: string;
}): ReactNode {
  return (
    <div
      className="readouts"
      role="status"
      aria-label={label}
      aria-live="off"
      data-busy={busy === true || undefined}
    >
      {children}
    </div>
  );
}
