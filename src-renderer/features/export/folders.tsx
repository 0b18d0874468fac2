/** Where to write: folders that were found, with where from, and any other. */
import { Button, Modal, Radio, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { ComfyFolder } from "../../../src-preload/contract/exports.ts";
import { queries, queryClient, studio } from "../../studio/client.ts";
import { pickFiles } from "../../studio/files.ts";
import { FolderPicker } from "../../ui/folder-picker.tsx";
import { IconFolderOpen } from "../../ui/icons.ts";
import { Failed } from "../../ui/states.tsx";
import { toastFailure } from "../../ui/toast.tsx";
import { useExport } from "./export-state.ts";

export function Folders(): ReactNode {
  const folder = useExport((state) => state.folder);
  const { data, error } = useQuery(queries.exports.folders.queryOptions({ staleTime: 10_000 }));
  const capabilities = useQuery(queries.system.capabilities.queryOptions()).data;
  const [picking, setPicking] = useState(false);
  const known = data?.some((each) => each.path === folder) === true;
  const list: readonly ComfyFolder[] =
    folder !== null && data !== undefined && !known
      ? [...data, { path: folder, source: "chosen", tool: "", exists: true, writable: true }]
      : (data ?? []);

  async function take(path: string): Promise<void> {
    setPicking(false);
    useExport.setState({ folder: path });
    try {
      const settings = await studio.system.settings();
      if (!settings.folders.includes(path))
        await studio.system.changeSettings({ folders: [...settings.folders, path] });
      await queryClient.invalidateQueries({ queryKey: queries.exports.folders.key() });
    } catch (failure) {
      toastFailure("The folder is used but was not remembered", failure);
    }
  }
  function choose(): void {
    if (capabilities?.pickFiles !== true) {
      setPicking(true);
      return;
    }
    pickFiles("Choose a folder to write to", true)
      .then(([path]) => (path === undefined ? undefined : take(path)))
      .catch((failure: unknown) => toastFailure("No folder was chosen", failure));
  }

  if (error !== null) return <Failed doing="Folders could not be looked for" error={error} />;
  return (
    <>
      <Radio.Group
        aria-label="Folder to write to"
        value={folder ?? ""}
        onChange={(path) => useExport.setState({ folder: path })}
      >
        <div className="target-list">
          {data === undefined && [0, 1].map((i) => <Skeleton key={i} height={46} />)}
          {list.map((each) => (
            <Radio.Card
              key={each.path}
              value={each.path}
              className="target"
              disabled={!each.writable}
              aria-label={each.path}
            >
              <Radio.Indicator size="xs" />
              <span className="grow">
                <span className="target-path" title={each.path}>
                  <bdi>{each.path}</bdi>
                </span>
                <span className="tiny muted">
                  {[each.tool, each.source].filter(Boolean).join(", ")}
                  {!each.exists && each.writable && (
                    <span className="caution"> · is made on export</span>
                  )}
                  {!each.exists && !each.writable && (
                    <span className="danger"> · is not there</span>
                  )}
                  {each.exists && !each.writable && (
                    <span className="danger"> · cannot be written</span>
                  )}
                </span>
              </span>
            </Radio.Card>
          ))}
          {data?.length === 0 && folder === null && (
            <p className="small muted target-none">
              No ComfyUI or A1111 was found at the usual places. Choose its folder for LoRAs,
              usually models/loras.
            </p>
          )}
        </div>
      </Radio.Group>
      <Button fullWidth leftSection={<IconFolderOpen size={16} stroke={1.6} />} onClick={choose}>
        Choose a folder…
      </Button>
      <Modal
        opened={picking}
        onClose={() => setPicking(false)}
        title="Choose a folder to write to"
        size={560}
      >
        <FolderPicker mayBeEmpty verb="Write here" onPick={(path) => void take(path)} />
      </Modal>
    </>
  );
}
