/** The body of a page: a left column and a right inspector that can be resized and closed, the centre, a strip below. */
import { useMediaQuery } from "@mantine/hooks";
import { type PointerEvent, type ReactNode, useMemo, useRef } from "react";
import { type Command, useCommands } from "./commands.ts";
import { IconButton } from "./icon-button.tsx";
import { IconLayoutSidebarLeft, IconLayoutSidebarRight } from "./icons.ts";
import { setClosed, setWidth, usePanels } from "./panels.ts";
import { Fill } from "./slots.tsx";
import "./workspace.css";

interface WorkspaceProps {
  readonly page: string;
  readonly children: ReactNode;
  readonly left?: ReactNode;
  readonly right?: ReactNode;
  readonly strip?: ReactNode;
  readonly rightName?: string;
  /** Below 1,200 px the inspector lies over the centre: where the centre is a grid, not an instrument beside it. */
  readonly overlays?: boolean;
}

export function Workspace({
  page,
  children,
  left,
  right,
  strip,
  rightName = "Inspector",
  overlays = false,
}: WorkspaceProps): ReactNode {
  const narrow = useMediaQuery("(max-width: 1199px)", window.innerWidth < 1200);
  const floating = overlays && narrow;
  const leftPanel = usePanel(`${page}.left`, 200, 160, 320);
  const rightPanel = usePanel(
    floating ? `${page}.floating` : `${page}.right`,
    332,
    300,
    480,
    floating,
  );
  const hasLeft = left !== undefined;
  const hasRight = right !== undefined;

  const commands = useMemo<Command[]>(
    () => [
      {
        id: "panels",
        label: "Show or hide the panels",
        group: "View",
        hotkeys: ["\\"],
        run() {
          const hide = (hasRight && !rightPanel.closed) || (hasLeft && !leftPanel.closed);
          setClosed(rightPanel.name, hide);
          if (hasLeft) setClosed(leftPanel.name, hide);
        },
      },
    ],
    [hasLeft, hasRight, leftPanel.closed, leftPanel.name, rightPanel.closed, rightPanel.name],
  );
  useCommands("panels", commands);

  return (
    <div className="workspace">
      <Fill name="actions">
        {hasLeft && (
          <IconButton
            icon={IconLayoutSidebarLeft}
            label={leftPanel.closed ? "Show the left column" : "Hide the left column"}
            pressed={!leftPanel.closed}
            onClick={() => setClosed(leftPanel.name, !leftPanel.closed)}
          />
        )}
        {hasRight && (
          <IconButton
            icon={IconLayoutSidebarRight}
            label={
              rightPanel.closed
                ? `Show ${rightName.toLowerCase()}`
                : `Hide ${rightName.toLowerCase()}`
            }
            pressed={!rightPanel.closed}
            onClick={() => setClosed(rightPanel.name, !rightPanel.closed)}
          />
        )}
      </Fill>
      {hasLeft && !leftPanel.closed && (
        <nav
          className="workspace-left"
          style={{ width: leftPanel.width }}
          aria-label="Library sections"
        >
          {left}
          <Handle side="left" panel={leftPanel} />
        </nav>
      )}
      <main className="workspace-centre">
        <div className="workspace-stage">{children}</div>
        {strip !== undefined && <div className="workspace-strip">{strip}</div>}
      </main>
      {hasRight && !rightPanel.closed && (
        <aside
          className="workspace-right"
          data-floating={floating || undefined}
          style={{ width: rightPanel.width }}
          aria-label={rightName}
        >
          <Handle side="right" panel={rightPanel} />
          {right}
        </aside>
      )}
    </div>
  );
}

interface Panel {
  readonly name: string;
  readonly width: number;
  readonly closed: boolean;
  readonly min: number;
  readonly max: number;
}

function usePanel(
  name: string,
  usual: number,
  min: number,
  max: number,
  closedAtFirst = false,
): Panel {
  const width = usePanels((state) => state.widths[name] ?? usual);
  const closed = usePanels((state) => state.closed[name] ?? closedAtFirst);
  return { name, width: Math.min(max, Math.max(min, width)), closed, min, max };
}

function Handle({
  side,
  panel,
}: {
  readonly side: "left" | "right";
  readonly panel: Panel;
}): ReactNode {
  const from = useRef<{ x: number; width: number } | null>(null);
  const sign = side === "left" ? 1 : -1;
  return (
    <div
      className="workspace-handle"
      data-side={side}
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the panel"
      aria-valuenow={panel.width}
      aria-valuemin={panel.min}
      aria-valuemax={panel.max}
      tabIndex={0}
      onKeyDown={(event) => {
        const step = { ArrowLeft: -16, ArrowRight: 16 }[event.key];
        if (step !== undefined) setWidth(panel.name, panel.width + step * sign);
      }}
      onPointerDown={(event: PointerEvent<HTMLDivElement>) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        from.current = { x: event.clientX, width: panel.width };
      }}
      onPointerMove={(event) => {
        if (from.current === null) return;
        const width = from.current.width + (event.clientX - from.current.x) * sign;
        setWidth(panel.name, Math.min(panel.max, Math.max(panel.min, width)));
      }}
      onPointerUp={() => {
        from.current = null;
      }}
    />
  );
}
