/** A number that is text until it is clicked: typed values, arrows, Escape gives up. */
import { type ReactNode, useRef, useState } from "react";
import { parseNumber } from "../lib/format.ts";
import "./number-text.css";

interface NumberTextProps {
  readonly label: string;
  readonly value: number;
  readonly shown: string;
  readonly step?: number;
  readonly caution?: boolean;
  readonly disabled?: boolean;
  onCommit(value: number): void;
}

export function NumberText({
  label,
  value,
  shown,
  step = 0.1,
  caution,
  disabled,
  onCommit,
}: NumberTextProps): ReactNode {
  const [draft, setDraft] = useState<string | null>(null);

  // Escape blurs the field, and that must not keep the text after all.
  const given = useRef(false);

  function commit(): void {
    if (given.current) {
      given.current = false;
      return;
    }
    const number = draft === null ? null : parseNumber(draft);
    setDraft(null);
    if (number !== null && number !== value) onCommit(number);
  }

  return (
    <input
      className="number-text"
      inputMode="decimal"
      aria-label={label}
      data-caution={caution === true || undefined}
      disabled={disabled ?? false}
      value={draft ?? shown}
      onFocus={(event) => event.currentTarget.select()}
      onChange={(event) => setDraft(event.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") {
          commit();
          event.currentTarget.select();
        } else if (event.key === "Escape") {
          given.current = true;
          setDraft(null);
          event.currentTarget.blur();
        } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
          event.preventDefault();
          const base = (draft === null ? null : parseNumber(draft)) ?? value;
          const amount = (event.shiftKey ? step / 10 : step) * (event.key === "ArrowUp" ? 1 : -1);
          setDraft(null);
          onCommit(Math.round((base + amount) * 1e4) / 1e4);
        }
      }}
    />
  );
}
