/** Ctrl K: every command that can run now, and a search in the library. */
import { Spotlight, type SpotlightActionGroupData } from "@mantine/spotlight";
import { type ReactNode, useMemo, useState } from "react";
import { useLocation } from "wouter";
import { searchLibrary } from "../features/library/library-state.ts";
import { keys, useCommandStore } from "../ui/commands.ts";
import { IconSearch } from "../ui/icons.ts";

export function CommandPalette(): ReactNode {
  const sources = useCommandStore((state) => state.sources);
  const [query, setQuery] = useState("");
  const [, navigate] = useLocation();

  const actions = useMemo(() => {
    const groups = new Map<string, SpotlightActionGroupData>();
    for (const command of Object.values(sources).flat()) {
      if (command.hidden === true || command.disabled === true) continue;
      const group = groups.get(command.group) ?? { group: command.group, actions: [] };
      const hotkey = command.hotkeys?.[0];
      group.actions.push({
        id: command.id,
        label: command.label,
        onClick: () => command.run(),
        ...(command.description === undefined ? {} : { description: command.description }),
        ...(hotkey === undefined
          ? {}
          : { rightSection: <span className="keys">{keys(hotkey)}</span> }),
      });
      groups.set(command.group, group);
    }
    const list = [...groups.values()];
    if (query.trim() !== "")
      list.push({
        group: "Library",
        actions: [
          {
            id: "search-library",
            label: `Search the library for “${query.trim()}”`,
            keywords: [query],
            leftSection: <IconSearch size={16} stroke={1.6} />,
            onClick() {
              searchLibrary(query.trim());
              navigate("/library");
            },
          },
        ],
      });
    return list;
  }, [sources, query, navigate]);

  return (
    <Spotlight
      actions={actions}
      query={query}
      onQueryChange={setQuery}
      shortcut={["mod+K", "mod+P"]}
      tagsToIgnore={[]}
      scrollable
      centered={false}
      yOffset="12vh"
      overlayProps={{ backgroundOpacity: 0.5, blur: 0 }}
      maxHeight={420}
      nothingFound="No command of that name"
      searchProps={{
        placeholder: "Search or run",
        leftSection: <IconSearch size={18} stroke={1.6} />,
        "aria-label": "Search or run",
      }}
    />
  );
}
