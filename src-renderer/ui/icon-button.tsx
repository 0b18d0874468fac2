/** A button that shows only an icon: never without a name, told on hover together with its key. */
import { ActionIcon, Tooltip } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import type { MouseEvent, ReactNode } from "react";

interface IconButtonProps {
  readonly icon: Icon;
  readonly label: string;
  readonly hotkey?: string;
  readonly active?: boolean;
  readonly disabled?: boolean;
  readonly size?: number;
  readonly className?: string;
  readonly pressed?: boolean;
  onClick?(event: MouseEvent<HTMLButtonElement>): void;
}

export function IconButton({
  icon: Sign,
  label,
  hotkey,
  active,
  disabled,
  size = 28,
  className,
  pressed,
  onClick,
}: IconButtonProps): ReactNode {
  return (
    <Tooltip label={hotkey === undefined ? label : `${label}  ·  ${hotkey}`}>
      <ActionIcon
        size={size}
        aria-label={label}
        aria-pressed={pressed}
        disabled={disabled ?? false}
        className={className ?? ""}
        {...(active === true || pressed === true ? { "data-active": true } : {})}
        {...(onClick === undefined ? {} : { onClick })}
      >
        <Sign size={size >= 26 ? 18 : 15} stroke={1.6} />
      </ActionIcon>
    </Tooltip>
  );
}
