/** A heading that folds out what stands below it. */
import { Collapse } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { copyText } from "./copy.ts";
import { IconButton } from "./icon-button.tsx";
import { IconChevronDown, IconChevronRight, IconCopy } from "./icons.ts";
import "./fold.css";

export function Copy({
  text,
  label,
}: {
  readonly text: string;
  readonly label: string;
}): ReactNode {
  return <IconButton icon={IconCopy} label={label} size={20} onClick={() => copyText(text)} />;
}

export function Fold({
  title,
  copy,
  children,
}: {
  readonly title: string;
  readonly copy?: string;
  readonly children: ReactNode;
}): ReactNode {
  const [open, setOpen] = useState(false);
  return (
    <section className="fold">
      <div className="row">
        <button
          type="button"
          className="plain section-title row grow"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          {open ? (
            <IconChevronDown size={14} aria-hidden="true" />
          ) : (
            <IconChevronRight size={14} aria-hidden="true" />
          )}
          {title}
        </button>
        {open && copy !== undefined && <Copy text={copy} label={`Copy: ${title}`} />}
      </div>
      <Collapse expanded={open}>{children}</Collapse>
    </section>
  );
}
