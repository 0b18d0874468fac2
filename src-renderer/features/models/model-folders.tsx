/** The folders that were searched for models, and what there was to say about them. */
import type { ReactNode } from "react";
import { Copy } from "../../ui/fold.tsx";
import { IconButton } from "../../ui/icon-button.tsx";
import { IconFolder, IconX } from "../../ui/icons.ts";
import { forgetPath } from "./models-state.ts";

export interface SearchedFolder {
  readonly path: string;
  readonly source: string;
  readonly exists: boolean;
}

/** What the search calls places that the user named. */
export const CHOSEN = "chosen";

export function Folders({
  folders,
  problems,
}: {
  readonly folders: readonly SearchedFolder[];
  readonly problems: readonly string[];
}): ReactNode {
  return (
    <section className="models-group" aria-label="Folders searched">
      <h2 className="section-title">Folders searched</h2>
      <div className="models-card">
        {folders.map((folder) => (
          <div key={folder.path} className="model-folder">
            <IconFolder size={16} stroke={1.6} aria-hidden="true" />
            <span className="grow model-folder-text">
              <span className="row model-folder-path">
                <span className="clip" title={folder.path} data-selectable>
                  {folder.path}
                </span>
                <Copy text={folder.path} label={`Copy ${folder.path}`} />
              </span>
              <span className="small muted">
                {folder.source}
                {!folder.exists && <span className="caution"> · is not there</span>}
              </span>
            </span>
            {folder.source === CHOSEN && (
              <IconButton
                icon={IconX}
                label={`Forget ${folder.path}`}
                onClick={() => void forgetPath(folder.path)}
              />
            )}
          </div>
        ))}
        {folders.length === 0 && (
          <p className="model-folder muted">
            No ComfyUI, A1111 or Forge was found on this machine.
          </p>
        )}
        {problems.map((problem) => (
          <p key={problem} className="model-folder small caution" data-selectable>
            {problem}
          </p>
        ))}
      </div>
    </section>
  );
}
