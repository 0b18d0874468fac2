/** The rail: every page, always in the same place. */
import { type ReactNode, useEffect, useMemo } from "react";
import { Link, useLocation } from "wouter";
import { shell } from "../studio/shell.ts";
import { type Command, keys, useCommands } from "../ui/commands.ts";
import { type PageEntry, pages } from "./pages.ts";
import { visited } from "./routes.ts";

export function Rail(): ReactNode {
  const [location, navigate] = useLocation();
  useEffect(() => visited(location), [location]);

  const commands = useMemo<Command[]>(
    () =>
      pages.map((page, i) => ({
        id: `page${page.path}`,
        label: `Go to ${page.label}`,
        group: "Go to",
        // A browser keeps Ctrl and a digit for its own tabs; Alt works in both shells.
        hotkeys:
          shell === undefined ? [`alt+${i + 1}`, `mod+${i + 1}`] : [`mod+${i + 1}`, `alt+${i + 1}`],
        run: () => navigate(page.path),
      })),
    [navigate],
  );
  useCommands("rail", commands);

  return (
    <nav className="rail" aria-label="Pages">
      {pages.filter((page) => page.foot !== true).map((page) => entry(page, location))}
      <span className="grow" />
      {pages.filter((page) => page.foot === true).map((page) => entry(page, location))}
    </nav>
  );
}

function entry(page: PageEntry, location: string): ReactNode {
  const active = location.startsWith(page.path);
  return (
    <Link
      key={page.path}
      href={page.path}
      className="rail-entry"
      aria-current={active ? "page" : undefined}
      title={`${page.label}  ·  ${keys(`alt+${pages.indexOf(page) + 1}`)}`}
    >
      <page.icon size={20} stroke={1.6} aria-hidden="true" />
      <span>{page.label}</span>
    </Link>
  );
}
