/** A menu at the pointer (or at the focused thing): what the selection can do. */
import { Menu } from "@mantine/core";
import type { Icon } from "@tabler/icons-react";
import { Fragment, type ReactNode } from "react";
import { create } from "zustand";

export interface Action {
  readonly id: string;
  readonly label: string;
  readonly icon: Icon;
  run(): void;
  readonly hotkey?: string;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  /** A line is drawn above the first action of a new section. */
  readonly section?: string;
}

interface Open {
  readonly x: number;
  readonly y: number;
  readonly label: string;
  readonly actions: readonly Action[];
}

const useOpen = create<{ open: Open | null }>(() => ({ open: null }));

export function openMenu(
  at: { readonly clientX: number; readonly clientY: number },
  label: string,
  actions: readonly Action[],
): void {
  useOpen.setState({ open: { x: at.clientX, y: at.clientY, label, actions } });
}

export function ContextMenu(): ReactNode {
  const open = useOpen((state) => state.open);
  if (open === null) return null;
  return (
    <Menu
      opened
      position="bottom-start"
      offset={0}
      width={240}
      onClose={() => useOpen.setState({ open: null })}
    >
      <Menu.Target>
        <span style={{ position: "fixed", left: open.x, top: open.y, width: 1, height: 1 }} />
      </Menu.Target>
      <Menu.Dropdown aria-label={open.label}>
        <MenuItems actions={open.actions} />
      </Menu.Dropdown>
    </Menu>
  );
}

export function MenuItems({ actions }: { readonly actions: readonly Action[] }): ReactNode {
  return actions.map((action, i) => (
    <Fragment key={action.id}>
      {i > 0 && action.section !== actions[i - 1]?.section && <Menu.Divider />}
      <Menu.Item
        leftSection={<action.icon size={16} stroke={1.6} />}
        rightSection={
          action.hotkey === undefined ? undefined : (
            <span className="tiny faint">{action.hotkey}</span>
          )
        }
        disabled={action.disabled ?? false}
        {...(action.danger === true ? { color: "var(--danger)" } : {})}
        onClick={() => action.run()}
      >
        {action.label}
      </Menu.Item>
    </Fragment>
  ));
}
