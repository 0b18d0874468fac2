/** Empty and failed states: what is not there or went wrong, and the one next step. */
import { copyText } from "./copy.ts";
import { Button, Collapse, UnstyledButton } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { markOf } from "../lib/glyph.ts";
import { failureOf } from "../studio/failure.ts";
import { Glyph } from "./glyph.tsx";
import { IconAlertTriangle, IconChevronDown, IconChevronRight } from "./icons.ts";
import "./states.css";

interface EmptyProps {
  readonly title: string;
  readonly text: ReactNode;
  readonly children?: ReactNode;
  /** Marks drawn above the words; any texts. */
  readonly marks?: readonly string[];
}

export function Empty({
  title,
  text,
  children,
  marks = ["facet", "studio", "identity"],
}: EmptyProps): ReactNode {
  return (
    <div className="empty">
      {marks.length > 0 && (
        <div className="empty-marks" aria-hidden="true">
          {marks.map((mark) => (
            <span key={mark}>
              <Glyph mark={markOf(mark)} />
            </span>
          ))}
        </div>
      )}
      <h2>{title}</h2>
      <p>{text}</p>
      {children !== undefined && <div className="empty-actions">{children}</div>}
    </div>
  );
}

interface FailedProps {
  readonly doing: string;
  readonly error: unknown;
  readonly next?: string;
  retry?(): void;
}

/** Says what happened, to which file, and lets the details be opened and copied. */
export function Failed({ doing, error, next, retry }: FailedProps): ReactNode {
  const [open, setOpen] = useState(false);
  const failure = failureOf(error);
  const details = [
    `code: ${failure.code}`,
    failure.path && `file: ${failure.path}`,
    failure.field && `field: ${failure.field}`,
  ]
    .filter(Boolean)
    .join("\n");
  return (
    <div className="failed" role="alert">
      <IconAlertTriangle size={18} stroke={1.6} />
      <div className="column">
        <strong>{doing}</strong>
        <span data-selectable>{failure.message}</span>
        {next !== undefined && <span className="muted">{next}</span>}
        <UnstyledButton
          className="row small muted"
          onClick={() => setOpen(!open)}
          aria-expanded={open}
        >
          {open ? <IconChevronDown size={14} /> : <IconChevronRight size={14} />} Details
        </UnstyledButton>
        <Collapse expanded={open}>
          <pre className="failed-details" data-selectable>
            {details}
          </pre>
          <Button size="compact-sm" onClick={() => copyText(`${failure.message}\n${details}`)}>
            Copy details
          </Button>
        </Collapse>
        {retry !== undefined && (
          <div>
            <Button onClick={retry}>Try again</Button>
          </div>
        )}
      </div>
    </div>
  );
}
