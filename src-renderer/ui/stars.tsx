/** Five stars: a radio group for the keyboard, a click on the present rating takes it away. */
import type { ReactNode } from "react";
import { IconStar, IconStarFilled } from "./icons.ts";
import "./stars.css";

export function Stars({
  value,
  onChange,
  label,
}: {
  readonly value: number;
  readonly label: string;
  onChange(value: number): void;
}): ReactNode {
  return (
    <div
      className="stars"
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={5}
      aria-valuenow={value}
      aria-valuetext={value === 0 ? "not rated" : `${value} of 5`}
      onKeyDown={(event) => {
        const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        onChange(Math.min(5, Math.max(0, value + step)));
      }}
    >
      {[1, 2, 3, 4, 5].map((star) => {
        const Sign = star <= value ? IconStarFilled : IconStar;
        return (
          <span
            key={star}
            className="stars-one"
            data-on={star <= value || undefined}
            onClick={() => onChange(star === value ? 0 : star)}
          >
            <Sign size={16} stroke={1.6} />
          </span>
        );
      })}
    </div>
  );
}
