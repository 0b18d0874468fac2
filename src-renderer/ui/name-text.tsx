/** A name that can be edited in place: the pencil, F2 or a double click open it, Enter keeps, Escape gives up. */
import { type ReactNode, useRef, useState } from "react";
import { IconButton } from "./icon-button.tsx";
import { IconPencil } from "./icons.ts";
import "./name-text.css";

interface NameTextProps {
  readonly value: string;
  /** Shown where there is no name. */
  readonly fallback?: string;
  readonly label: string;
  readonly className?: string;
  /** An empty text is an answer too: it takes the name away. */
  readonly mayBeEmpty?: boolean;
  onCommit(value: string): void;
}

export function NameText({
  value,
  fallback = "",
  label,
  className,
  mayBeEmpty = false,
  onCommit,
}: NameTextProps): ReactNode {
  const [draft, setDraft] = useState<string | null>(null);
  // Escape takes the field away, and taking it away blurs it, which must not keep the text after all.
  const dropped = useRef(false);

  function edit(): void {
    dropped.current = false;
    setDraft(value);
  }
  function commit(): void {
    if (dropped.current) return;
    dropped.current = true;
    const next = draft?.trim() ?? value;
    setDraft(null);
    if (next !== value && (next !== "" || mayBeEmpty)) onCommit(next);
  }

  if (draft === null)
    return (
      <span
        className={`name-text ${className ?? ""}`}
        onDoubleClick={(event) => {
          event.stopPropagation();
          edit();
        }}
      >
        <span className="clip" title={value || fallback}>
          {value || fallback}
        </span>
        <IconButton
          icon={IconPencil}
          label={label}
          size={20}
          className="name-text-pencil"
          onClick={edit}
        />
      </span>
    );
  return (
    <input
      className={`name-text-input ${className ?? ""}`}
      aria-label={label}
      autoFocus
      value={draft}
      placeholder={fallback}
      maxLength={100}
      onFocus={(event) => event.currentTarget.select()}
      onChange={(event) => setDraft(event.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") commit();
        else if (event.key === "Escape") {
          dropped.current = true;
          setDraft(null);
        }
      }}
    />
  );
}
