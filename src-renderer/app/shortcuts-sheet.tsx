/** "?": the keys that work on this page. */
import { Modal } from "@mantine/core";
import { type ReactNode, useMemo, useState } from "react";
import { type Command, keys, useCommandStore, useCommands } from "../ui/commands.ts";

export function ShortcutsSheet(): ReactNode {
  const [open, setOpen] = useState(false);
  const sources = useCommandStore((state) => state.sources);
  const commands = useMemo<Command[]>(
    () => [
      {
        id: "shortcuts",
        label: "Show the shortcuts of this page",
        group: "View",
        hotkeys: ["?"],
        run: () => setOpen(true),
      },
    ],
    [],
  );
  useCommands("shortcuts", commands);

  const groups = new Map<string, Command[]>();
  for (const command of Object.values(sources).flat())
    if (command.hotkeys !== undefined)
      groups.set(command.group, [...(groups.get(command.group) ?? []), command]);

  return (
    <Modal opened={open} onClose={() => setOpen(false)} title="Shortcuts of this page" size="lg">
      <div className="shortcuts">
        {[...groups].map(([group, list]) => (
          <section key={group}>
            <h3 className="section-title">{group}</h3>
            {list.map((command) => (
              <div key={command.id} className="row">
                <span className="grow">{command.label}</span>
                {command.hotkeys?.map((hotkey) => (
                  <span key={hotkey} className="keys">
                    {keys(hotkey)}
                  </span>
                ))}
              </div>
            ))}
          </section>
        ))}
      </div>
    </Modal>
  );
}
