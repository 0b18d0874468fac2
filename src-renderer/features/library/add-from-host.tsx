/** Adding files where there is no native dialog: a folder of the host's machine, or files of this one. */
import { Button, Modal } from "@mantine/core";
import { type ReactNode, useRef, useState } from "react";
import { uploadAll } from "../../studio/files.ts";
import { FolderPicker } from "../../ui/folder-picker.tsx";
import { IconUpload } from "../../ui/icons.ts";
import { toastFailure } from "../../ui/toast.tsx";
import { importPaths } from "./import.ts";
import { useLibrary } from "./library-state.ts";

export function AddFromHost({
  opened,
  close,
}: {
  readonly opened: boolean;
  close(): void;
}): ReactNode {
  const input = useRef<HTMLInputElement>(null);
  const [sent, setSent] = useState<{ done: number; of: number } | null>(null);
  const collection = useLibrary((state) => state.collection) ?? undefined;

  async function send(files: File[]): Promise<void> {
    setSent({ done: 0, of: files.length });
    try {
      const paths = await uploadAll(
        files.map((file) => ({ file, name: file.name })),
        (done) => setSent({ done, of: files.length }),
      );
      if (paths.length > 0) await importPaths(paths, collection);
      close();
    } catch (error) {
      toastFailure("The files were not added", error);
    } finally {
      setSent(null);
    }
  }

  return (
    <Modal opened={opened} onClose={close} title="Add files" size={560}>
      <FolderPicker
        verb="Import this folder"
        onPick={(path) => {
          importPaths([path], collection)
            .then(close)
            .catch((error: unknown) => toastFailure(`${path} was not imported`, error));
        }}
      />
      <div className="add-upload">
        <span className="grow muted small">
          Or send files from this computer. Files and folders can also be dropped anywhere on the
          page.
        </span>
        <Button
          leftSection={<IconUpload size={16} stroke={1.6} />}
          loading={sent !== null}
          onClick={() => input.current?.click()}
        >
          {sent === null ? "Send files" : `${sent.done} of ${sent.of}`}
        </Button>
        <input
          ref={input}
          type="file"
          multiple
          hidden
          accept=".safetensors,.pt,.pth,.bin,.ckpt"
          data-testid="upload-input"
          onChange={(event) => {
            const files = [...(event.currentTarget.files ?? [])];
            event.currentTarget.value = "";
            if (files.length > 0) void send(files);
          }}
        />
      </div>
    </Modal>
  );
}
