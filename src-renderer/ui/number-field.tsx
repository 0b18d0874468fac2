/** A number in a form: kept when it is finished being typed, not while it is. */
import { NumberInput } from "@mantine/core";
import { type ReactNode, useState } from "react";

interface NumberFieldProps {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly decimals?: number;
  readonly description?: string;
  onCommit(value: number): void;
}

export function NumberField({
  label,
  value,
  min,
  max,
  step = 1,
  decimals = 0,
  description,
  onCommit,
}: NumberFieldProps): ReactNode {
  const [draft, setDraft] = useState<string | number | null>(null);

  function commit(next: string | number | null): void {
    setDraft(null);
    const number = Number(next);
    if (next === null || next === "" || !Number.isFinite(number)) return;
    const fitting = Math.min(max, Math.max(min, number));
    if (fitting !== value) onCommit(fitting);
  }

  return (
    <NumberInput
      label={label}
      {...(description === undefined ? {} : { description })}
      value={draft ?? value}
      min={min}
      max={max}
      step={step}
      decimalScale={decimals}
      allowDecimal={decimals > 0}
      clampBehavior="blur"
      onChange={setDraft}
      onValueChange={({ floatValue }, { source }) => {
        // The arrows change it at once; typing is waited for.
        if (["increment", "decrement"].includes(String(source))) commit(floatValue ?? null);
      }}
      onBlur={() => commit(draft)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") commit(draft);
        if (event.key === "Escape") setDraft(null);
      }}
    />
  );
}
